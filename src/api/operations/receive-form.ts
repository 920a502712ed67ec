// `POST operations/`: the fields of a form and its file, in any order, the file straight into storage; or JSON with the file in base64. Used by the routes.
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { invalid } from '#api/errors.ts';
import { type GivenParameters, parseGiven, parseOperation, parseValues } from '#api/operations/schema.ts';
import type { ParameterValues } from '#domain/operations/definition.ts';
import type { AnyOperation } from '#domain/operations/registry.ts';
import { checkSize, dropFile, type ReceivedFile, receiveFile } from '#workflows/operations/receive-file.ts';
import type { Platform } from '#workflows/platform.ts';

export type ReceivedForm = {
  readonly operation: AnyOperation;
  readonly given: GivenParameters;
  readonly values: ParameterValues;
  readonly file: ReceivedFile;
};

type Draft = { operation?: AnyOperation; given?: GivenParameters; values?: ParameterValues; file?: ReceivedFile };

/**
 * Whoever gets it owns the file: makes an operation of it, or drops it.
 * @throws PlatformError `invalid_request`, `not_media`, `too_large`, `empty_source`; then nothing is left
 */
export async function receiveForm(
  platform: Platform,
  request: FastifyRequest,
  projectId: string,
): Promise<ReceivedForm> {
  const draft: Draft = {};
  try {
    if (request.isMultipart()) await readParts(platform, { request, projectId, draft });
    else await readBody(platform, { body: request.body, projectId, draft });
    return finish(platform, draft);
  } catch (error) {
    if (draft.file) await dropFile(platform, draft.file);
    throw error;
  }
}

type Parts = { readonly request: FastifyRequest; readonly projectId: string; readonly draft: Draft };

async function readParts(platform: Platform, { request, projectId, draft }: Parts): Promise<void> {
  for await (const part of request.parts({ limits: { files: 2 } })) {
    if (part.type === 'field') {
      if (part.fieldname === 'operation') draft.operation = parseOperation(part.value);
      else if (part.fieldname === 'parameters') draft.given = parseGiven(part.value);
      else if (part.fieldname === 'file')
        throw invalid([{ path: 'file', message: 'a file: its part needs a filename' }]);
      else throw unknownField(part.fieldname);
      // Refused before gigabytes are sent, where the fields come first.
      if (draft.operation && draft.given) draft.values = parseValues(draft.operation, draft.given);
    } else {
      if (part.fieldname !== 'file') throw unknownField(part.fieldname);
      if (draft.file) throw invalid([{ path: 'file', message: 'one file' }]);
      draft.file = await receiveFile(platform, {
        projectId,
        filename: part.filename || 'upload',
        body: part.file,
        mediaType: draft.operation?.input_type ?? null,
        // Over the limit busboy just ends the stream.
        isTruncated: () => part.file.truncated,
      });
    }
  }
}

type Body = { readonly body: unknown; readonly projectId: string; readonly draft: Draft };

/** Small files inside JSON: `file` in base64, `file_name` beside it. */
async function readBody(platform: Platform, { body, projectId, draft }: Body): Promise<void> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid([{ path: '', message: 'a form with the fields operation, parameters and file' }]);
  const { operation, parameters, file, file_name: name, ...others } = body as Readonly<Record<string, unknown>>;
  for (const field of Object.keys(others)) throw unknownField(field);
  draft.operation = parseOperation(operation);
  draft.given = parseGiven(parameters);
  draft.values = parseValues(draft.operation, draft.given);
  if (typeof file !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(file))
    throw invalid([{ path: 'file', message: 'the file: a part of a multipart form, or base64' }]);
  draft.file = await receiveFile(platform, {
    projectId,
    filename: typeof name === 'string' && name !== '' ? name : 'upload',
    body: Readable.from([Buffer.from(file, 'base64')], { objectMode: false }),
    mediaType: draft.operation.input_type,
  });
}

function finish({ config }: Platform, { operation, given = {}, values, file }: Draft): ReceivedForm {
  if (!operation) return { operation: parseOperation(undefined), given, values: {}, file: requireFile(file) };
  const checked = values ?? parseValues(operation, given);
  const received = requireFile(file);
  checkSize(config, received, operation.input_type);
  return { operation, given, values: checked, file: received };
}

function requireFile(file: ReceivedFile | undefined): ReceivedFile {
  if (file) return file;
  throw invalid([{ path: 'file', message: 'the file to work on, as a part of a multipart form' }]);
}

const unknownField = (path: string) =>
  invalid([{ path, message: 'is no field that is known here; there are operation, parameters and file' }]);
