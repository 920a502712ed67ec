// The upload service: init, chunk, complete, what has come, giving up; upload tokens; the speed test. Wired by api.ts.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { announcedSize, piecesOf } from '#api/body-pieces.ts';
import { type Api, type ApiContext, callerOf, playbackBase } from '#api/context.ts';
import { invalid, problems } from '#api/errors.ts';
import { receiveChunkForm } from '#api/videos/chunk-form.ts';
import {
  acceptBytesAlone,
  acceptBytesOrFile,
  toId,
  toVideoWish,
  videoFields,
  videoId,
  whole,
  wholeOr,
} from '#api/videos/forms.ts';
import { uploadAccess, uploaderOf } from '#api/videos/upload-access.ts';
import { showUpload, uploadView } from '#api/videos/upload-view.ts';
import { findUploadProgress } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { findVideo } from '#database/videos.ts';
import { chunkSizeOf, MOST_CHUNKS, readSha256 } from '#domain/upload.ts';
import { signUploadToken, TOKEN_PURPOSE } from '#domain/upload-token.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { beginUpload, findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { finishUpload } from '#workflows/uploads/finish-upload.ts';
import { receiveChunk } from '#workflows/uploads/receive-chunk.ts';
import { playbackLinks } from '#workflows/videos/playback-links.ts';

const tags = ['videos: upload'];
/** Seconds that complete waits for the end before it answers that the end is still to come. */
const PATIENCE = 25;
const DAY = 86_400;
const FILENAME = 'the name of the file';

const initBody = z.object({
  filename: z.string({ error: FILENAME }).min(1, { error: FILENAME }).max(1000),
  total_chunks: whole(1, MOST_CHUNKS),
  size: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  chunk_size: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  sha256: z.string().max(100).optional(),
  upload_id: videoId.optional(),
  purpose: z.enum(['video', 'job'], { error: 'video or job' }).default('video'),
  ...videoFields,
});
const initAnswer = z.object({
  upload_id: z.string(),
  filename: z.string(),
  total_chunks: z.int(),
  chunk_size: z.int(),
  received: z.array(z.int()),
});
const chunkAnswer = z.object({
  upload_id: z.string(),
  index: z.int(),
  received: z.int(),
  total_chunks: z.int(),
});
const completeAnswer = z.object({
  upload_id: z.string(),
  status: z.enum(VIDEO_STATUSES),
  master_url: z.string().nullable(),
});
const tokenBody = z.object({
  expires_in: wholeOr(3600, 1, 30 * DAY),
  max_bytes: whole(1, Number.MAX_SAFE_INTEGER).optional(),
});
const tokenAnswer = z.object({
  token: z.string(),
  upload_id: z.string(),
  max_bytes: z.int(),
  expires_at: z.iso.datetime(),
});
const params = z.object({ upload_id: videoId });

