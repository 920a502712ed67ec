// tus 1.0.0 at /upload/tus/: creation, with upload and with a length told later, termination, expiration, checksum, concatenation. Wired by api.ts.
// Our own, for @tus/server has neither checksum nor concatenation.
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { announcedSize, piecesOf } from '#api/body-pieces.ts';
import { type Api, type ApiContext, baseUrl, playbackBase } from '#api/context.ts';
import { parseWith, sendProblem } from '#api/errors.ts';
import { acceptBytesAlone, toId, toVideoWish, videoFields, videoId } from '#api/videos/forms.ts';
import { grantOf, uploadAccess, uploaderOf } from '#api/videos/upload-access.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError, toPlatformError } from '#domain/error.ts';
import {
  readBytes,
  readChecksum,
  readConcat,
  readLength,
  readMetadata,
  TUS_ALGORITHMS,
  TUS_EXTENSIONS,
  TUS_VERSION,
  type TusChecksum,
} from '#domain/tus.ts';
import { readSha256, type VideoWish } from '#domain/upload.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { appendUpload } from '#workflows/uploads/append-upload.ts';
import { beginUpload, findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { concatenateUploads } from '#workflows/uploads/concatenate-uploads.ts';
import { endInBackground } from '#workflows/uploads/finish-upload.ts';
import { lengthenUpload } from '#workflows/uploads/lengthen-upload.ts';
import { isTaken, takeOver } from '#workflows/uploads/take-over.ts';

const tags = ['videos: upload'];
const ROOT = '/upload/tus';
const BYTES = 'application/offset+octet-stream';
/** The protocol's own code for a body that is not what its checksum says. */
const CHECKSUM_MISMATCH = 460;
const params = z.object({ id: videoId });

type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export function tusRoutes(app: Api, context: ApiContext): void {
  // In a room of their own, where a body of another type is told in the protocol's own words.
  void app.register(async (room: Api) => {
    acceptBytesAlone(room);
    room.addHook('onSend', async (_request, reply) => {
      reply.header('Tus-Resumable', TUS_VERSION);
    });
    addRoutes(room, context);
  });
}

function addRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const access = uploadAccess(platform);
  const idOf = (request: FastifyRequest): string => toId((request.params as z.output<typeof params>).id);
  const find = async (request: FastifyRequest): Promise<Upload> => {
    const upload = await findOwnUpload(platform, { ...uploaderOf(request), id: idOf(request) });
    if (upload.protocol === 'tus') return upload;
    throw new PlatformError('not_found', `There is no tus upload ${upload.id}: it is sent as ${upload.protocol}`);
  };
  /** As the only one: a connection that still sends is ended, and what came of it counts. */
  const alone = async <T>(request: FastifyRequest, work: (upload: Upload, signal: AbortSignal) => Promise<T>) => {
    const id = idOf(request);
    // Nobody is ended by who may not see it.
    if (isTaken(platform, id)) await find(request);
    return takeOver(platform, id, async (signal) => work(await find(request), signal));
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
      endInBackground(platform, upload);
      return reply.code(201).header('Location', location(request, upload)).send();
    }
    const isPartial = concat.kind === 'partial';
    const size = readLength(header(request, 'upload-length'), header(request, 'upload-defer-length'));
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
    const bytes = withUpload ? sentBytes(request) : noBytes();
    const received =
      withUpload || size === 0
        ? await takeOver(platform, upload.id, (signal) => append(bytes, { upload, offset: 0, signal }))
        : 0;
    if (withUpload) reply.header('Upload-Offset', String(received));
    return reply.send();
  };

  type Append = { readonly upload: Upload; readonly offset: number; readonly signal: AbortSignal };
  const append = async ({ body, size, checksum }: SentBytes, { upload, offset, signal }: Append): Promise<number> => {
    const received = await appendUpload(platform, { upload, offset, body: piecesOf(body, signal), size, checksum });
    if (received === upload.expectedSize && !upload.isPartial) endInBackground(platform, upload);
    return received;
  };

  const patch: Answer = (request, reply) =>
    alone(request, async (found, signal) => {
      if (found.concatenates !== null)
        throw new PlatformError('forbidden', 'A concatenation consists of its parts; nothing is sent to it');
      if (!sendsBytes(request))
        return sendProblem(reply, new PlatformError('invalid_request', `Content-Type: ${BYTES}, nothing else`), 415);
      const offset = readBytes('Upload-Offset', header(request, 'upload-offset'));
      const length = header(request, 'upload-length');
      const upload =
        found.expectedSize === null && length !== undefined
          ? await lengthenUpload(platform, found, readBytes('Upload-Length', length))
          : found;
      const { id, status } = upload;
      // Its last bytes may be sent again by a client that missed the answer.
      if (status !== 'receiving' && offset !== upload.received)
        throw new PlatformError('conflict', `Upload ${id} is ${status}, with ${upload.received} bytes`);
      const received =
        status === 'receiving' ? await append(sentBytes(request), { upload, offset, signal }) : upload.received;
      tellExpiry(reply, upload);
      return reply.code(204).header('Upload-Offset', String(received)).send();
    });

  const head: Answer = async (request, reply) => {
    const upload = await alone(request, async (found) => found);
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
    await alone(request, (upload) => abandonUpload(platform, upload));
    return reply.code(204).send();
  };

  const spoken =
    (answer: Answer): Answer =>
    async (request, reply) => {
      if (header(request, 'tus-resumable') !== TUS_VERSION) {
        reply.header('Tus-Version', TUS_VERSION);
        return sendProblem(
          reply,
          new PlatformError('invalid_request', `Tus-Resumable: ${TUS_VERSION}, the version spoken here`),
          412,
        );
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

  const one = `${ROOT}/:id`;
  for (const url of [ROOT, one])
    app.options(
      url,
      {
        config: { scope: 'open', answers: [204], ...OWN_PREFLIGHT },
        schema: { tags, summary: 'What this tus server can do', ...(url === one ? { params } : {}) },
      },
      async (_request, reply) =>
        reply
          .code(204)
          .headers({
            'Tus-Version': TUS_VERSION,
            'Tus-Extension': TUS_EXTENSIONS.join(','),
            'Tus-Max-Size': String(platform.config.MAX_SOURCE_BYTES),
            'Tus-Checksum-Algorithm': TUS_ALGORITHMS.join(','),
          })
          .send(),
    );
  const route = (summary: string, answers: readonly number[]) => ({
    config: { ...access, answers: [...answers, 412], swagger: { exposeHeadRoute: true } },
    schema: { tags, summary: `tus: ${summary}` },
  });
  const of = (summary: string, answers: readonly number[]) => {
    const { config, schema } = route(summary, answers);
    return { config, schema: { ...schema, params } };
  };
  app.post(ROOT, route('create an upload', [201, 404, ...REFUSED]), spoken(create));
  app.patch(one, takingBytes(of('send bytes', [204, ...REFUSED])), spoken(patch));
  app.head(one, of('how many bytes have come', [200]), spoken(head));
  app.delete(one, of('give the upload up', [204, 409]), spoken(remove));
  app.post(one, of('another method', [200, 204, ...REFUSED]), spoken(overridden));
}

/** Says it in the OpenAPI document. */
const takingBytes = <T extends { readonly config: object }>(route: T) => ({
  ...route,
  config: { ...route.config, takes: { types: [BYTES], body: z.file() } },
});

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

type SentBytes = { readonly body: Readable; readonly size: number | null; readonly checksum: TusChecksum | null };
const noBytes = (): SentBytes => ({ body: Readable.from([]), size: 0, checksum: null });

const sentBytes = (request: FastifyRequest): SentBytes => ({
  body: request.body instanceof Readable ? request.body : Readable.from([]),
  size: announcedSize(request),
  checksum: readChecksum(header(request, 'upload-checksum')),
});

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
