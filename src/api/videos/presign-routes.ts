// Uploads straight to S3: addresses signed for each part, and the same as Uppy's AwsS3 plugin asks for it. Wired by api.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, playbackBase } from '#api/context.ts';
import { invalid, parseWith, problems } from '#api/errors.ts';
import { toId, toVideoWish, videoFields, videoId, whole } from '#api/videos/forms.ts';
import { uploadAccess, uploaderOf } from '#api/videos/upload-access.ts';
import type { Upload } from '#database/uploads.ts';
import { readSha256 } from '#domain/upload.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { finishUpload } from '#workflows/uploads/finish-upload.ts';
import {
  listDirectParts,
  MOST_PARTS,
  presignUpload,
  SIGNED_SECONDS,
  signPart,
} from '#workflows/uploads/presign-upload.ts';

const tags = ['videos: upload'];
/** Addresses in one answer. */
const AT_ONCE = 100;
const partNumber = whole(1, MOST_PARTS);
const signedParts = z.array(z.object({ part_number: z.int(), url: z.string() }));

const presignBody = z.object({
  filename: z.string().min(1).max(1000).optional(),
  size: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  part_size: whole(1, 5 * 1024 ** 3).optional(),
  content_type: z.string().max(200).optional(),
  sha256: z.string().max(100).optional(),
  /** More addresses of one begun before. */
  upload_id: videoId.optional(),
  part_numbers: z.array(partNumber).max(AT_ONCE).optional(),
  ...videoFields,
});
const presignAnswer = z.object({
  upload_id: z.string(),
  part_size: z.int(),
  total_parts: z.int().nullable(),
  expires_in: z.int(),
  parts: signedParts,
});
const uppyBody = z.object({
  filename: z.string().max(1000).optional(),
  type: z.string().max(200).optional(),
  metadata: z.record(z.string(), z.unknown()).default({}),
});
const one = z.object({ id: videoId });

export function presignRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const access = uploadAccess(platform);
  const find = (request: FastifyRequest, id: string): Promise<Upload> =>
    findOwnUpload(platform, { ...uploaderOf(request), id: toId(id) });
  const sign = async (upload: Upload, numbers: readonly number[]) => {
    const parts: z.output<typeof signedParts> = [];
    for (const number of numbers) parts.push({ part_number: number, url: await signPart(platform, upload, number) });
    return parts;
  };

  app.post(
    '/upload/presign',
    {
      config: access,
      schema: {
        tags,
        summary:
          'Begin an upload whose parts are sent to S3 by PUT; or, with upload_id and part_numbers, more addresses',
        body: presignBody,
        response: { 201: presignAnswer, 200: presignAnswer, ...problems(404, 409, 507) },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const more = body.upload_id !== undefined && body.part_numbers !== undefined;
      const upload = more ? await find(request, body.upload_id ?? '') : await begin(request, body);
      const first = Array.from({ length: Math.min(AT_ONCE, upload.totalChunks ?? 1) }, (_, index) => index + 1);
      return reply.code(more ? 200 : 201).send({
        upload_id: upload.id,
        part_size: upload.chunkSize ?? 0,
        total_parts: upload.totalChunks,
        expires_in: SIGNED_SECONDS,
        parts: await sign(upload, body.part_numbers ?? first),
      });
    },
  );
  const begin = async (request: FastifyRequest, body: z.output<typeof presignBody>): Promise<Upload> => {
    if (body.filename === undefined) throw invalid([{ path: 'filename', message: 'the name of the file' }]);
    const { grant } = uploaderOf(request);
    if (grant && body.size === undefined)
      throw invalid([{ path: 'size', message: 'bytes: an upload token is for a size' }]);
    return presignUpload(platform, {
      ...uploaderOf(request),
      filename: body.filename,
      size: body.size ?? null,
      partSize: body.part_size ?? null,
      contentType: body.content_type ?? null,
      sha256: body.sha256 === undefined ? null : readSha256(body.sha256),
      ...(body.upload_id === undefined ? {} : { id: toId(body.upload_id) }),
      video: toVideoWish(body),
      baseUrl: playbackBase(context, request),
    });
  };

  const root = '/upload/s3/multipart';
  const direct = { ...access, answers: [409, 422, 507] };
  const uppy = (summary: string) => ({ tags, summary: `Uppy AwsS3: ${summary}` });
  app.post(root, { config: direct, schema: { ...uppy('begin'), body: uppyBody } }, async (request, reply) => {
    const { filename, type, metadata } = request.body;
    const fields = Object.fromEntries(
      Object.entries(metadata).filter(([name, value]) => name in videoFields && value !== null),
    );
    const size = metadata.size === undefined ? {} : { size: metadata.size };
    const body = parseWith(presignBody, {
      ...fields,
      ...size,
      filename: filename ?? metadata.name ?? 'upload',
      content_type: type,
    });
    const { id } = await begin(request, body);
    return reply.code(200).send({ key: id, uploadId: id });
  });
  app.get(
    `${root}/:id/:number`,
    { config: direct, schema: { ...uppy('the address of a part'), params: one.extend({ number: partNumber }) } },
    async (request, reply) => {
      const upload = await find(request, request.params.id);
      const url = await signPart(platform, upload, request.params.number);
      return reply.send({ url, expires: SIGNED_SECONDS });
    },
  );
  app.get(
    `${root}/:id`,
    { config: direct, schema: { ...uppy('the parts that have come'), params: one } },
    async (request, reply) => {
      const parts = await listDirectParts(platform, await find(request, request.params.id));
      return reply.send(parts.map(({ number, size, etag }) => ({ PartNumber: number, Size: size, ETag: etag })));
    },
  );
  app.post(
    `${root}/:id/complete`,
    { config: direct, schema: { ...uppy('all parts are sent'), params: one } },
    async (request, reply) => {
      const upload = await find(request, request.params.id);
      await finishUpload(platform, upload);
      return reply.send({ location: `${playbackBase(context, request)}/stream/${upload.id}/master.m3u8` });
    },
  );
  app.delete(`${root}/:id`, { config: direct, schema: { ...uppy('give up'), params: one } }, async (request, reply) => {
    await abandonUpload(platform, await find(request, request.params.id));
    return reply.send({});
  });
}