export function uploadRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const { db } = platform.database;
  const access = uploadAccess(platform);
  const own = (request: FastifyRequest, id: string): Promise<Upload> =>
    findOwnUpload(platform, { ...uploaderOf(request), id: toId(id) });

  app.post(
    '/upload/init',
    {
      config: access,
      schema: {
        tags,
        summary: 'Begin an upload in chunks',
        body: initBody,
        response: { 201: initAnswer, ...problems(404, 409, 507) },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const size = body.size ?? null;
      checkChunks(body, platform.config.MAX_SOURCE_BYTES);
      const upload = await beginUpload(platform, {
        ...uploaderOf(request),
        protocol: 'chunks',
        filename: body.filename,
        size,
        sha256: body.sha256 === undefined ? null : readSha256(body.sha256),
        totalChunks: body.total_chunks,
        chunkSize: body.chunk_size ?? null,
        ...(body.upload_id === undefined ? {} : { id: toId(body.upload_id) }),
        video: body.purpose === 'video' ? toVideoWish(body) : null,
        baseUrl: playbackBase(context, request),
      });
      const { received } = await showUpload(platform, upload);
      return reply.code(201).send({
        upload_id: upload.id,
        filename: upload.filename,
        total_chunks: body.total_chunks,
        chunk_size: upload.chunkSize ?? chunkSizeOf({ size, totalChunks: body.total_chunks }),
        received,
      });
    },
  );

  const tellChunk = async (upload: Upload, index: number) => {
    const { parts } = await findUploadProgress(db, upload);
    return { upload_id: upload.id, index, received: parts, total_chunks: upload.totalChunks ?? 0 };
  };
  app.post(
    '/upload/chunk',
    {
      config: { ...access, takesFile: true },
      schema: {
        tags,
        summary: 'One chunk as multipart/form-data: upload_id, index, file, and sha256 where it is to be checked',
        response: { 200: chunkAnswer, ...problems(404, 409, 422, 507) },
      },
    },
    async (request) => {
      const { upload, index } = await receiveChunkForm(platform, request);
      return tellChunk(upload, index);
    },
  );
  // curl -T names no type at all, and a chunk is bytes whatever it is called.
  void app.register(async (inner) => {
    const room = inner as unknown as Api;
    acceptBytesAlone(room);
    room.put(
      '/upload/:upload_id/chunks/:index',
      {
        config: access,
        schema: {
          tags,
          summary: 'The same as a body of bytes alone (application/octet-stream)',
          params: z.object({ upload_id: videoId, index: whole(0, MOST_CHUNKS - 1) }),
          querystring: z.object({ sha256: z.string().max(100).optional() }),
          response: { 200: chunkAnswer, ...problems(404, 409, 422, 507) },
        },
      },
      async (request) => {
        const upload = await own(request, request.params.upload_id);
        const { index } = request.params;
        const { sha256 } = request.query;
        if (!(request.body instanceof Readable) || request.headers['content-type']?.startsWith('multipart/'))
          throw invalid([{ path: 'body', message: 'the bytes of the chunk alone; forms go to POST /upload/chunk' }]);
        await receiveChunk(platform, {
          upload,
          index,
          body: piecesOf(request.body),
          size: announcedSize(request),
          sha256: sha256 === undefined ? null : readSha256(sha256),
        });
        return tellChunk(upload, index);
      },
    );
  });

  app.post(
    '/upload/complete',
    {
      config: access,
      schema: {
        tags,
        summary: 'All chunks are there: join them and begin to encode',
        body: z.object({ upload_id: videoId }),
        response: { 202: completeAnswer, ...problems(404, 409, 422, 507) },
      },
    },
    async (request, reply) => {
      const upload = await own(request, request.body.upload_id);
      await within(PATIENCE, finishUpload(platform, upload), (error) =>
        request.log.warn({ err: error, uploadId: upload.id }, 'an upload could not be finished yet'),
      );
      const video = await findVideo(db, upload, platform.sealer);
      return reply.code(202).send({
        upload_id: upload.id,
        status: video?.status ?? 'uploaded',
        master_url: video && playbackLinks(platform, video, playbackBase(context, request)).masterUrl,
      });
    },
  );

  app.get(
    '/upload/:upload_id',
    {
      config: access,
      schema: { tags, summary: 'What has come and what is missing', params, response: { 200: uploadView } },
    },
    async (request) => showUpload(platform, await own(request, request.params.upload_id)),
  );
  app.delete(
    '/upload/:upload_id',
    {
      config: access,
      schema: {
        tags,
        summary: 'Give up an upload that is not complete',
        params,
        response: { 204: z.null(), ...problems(409) },
      },
    },
    async (request, reply) => {
      await abandonUpload(platform, await own(request, request.params.upload_id));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/upload/tokens',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'A token with which a browser without a key may make one upload',
        body: tokenBody,
        response: { 201: tokenAnswer },
      },
    },
    async (request, reply) => {
      const { expires_in: seconds, max_bytes: asked } = request.body;
      const maxBytes = Math.min(asked ?? Infinity, platform.config.MAX_SOURCE_BYTES);
      const expiresAt = Math.floor(Date.now() / 1000) + seconds;
      const grant = { projectId: callerOf(request).projectId, uploadId: uuidv7(), maxBytes, expiresAt };
      return reply.code(201).send({
        token: signUploadToken(grant, platform.keyFor(TOKEN_PURPOSE)),
        upload_id: grant.uploadId,
        max_bytes: maxBytes,
        expires_at: new Date(expiresAt * 1000).toISOString(),
      });
    },
  );
  // A browser's Blob has no type, and curl calls everything a form.
  void app.register(async (inner) => {
    const room = inner as unknown as Api;
    acceptBytesOrFile(room);
    speedTest(room);
  });
}

