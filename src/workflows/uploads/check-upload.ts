// What an upload must be to be ended: all of it there, as much as was announced, and the very bytes. Called by finish-upload.ts.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { listUploadParts, type UploadPart } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { describeChunks, missingChunks } from '#domain/upload.ts';
import type { UploadedPart } from '#storage/piecewise.ts';
import type { Platform } from '#workflows/platform.ts';
import { mostBytes, tooManyBytes } from '#workflows/uploads/begin-upload.ts';
import { LEAST_PART } from '#workflows/uploads/presign-upload.ts';

/** @throws PlatformError `conflict` */
export function checkNoPart({ id, isPartial }: Upload): void {
  if (isPartial)
    throw new PlatformError(
      'conflict',
      `Upload ${id} is a part: it ends with the upload that "Upload-Concat: final" makes`,
    );
}

/** @throws PlatformError `conflict` naming what is missing or was not announced so; as tooManyBytes says */
export async function checkComplete({ config, storage }: Platform, db: Kysely<Schema>, upload: Upload): Promise<void> {
  const { id, protocol, expectedSize, received, totalChunks } = upload;
  if (protocol === 'tus') {
    if (upload.concatenates === null && received !== expectedSize)
      throw new PlatformError(
        'conflict',
        `Upload ${id} has ${received} of ${expectedSize ?? 'an unknown number of'} bytes`,
      );
    return;
  }
  if (protocol === 'presigned') {
    const parts = (await storage.direct?.parts(upload.storageKey, upload.multipartId ?? '')) ?? [];
    const bytes = parts.reduce((sum, { size }) => sum + size, 0);
    const missing = missingChunks(
      totalChunks ?? parts.length,
      parts.map(({ number }) => number - 1),
    );
    if (missing.length > 0)
      throw missingParts(
        upload,
        missing.map((index) => index + 1),
        'parts',
      );
    if (bytes > mostBytes({ config }, upload)) throw tooManyBytes({ config }, upload);
    if (bytes === 0) throw new PlatformError('conflict', `Upload ${id} has no bytes in S3; send its parts first`);
    if (expectedSize !== null && bytes !== expectedSize)
      throw new PlatformError('conflict', `Upload ${id} has ${bytes} bytes in S3; ${expectedSize} were announced`);
    checkLeast(upload, parts);
    return;
  }
  const parts = await listUploadParts(db, upload);
  const missing = missingChunks(
    totalChunks ?? 0,
    parts.map(({ index }) => index),
  );
  if (missing.length > 0) throw missingParts(upload, missing, 'chunks');
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  // One that was cut on its way: its client can send it again, so the upload stays open.
  if (expectedSize !== null && bytes !== expectedSize)
    throw new PlatformError(
      'conflict',
      `Upload ${id} has ${bytes} bytes in its chunks; ${expectedSize} were announced`,
      {
        errors: [{ path: 'size', message: `${expectedSize} were announced, ${bytes} have come` }],
      },
    );
}

/** S3 would refuse them when nothing can be sent again. */
function checkLeast({ id }: Upload, parts: readonly UploadedPart[]): void {
  const message = `at least ${LEAST_PART} bytes, as every part but the last`;
  const errors = parts
    .slice(0, -1)
    .filter(({ size }) => size < LEAST_PART)
    .map(({ number, size }) => ({ path: `parts.${number}`, message: `${message}; it has ${size}` }));
  const [first] = errors;
  if (first) throw new PlatformError('conflict', `Upload ${id}, ${first.path}: ${first.message}`, { errors });
}

function missingParts({ id, totalChunks }: Upload, missing: readonly number[], what: string): PlatformError {
  const list = describeChunks(missing);
  const message = `Upload ${id} lacks ${missing.length} of ${totalChunks ?? 'its'} ${what}: ${list}`;
  return new PlatformError('conflict', message, {
    errors: missing.slice(0, 1000).map((index) => ({ path: `${what}.${index}`, message: 'missing' })),
  });
}

/** @throws PlatformError `checksum_mismatch` */
export async function checkSum({ storage }: Platform, upload: Upload, parts: readonly UploadPart[]): Promise<void> {
  if (upload.sha256 === null) return;
  const [only] = parts;
  const known = parts.length === 1 ? only?.sha256 : null;
  const found = known ?? (await hashObject(storage, upload.storageKey));
  if (found === upload.sha256) return;
  throw new PlatformError(
    'checksum_mismatch',
    `The file that came as upload ${upload.id} has the SHA-256 ${found}; ${upload.sha256} was announced`,
    { errors: [{ path: 'sha256', message: found }] },
  );
}

async function hashObject(storage: Platform['storage'], key: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of await storage.read(key)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
