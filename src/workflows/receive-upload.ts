// Takes a file in from a request: its row first, then its bytes, straight into managed storage. Called by the upload routes.
import type { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { deleteUpload, findUpload, insertUpload, markUploadReceived, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { limitBytes } from '#workflows/fetch-source.ts';
import { uploadKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';

/** Hours an upload is kept that no job reads. */
const KEPT_HOURS = 24;

export type IncomingUpload = {
  readonly projectId: string;
  /** For display; never a path. */
  readonly filename: string;
  readonly body: Readable;
  /** bytes, where the request says so */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** Asked when the body has ended: true where it was cut at a limit of the HTTP layer. */
  readonly isTruncated?: () => boolean;
};

/**
 * @throws PlatformError `source_too_large` as soon as more than MAX_SOURCE_BYTES come, `empty_source`, `storage_failed`;
 *   then nothing is left of it
 */
export async function receiveUpload(platform: Platform, incoming: IncomingUpload): Promise<Upload> {
  const { config, storage } = platform;
  const { db } = platform.database;
  const { projectId, filename, body, size, signal } = incoming;
  const limit = config.MAX_SOURCE_BYTES;
  if (size !== undefined && size > limit) throw tooLarge(limit);
  const id = uuidv7();
  const storageKey = uploadKey(id);
  const expiresAt = new Date(Date.now() + KEPT_HOURS * 3_600_000);
  await insertUpload(db, { id, projectId, filename: filename.slice(0, 255), storageKey, expiresAt });
  try {
    const options = { ...(size === undefined ? {} : { size }), ...(signal ? { signal } : {}) };
    const bytes = await storage.write(storageKey, limitBytes(body, limit), options);
    if (incoming.isTruncated?.()) throw tooLarge(limit);
    if (bytes === 0) throw new PlatformError('empty_source', `${filename} is empty: it has no bytes`);
    await markUploadReceived(db, { projectId, id, size: bytes });
  } catch (error) {
    await removeUpload(platform, { projectId, id, storageKey });
    throw error;
  }
  const upload = await findUpload(db, { projectId, id });
  if (!upload) throw new PlatformError('not_found', `Upload ${id} was removed while it was received`);
  return upload;
}

/** Takes back an upload that nobody will name: the rest of its request was wrong. */
export async function removeUpload(
  { storage, database }: Platform,
  { projectId, id, storageKey }: Pick<Upload, 'projectId' | 'id' | 'storageKey'>,
): Promise<void> {
  await storage.remove(storageKey);
  await deleteUpload(database.db, { projectId, id });
}

const tooLarge = (limit: number): PlatformError =>
  new PlatformError('source_too_large', `The file is larger than ${limit} bytes (MAX_SOURCE_BYTES)`);
