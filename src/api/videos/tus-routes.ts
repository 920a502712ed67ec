// tus 1.0.0 at /upload/tus/: creation, with upload and with a length told later, termination, expiration, checksum, concatenation. Wired by api.ts.
// Our own, for @tus/server has neither checksum nor concatenation.
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { piecesOf } from '#api/body-pieces.ts';
import { type Api, type ApiContext, baseUrl, playbackBase } from '#api/context.ts';
import { parseWith, sendProblem } from '#api/errors.ts';
import { toId, toVideoWish, videoFields, videoId } from '#api/videos/forms.ts';
import { grantOf, uploadAccess, uploaderOf } from '#api/videos/upload-access.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError, toPlatformError } from '#domain/error.ts';
import {
  readBytes,
  readChecksum,
  readConcat,
  readMetadata,
  TUS_ALGORITHMS,
  TUS_EXTENSIONS,
  TUS_VERSION,
} from '#domain/tus.ts';
import { readSha256, type VideoWish } from '#domain/upload.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { appendUpload } from '#workflows/uploads/append-upload.ts';
import { beginUpload, findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { concatenateUploads } from '#workflows/uploads/concatenate-uploads.ts';
import { finishInBackground } from '#workflows/uploads/finish-upload.ts';
import { lengthenUpload } from '#workflows/uploads/lengthen-upload.ts';

const tags = ['videos: upload'];
const ROOT = '/upload/tus';
const BYTES = 'application/offset+octet-stream';
/** The protocol's own code for a body that is not what its checksum says. */
const CHECKSUM_MISMATCH = 460;
const params = z.object({ id: videoId });

type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export function tusRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const access = uploadAccess(platform);
  const find = (request: FastifyRequest): Promise<Upload> => {
    const { id } = request.params as z.output<typeof params>;
    return findOwnUpload(platform, { ...uploaderOf(request), id: toId(id) });
  };
  const location = (request: FastifyRequest, { id }: Upload): string => {
    const { token } = (request.query ?? {}) as { readonly token?: unknown };
    // Who came by a token in the address comes again by one.
    const query = grantOf(request) && typeof token === 'string' ? `?token=${encodeURIComponent(token)}` : '';
    return `${baseUrl(context, request)}${ROOT}/${id}${query}`;
  };

  const create: Answer = async (request, reply) => {
    const concat = readConcat(header(request, 'upload-concat'));
    const wish = readWish(request);
    const begin = { ...uploaderOf(request), ...wish, baseUrl: playbackBase(context, request) };
    if (concat.kind === 'final') {
      const upload = await concatenateUploads(platform, { ...begin, ids: concat.ids.map(toId) });
      finishInBackground(platform, upload);
      return reply.code(201).header('Location', location(request, upload)).send();
    }
    const isPartial = concat.kind === 'partial';
    const size = readLength(request);
    if (begin.grant && isPartial && size === null)
      throw new PlatformError('invalid_request', 'Parts that come under an upload token need an Upload-Length');
    const upload = await beginUpload(platform, {
      ...begin,
      protocol: 'tus',
      size,
      totalChunks: null,
      chunkSize: null,
      isPartial,
      video: isPartial ? null : begin.video,
    });
    tellExpiry(reply, upload);
    reply.code(201).header('Location', location(request, upload));
    const withUpload = sendsBytes(request);
    const received = withUpload || size === 0 ? await append(request, upload, 0) : 0;
    if (withUpload) reply.header('Upload-Offset', String(received));
    return reply.send();
  };

  const append = async (request: FastifyRequest, upload: Upload, offset: number): Promise<number> => {
    const body = request.body instanceof Readable ? request.body : Readable.from([]);
    const checksum = readChecksum(header(request, 'upload-checksum'));
    const received = await appendUpload(platform, { upload, offset, body: piecesOf(body), checksum });
    if (received === upload.expectedSize && !upload.isPartial) finishInBackground(platform, upload);
    return received;
  };

  const patch: Answer = async (request, reply) => {
    let upload = await find(request);
    if (upload.concatenates !== null)
      throw new PlatformError('forbidden', 'A concatenation consists of its parts; nothing is sent to it');
    if (!sendsBytes(request))
      return sendProblem(reply, new PlatformError('invalid_request', `Content-Type: ${BYTES}`), 415);
    const offset = readBytes('Upload-Offset', header(request, 'upload-offset'));
    if (upload.expectedSize === null && header(request, 'upload-length') !== undefined)
      upload = await lengthenUpload(platform, upload, readBytes('Upload-Length', header(request, 'upload-length')));
    // Its last bytes may be sent again by a client that missed the answer.
    if (upload.status !== 'receiving' && offset !== upload.received)
      throw new PlatformError('conflict', `Upload ${upload.id} is ${upload.status}, with ${upload.received} bytes`);
    const received = upload.status === 'receiving' ? await append(request, upload, offset) : upload.received;
    tellExpiry(reply, upload);
    return reply.code(204).header('Upload-Offset', String(received)).send();
  };

  const head: Answer = async (request, reply) => {
    const upload = await find(request);
    reply.header('Cache-Control', 'no-store').header('Upload-Offset', String(upload.received));
    if (upload.expectedSize === null) reply.header('Upload-Defer-Length', '1');
    else reply.header('Upload-Length', String(upload.expectedSize));
    if (upload.tusMetadata) reply.header('Upload-Metadata', upload.tusMetadata);
    if (upload.isPartial) reply.header('Upload-Concat', 'partial');
    if (upload.concatenates)
      reply.header('Upload-Concat', `final;${upload.concatenates.map((id) => `${ROOT}/${id}`).join(' ')}`);
    tellExpiry(reply, upload);
    return reply.code(200).send();
  };

  const remove: Answer = async (request, reply) => {
    await abandonUpload(platform, await find(request));
    return reply.code(204).send();
  };

  const spoken =
    (answer: Answer): Answer =>
    async (request, reply) => {
      reply.header('Tus-Resumable', TUS_VERSION);
      if (header(request, 'tus-resumable') !== TUS_VERSION) {
        reply.header('Tus-Version', TUS_VERSION);
        return sendProblem(reply, new PlatformError('invalid_request', `Tus-Resumable: ${TUS_VERSION}`), 412);
      }
      try {
        return await answer(request, reply);
      } catch (error) {
        const known = toPlatformError(error);
        if (known.code === 'checksum_mismatch') return sendProblem(reply, known, CHECKSUM_MISMATCH);
        throw error;
      }
    };
  /** A POST where a proxy lets nothing else through (protocol, X-HTTP-Method-Override). */
  const overridden: Answer = async (request, reply) => {
    const method = header(request, 'x-http-method-override')?.toUpperCase();
    if (method === 'PATCH') return patch(request, reply);
    if (method === 'DELETE') return remove(request, reply);
    if (method === 'HEAD') return head(request, reply);
    throw new PlatformError('invalid_request', 'X-HTTP-Method-Override: PATCH, DELETE or HEAD');
  };

  app.options(
    ROOT,
    {
      config: { scope: 'open', answers: [204], ...OWN_PREFLIGHT },
      schema: { tags, summary: 'What this tus server can do' },
    },
    async (_request, reply) =>
      reply
        .code(204)
        .headers({
          'Tus-Resumable': TUS_VERSION,
          'Tus-Version': TUS_VERSION,
          'Tus-Extension': TUS_EXTENSIONS.join(','),
          'Tus-Max-Size': String(platform.config.MAX_SOURCE_BYTES),
          'Tus-Checksum-Algorithm': TUS_ALGORITHMS.join(','),
        })
        .send(),
  );
  const one = `${ROOT}/:id`;
  const route = (summary: string, answers: readonly number[]) => ({
    config: { ...access, answers: [...answers, 412] },
    schema: { tags, summary: `tus: ${summary}` },
  });
  const of = (summary: string, answers: readonly number[]) => {
    const { config, schema } = route(summary, answers);
    return { config, schema: { ...schema, params } };
  };
  app.post(ROOT, route('create an upload', [201, 404, ...REFUSED]), spoken(create));
  app.patch(one, of('send bytes', [204, ...REFUSED]), spoken(patch));
  app.head(one, of('how many bytes have come', [200]), spoken(head));
  app.delete(one, of('give the upload up', [204, 409]), spoken(remove));
  app.post(one, of('another method', [200, 204, ...REFUSED]), spoken(overridden));
}

