// Makes one upload of several partial ones of tus, each whole; from then on they are its own. Called by the tus routes.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { UploadRef } from '#database/upload-parts.ts';
import { changeUpload, findConcatenation, lockUpload, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import { beginUpload, findOwnUpload, type UploadWish } from '#workflows/uploads/begin-upload.ts';
import { orderFinish } from '#workflows/uploads/finish-upload.ts';

export type Concatenation = Omit<UploadWish, 'protocol' | 'size' | 'totalChunks' | 'chunkSize' | 'concatenates'> & {
  /** In their order. */
  readonly ids: readonly string[];
};

/**
 * The upload, which is to be finished; the same one again for the same parts, whose client missed the answer.
 * @throws PlatformError `not_found`, `conflict` where a part is not whole or another upload's, `invalid_request` where one is none or comes twice
 */
export async function concatenateUploads(platform: Platform, { ids, ...wish }: Concatenation): Promise<Upload> {
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw wrong(`each part once; ${twice} comes twice`);
  const made = await findMade(platform, { ids, ...wish });
  if (made) return made;
  try {
    return await beginConcatenation(platform, { ids, ...wish });
  } catch (error) {
    // Of two that come at the same moment the second finds the parts taken, by the first.
    const other = await findMade(platform, { ids, ...wish });
    if (other) return other;
    throw error;
  }
}

async function beginConcatenation(platform: Platform, { ids, ...wish }: Concatenation): Promise<Upload> {
  let size = 0;
  for (const id of ids) size += wholeBytes(await findOwnUpload(platform, { ...wish, id }));
  return beginUpload(platform, {
    ...{ ...wish, protocol: 'tus', size, totalChunks: null, chunkSize: null, concatenates: ids },
    alongside: async (db, ref) => {
      await takeParts(db, { projectId: wish.projectId, ids });
      await changeUpload(db, ref, { received: size, status: 'finishing' });
      await orderFinish(platform, db, ref);
    },
  });
}

async function findMade(
  { database }: Platform,
  { projectId, ids, grant }: Pick<Concatenation, 'projectId' | 'ids' | 'grant'>,
): Promise<Upload | null> {
  const made = await findConcatenation(database.db, { projectId, ids });
  return made && (grant === null || made.tokenId === grant.uploadId) ? made : null;
}

/** In the order of their ids: two that want the same ones wait for each other, but not both. */
async function takeParts(
  db: Kysely<Schema>,
  { projectId, ids }: { readonly projectId: string; readonly ids: readonly string[] },
): Promise<void> {
  for (const id of ids.toSorted()) {
    const ref: UploadRef = { projectId, id };
    const part = await lockUpload(db, ref);
    if (!part) throw new PlatformError('not_found', `There is no upload ${id}; it may have expired`);
    wholeBytes(part);
    await changeUpload(db, ref, { status: 'finishing' });
  }
}

function wholeBytes({ id, isPartial, status, received, expectedSize }: Upload): number {
  if (!isPartial) throw wrong(`the addresses of partial uploads; ${id} is none`);
  if (status !== 'receiving') throw new PlatformError('conflict', `Part ${id} belongs to another upload already`);
  if (received === expectedSize) return received;
  throw new PlatformError('conflict', `Part ${id} has ${received} of ${expectedSize ?? 'unknown'} bytes`);
}

const wrong = (message: string): PlatformError =>
  new PlatformError('invalid_request', `Upload-Concat: ${message}`, { errors: [{ path: 'Upload-Concat', message }] });
