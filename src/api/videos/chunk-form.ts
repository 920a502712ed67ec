// `POST /upload/chunk` as multipart/form-data: the file may come before or after its fields. Used by upload-routes.ts.
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { announcedSize, piecesOf } from '#api/body-pieces.ts';
import { invalid, parseWith } from '#api/errors.ts';
import { addField, toId, videoId, whole } from '#api/videos/forms.ts';
import { uploaderOf } from '#api/videos/upload-access.ts';
import type { Upload } from '#database/uploads.ts';
import { MOST_CHUNKS, readSha256 } from '#domain/upload.ts';
import type { Platform } from '#workflows/platform.ts';
import { findOwnUpload } from '#workflows/uploads/begin-upload.ts';
import { adoptChunk, type ParkedChunk, parkChunk, removeParked } from '#workflows/uploads/park-chunk.ts';
import { receiveChunk } from '#workflows/uploads/receive-chunk.ts';

const chunkFields = z.object({
  upload_id: videoId,
  index: whole(0, MOST_CHUNKS - 1),
  sha256: z.string().max(100).optional(),
});
/** For the OpenAPI document. */
export const chunkForm = {
  types: ['multipart/form-data'],
  body: chunkFields.extend({ file: z.file(), sha256: chunkFields.shape.sha256.describe('Checked where it is sent') }),
};

export type ReceivedChunk = { readonly upload: Upload; readonly index: number };
/** bytes handed on at once */
const FILE_BUFFER = 1024 ** 2;

/** @throws PlatformError `invalid_request`, `not_found`, and what the workflows throw */
export async function receiveChunkForm(platform: Platform, request: FastifyRequest): Promise<ReceivedChunk> {
  if (!request.isMultipart())
    throw invalid([{ path: 'file', message: 'the chunk, in multipart/form-data with upload_id and index' }]);
  const fields: Record<string, string | string[]> = {};
  let received: ReceivedChunk | null = null;
  let parked: ParkedChunk | null = null;
  try {
    for await (const part of request.parts({ limits: { files: 1 }, ...({ fileHwm: FILE_BUFFER } as object) })) {
      if (part.type !== 'file') {
        addField(fields, part.fieldname, String(part.value));
        continue;
      }
      if (part.fieldname !== 'file') throw invalid([{ path: part.fieldname, message: 'send the chunk as "file"' }]);
      if ('upload_id' in fields && 'index' in fields) received = await receive(platform, { request, fields, part });
      else
        parked = await parkChunk(platform, {
          ...uploaderOf(request),
          body: part.file,
          isTruncated: () => part.file.truncated,
        });
    }
    if (parked) received = await takeParked(platform, { request, fields, parked });
    parked = null;
  } finally {
    if (parked) await removeParked(platform, parked);
  }
  if (!received) {
    parseWith(chunkFields, fields);
    throw invalid([{ path: 'file', message: 'the chunk' }]);
  }
  return received;
}

type Fields = Readonly<Record<string, string | string[]>>;

async function receive(
  platform: Platform,
  {
    request,
    fields,
    part,
  }: { readonly request: FastifyRequest; readonly fields: Fields; readonly part: MultipartFile },
): Promise<ReceivedChunk> {
  const { upload, index, sha256 } = await readTarget(platform, request, fields);
  await receiveChunk(platform, {
    upload,
    index,
    body: piecesOf(part.file),
    size: announcedSize(request),
    sha256,
    isTruncated: () => part.file.truncated,
  });
  return { upload, index };
}

async function takeParked(
  platform: Platform,
  {
    request,
    fields,
    parked,
  }: { readonly request: FastifyRequest; readonly fields: Fields; readonly parked: ParkedChunk },
): Promise<ReceivedChunk> {
  const { upload, index, sha256 } = await readTarget(platform, request, fields).catch(async (error: unknown) => {
    await removeParked(platform, parked);
    throw error;
  });
  await adoptChunk(platform, { upload, index, parked, sha256 });
  return { upload, index };
}

async function readTarget(platform: Platform, request: FastifyRequest, fields: Fields) {
  const { upload_id: id, index, sha256 } = parseWith(chunkFields, fields);
  const upload = await findOwnUpload(platform, { ...uploaderOf(request), id: toId(id) });
  return { upload, index, sha256: sha256 === undefined ? null : readSha256(sha256) };
}
