// The upload service in chunks: init, chunk, complete, what has come, giving up. Wired by api.ts.
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { announcedSize, piecesOf } from '#api/body-pieces.ts';
import { type Api, type ApiContext, playbackBase } from '#api/context.ts';
import { invalid, problems } from '#api/errors.ts';
import { chunkForm, receiveChunkForm } from '#api/videos/chunk-form.ts';
import { acceptBytesAlone, takesBytes, toId, toVideoWish, videoFields, videoId, whole } from '#api/videos/forms.ts';
import { uploadAccess, uploaderOf } from '#api/videos/upload-access.ts';
import { showUpload, uploadView } from '#api/videos/upload-view.ts';
import { findUploadProgress } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { findVideo } from '#database/videos.ts';
import { chunkSizeOf, MOST_CHUNKS, readSha256 } from '#domain/upload.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { beginUpload, findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { finishUpload } from '#workflows/uploads/finish-upload.ts';
import { receiveChunk } from '#workflows/uploads/receive-chunk.ts';
import { playbackLinks } from '#workflows/videos/playback-links.ts';

const tags = ['videos: upload'];
/** Seconds that complete waits for the end before it answers that the end is still to come. */
const PATIENCE = 25;
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
      config: { ...access, takes: chunkForm },
      schema: {
        tags,
        summary: 'One chunk, its fields before or after the file',
        response: { 200: chunkAnswer, ...problems(404, 409, 422, 507) },
      },
    },
    async (request) => {
      const { upload, index } = await receiveChunkForm(platform, request);
      return tellChunk(upload, index);
    },
  );
  // curl -T names no type at all, and a chunk is bytes whatever it is called.
  void app.register(async (room: Api) => {
    acceptBytesAlone(room);
    room.put(
      '/upload/:upload_id/chunks/:index',
      {
        config: { ...access, takes: takesBytes },
        schema: {
          tags,
          summary: 'The same as a body of bytes alone',
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
