// `POST /jobs` as multipart/form-data: `file` becomes an upload, `spec` the body. Used by the jobs routes, before validation.
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { callerOf } from '#api/context.ts';
import { invalid, parseWith } from '#api/errors.ts';
import type { Upload } from '#database/uploads.ts';
import type { Platform } from '#workflows/platform.ts';
import { receiveUpload, removeUpload } from '#workflows/receive-upload.ts';

/** Stands for the upload while the rest is checked. */
const PLACEHOLDER = '00000000-0000-7000-8000-000000000000';

/** A file that came with a request. */
export type ReceivedFile = {
  readonly upload: Upload;
  /** SHA-256 of its bytes, hex: the same file sent again is another upload, but the same request. */
  readonly sha256: string;
};

const files = new WeakMap<FastifyRequest, ReceivedFile>();

/** The file of a multipart request; null of any other. */
export const receivedFile = (request: FastifyRequest): ReceivedFile | null => files.get(request) ?? null;

/**
 * Turns a multipart request into the JSON body that validation expects; leaves others alone.
 * @throws PlatformError `invalid_request`, `source_too_large`, `empty_source`
 */
export async function receiveMultipart(platform: Platform, request: FastifyRequest, schema: z.ZodType): Promise<void> {
  if (!request.isMultipart()) return;
  const received: Received = {};
  try {
    request.body = await receiveParts(platform, { request, schema, received });
    if (received.file) files.set(request, received.file);
  } catch (error) {
    if (received.file) await removeUpload(platform, received.file.upload);
    throw error;
  }
}

/** The file, as soon as it is stored. */
type Received = { file?: ReceivedFile };

type Parts = { readonly request: FastifyRequest; readonly schema: z.ZodType; readonly received: Received };

async function receiveParts(platform: Platform, { request, schema, received }: Parts): Promise<object> {
  const { projectId } = callerOf(request);
  let spec: Spec | undefined;
  for await (const part of request.parts()) {
    if (part.type === 'file' && part.fieldname === 'spec') {
      // `-F spec=@spec.json` is a file to multipart.
      spec = readSpec(schema, await readText(part));
    } else if (part.type === 'file') {
      if (part.fieldname !== 'file')
        throw invalid([{ path: part.fieldname, message: 'is no file that is known here; send it as "file"' }]);
      if (received.file) throw invalid([{ path: 'file', message: 'one file' }]);
      received.file = await store(platform, part, projectId);
    } else if (part.fieldname === 'spec') {
      spec = readSpec(schema, part.value);
    } else {
      throw invalid([{ path: part.fieldname, message: 'is no field that is known here; there are "spec" and "file"' }]);
    }
  }
  if (!spec) throw invalid([{ path: 'spec', message: 'the job as JSON, without its source' }]);
  if (!received.file) throw invalid([{ path: 'file', message: 'the source' }]);
  const { upload } = received.file;
  const metadata = typeof spec.metadata === 'object' && spec.metadata !== null ? spec.metadata : {};
  return {
    ...spec,
    source: { kind: 'upload', uploadId: upload.id },
    // What the file was called: an upload's key does not say.
    metadata: { filename: upload.filename, ...metadata },
  };
}

type Spec = Readonly<Record<string, unknown>>;

/** Checked before gigabytes are sent, where the spec comes first. A part of type application/json arrives parsed. */
function readSpec(schema: z.ZodType, value: unknown): Spec {
  const spec = parseSpec(value);
  parseWith(schema, { ...spec, source: { kind: 'upload', uploadId: PLACEHOLDER } });
  return spec;
}

function parseSpec(value: unknown): Spec {
  const parsed = typeof value === 'object' ? value : parseJson(String(value));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid([{ path: 'spec', message: 'a JSON object' }]);
  const { source, ...spec } = parsed as Spec;
  const kind = typeof source === 'object' && source !== null && 'kind' in source ? source.kind : undefined;
  // `"source": {"kind": "upload"}` says what is so anyway; any other contradicts the file.
  if (source !== undefined && kind !== 'upload')
    throw invalid([{ path: 'spec.source', message: 'left out: the file is the source' }]);
  return spec;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid([{ path: 'spec', message: `JSON: ${error instanceof Error ? error.message : 'it cannot be read'}` }]);
  }
}

const LONGEST_SPEC = 1 << 20;

async function readText(part: MultipartFile): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const bytes of part.file) {
    size += (bytes as Buffer).length;
    if (size > LONGEST_SPEC) throw invalid([{ path: 'spec', message: `at most ${LONGEST_SPEC} bytes` }]);
    parts.push(bytes as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function store(platform: Platform, part: MultipartFile, projectId: string): Promise<ReceivedFile> {
  const hash = createHash('sha256');
  const upload = await receiveUpload(platform, {
    projectId,
    filename: part.filename || 'upload',
    body: Readable.from(hashed(part.file, hash), { objectMode: false, highWaterMark: 1 << 20 }),
    // Over the limit busboy just ends the stream.
    isTruncated: () => part.file.truncated,
  });
  return { upload, sha256: hash.digest('hex') };
}

async function* hashed(body: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const bytes of body) {
    hash.update(bytes as Buffer);
    yield bytes as Buffer;
  }
}