/** What may become of bytes that are sent. */
const REFUSED = [409, 422, CHECKSUM_MISMATCH, 507];

/** Both a preflight and a question of its own. */
const OWN_PREFLIGHT = { cors: { strictPreflight: false, preflightContinue: true } } as object;

const sendsBytes = ({ headers }: FastifyRequest): boolean =>
  headers['content-type']?.split(';', 1)[0]?.trim() === BYTES;

function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Null where it is told later. */
function readLength(request: FastifyRequest): number | null {
  if (header(request, 'upload-defer-length') === '1') return null;
  return readBytes('Upload-Length', header(request, 'upload-length'));
}

type TusWish = {
  readonly filename: string;
  readonly sha256: string | null;
  readonly tusMetadata: string;
  readonly video: VideoWish | null;
  readonly id?: string;
};

/** Metadata that no field is known for is kept, and given back. */
function readWish(request: FastifyRequest): TusWish {
  const text = header(request, 'upload-metadata') ?? '';
  const metadata = readMetadata(text);
  const wish = toVideoWish(parseWith(z.object(videoFields), metadata));
  return {
    filename: metadata.filename ?? metadata.name ?? 'upload',
    sha256: metadata.sha256 === undefined ? null : readSha256(metadata.sha256),
    tusMetadata: text,
    video: metadata.purpose === 'job' ? null : wish,
    ...(metadata.upload_id === undefined ? {} : { id: toId(metadata.upload_id) }),
  };
}

const tellExpiry = (reply: FastifyReply, { status, expiresAt }: Upload): void => {
  if (status === 'receiving') reply.header('Upload-Expires', expiresAt.toUTCString());
};