/** bytes of one answer of the speed test at the most, and where nothing is said */
const MOST_SPEED_BYTES = 1024 ** 3;
const USUAL_SPEED_BYTES = 10 * 1024 ** 2;
/** Random, so that nothing on the way compresses it; sent again and again, so that it costs nothing. */
const SPEED_BLOCK = 1024 ** 2;

function speedTest(app: Api): void {
  const block = randomBytes(SPEED_BLOCK);
  const config = { scope: 'read' as const };
  app.get(
    '/api/speedtest',
    {
      config,
      schema: {
        tags,
        summary: 'So many random bytes',
        querystring: z.object({ bytes: wholeOr(USUAL_SPEED_BYTES, 0, MOST_SPEED_BYTES) }),
      },
    },
    async (request, reply) => {
      const { bytes } = request.query;
      return reply
        .header('Cache-Control', 'no-store')
        .header('Content-Length', String(bytes))
        .type('application/octet-stream')
        .send(request.method === 'HEAD' ? undefined : Readable.from(blocks(block, bytes), { objectMode: false }));
    },
  );
  app.post(
    '/api/speedtest',
    {
      config: { ...config, takesFile: true },
      schema: {
        tags,
        summary: 'Counts what it is sent',
        response: { 200: z.object({ bytes: z.int(), seconds: z.number() }) },
      },
    },
    async (request, reply) => {
      const started = performance.now();
      let bytes = 0;
      if (request.isMultipart()) {
        for await (const part of request.parts()) {
          if (part.type === 'file') for await (const piece of part.file) bytes += (piece as Buffer).length;
        }
      } else if (request.body instanceof Readable) {
        for await (const piece of request.body) bytes += (piece as Buffer).length;
      }
      reply.header('Cache-Control', 'no-store');
      return { bytes, seconds: Math.round(performance.now() - started) / 1000 };
    },
  );
}

function* blocks(block: Buffer, bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}

/** Chunks that no file could be made of. */
function checkChunks(
  { size, chunk_size: chunkSize, total_chunks: total }: z.output<typeof initBody>,
  mostBytes: number,
): void {
  if (size !== undefined && total > size)
    throw invalid([{ path: 'total_chunks', message: `at most ${size}: each has a byte at least` }]);
  if (chunkSize === undefined) return;
  if ((total - 1) * chunkSize >= mostBytes)
    throw invalid([
      { path: 'chunk_size', message: `${total} chunks of it are more than ${mostBytes} bytes (MAX_SOURCE_BYTES)` },
    ]);
  const needed = size === undefined ? total : Math.max(1, Math.ceil(size / chunkSize));
  if (needed !== total)
    throw invalid([{ path: 'total_chunks', message: `${needed} for ${size} bytes in chunks of ${chunkSize}` }]);
}

/** Waits for work, but not for ever; what it fails with later is told to `onLate`. */
async function within(seconds: number, work: Promise<unknown>, onLate: (error: unknown) => void): Promise<void> {
  let late = false;
  const { promise: patience, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    late = true;
    resolve();
  }, seconds * 1000);
  work.catch((error: unknown) => {
    if (late) onLate(error);
  });
  try {
    await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}
