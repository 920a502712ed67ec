// Ends an upload: joins what came in pieces, checks it, and hands it to its video's job. Safe to repeat and to do twice at once. Called by the upload routes, and by the queue where a server died over it.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { listUploadParts, type UploadPart, type UploadRef } from '#database/upload-parts.ts';
import { changeUpload, deleteUpload, findUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { lockVideo } from '#database/videos.ts';
import { type Failure, PlatformError, toFailure, toPlatformError } from '#domain/error.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { uploadPrefix } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { probeStored } from '#workflows/probe-stored.ts';
import { expiry } from '#workflows/uploads/begin-upload.ts';
import { checkComplete, checkNoPart, checkSum } from '#workflows/uploads/check-upload.ts';
import { joinUpload } from '#workflows/uploads/join-upload.ts';
import { growingKey, partsPrefix } from '#workflows/uploads/upload-storage.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';
import { failVideo } from '#workflows/videos/fail-video.ts';
import { storeOriginal } from '#workflows/videos/store-original.ts';

/** After so long another process takes a finishing over: the one that had it is most likely dead. */
const TAKE_OVER_SECONDS = 60;
/** From the queue's last try, with pauses of its own between them, to the next entry. */
const AGAIN_SECONDS = 300;

/** Finishings of this process: whoever asks again waits for the same one. */
const finishing = new Map<string, Promise<Upload>>();

/**
 * Takes the wish to end an upload: from here on it is ended, by this process or another. Resolves when that is done.
 * @throws PlatformError `conflict` naming the missing chunks, `not_found`; `not_media`, `corrupt_media`, … and
 *   `invalid_request` (checksum), with which the upload has failed for good; others, after which it is tried again
 */
export async function finishUpload(platform: Platform, { projectId, id }: UploadRef): Promise<Upload> {
  // Before it is promised: from here on nobody sends anything again.
  await platform.storage.growing?.sync(growingKey(id));
  await markFinishing(platform, { projectId, id });
  return endUpload(platform, { projectId, id });
}

/** Ends one that is to be finished, for who does not wait: what goes wrong stands in the rows. */
export function endInBackground(platform: Platform, ref: UploadRef): void {
  endUpload(platform, ref).catch((error: unknown) => {
    const { retryable, fault } = toPlatformError(error);
    if (retryable || fault === 'platform')
      platform.log.warn({ err: error, uploadId: ref.id }, 'an upload is not ended yet');
  });
}

/** What is left to do of an upload that is being finished. */
async function endUpload(platform: Platform, ref: UploadRef): Promise<Upload> {
  const key = `${platform.workerId} ${ref.id}`;
  const running = finishing.get(key) ?? end(platform, ref).finally(() => finishing.delete(key));
  finishing.set(key, running);
  return running;
}

/** The same for the queue, which asks in case whoever began it is gone. What the upload failed with is in its row. */
export async function endUploadLater(
  platform: Platform,
  { projectId, uploadId }: { readonly projectId: string; readonly uploadId: string },
): Promise<void> {
  try {
    await endUpload(platform, { projectId, id: uploadId });
  } catch (error) {
    const { code, retryable, fault } = toPlatformError(error);
    if (code === 'not_found' || (!retryable && fault !== 'platform')) return;
    throw error;
  }
}

/**
 * The entry of the queue died: its workers did, or the storage was away for longer than it tries. Asked again and again until the upload's
 * time is over; then it has failed.
 */
export async function endUploadAgain(
  platform: Platform,
  { projectId, uploadId }: { readonly projectId: string; readonly uploadId: string },
): Promise<void> {
  const upload = await findUpload(platform.database.db, { projectId, id: uploadId });
  if (upload?.status !== 'finishing') return;
  if (upload.expiresAt > new Date())
    return orderFinish(platform, platform.database.db, { projectId, id: uploadId, seconds: AGAIN_SECONDS });
  const hours = platform.config.UPLOAD_EXPIRY_HOURS;
  const last = upload.error ? `; last: ${upload.error.message}` : '';
  await fail(
    platform,
    upload,
    toFailure(
      new PlatformError('storage_failed', `Upload ${uploadId} could not be ended within ${hours} hours${last}`),
    ),
  );
}

/** Has the queue end an upload, in case whoever does it now dies over it. */
export async function orderFinish(
  { queue }: Platform,
  db: Kysely<Schema>,
  { projectId, id, seconds = TAKE_OVER_SECONDS }: UploadRef & { readonly seconds?: number },
): Promise<void> {
  const entry = { chore: 'finish-upload', projectId, uploadId: id } as const;
  await queue.send('housekeeping', entry, { startAfter: seconds, transaction: db });
}

/** Takes the wish to end an upload. @throws PlatformError `conflict` naming what is missing, `not_found` */
export async function markFinishing(platform: Platform, ref: UploadRef): Promise<void> {
  await platform.database.db.transaction().execute(async (db) => {
    const upload = await lockUpload(db, ref);
    if (!upload) throw new PlatformError('not_found', `There is no upload ${ref.id}; it may have expired`);
    checkNoPart(upload);
    if (upload.status !== 'receiving') return;
    await checkComplete(platform, db, upload);
    await changeUpload(db, ref, { status: 'finishing', expiresAt: expiry(platform) });
    await orderFinish(platform, db, ref);
  });
}

async function end(platform: Platform, ref: UploadRef): Promise<Upload> {
  const { db } = platform.database;
  const upload = await findUpload(db, ref);
  if (!upload) throw new PlatformError('not_found', `Upload ${ref.id} was given up`);
  checkNoPart(upload);
  if (upload.status === 'failed' && upload.error) throw fromFailure(upload.error);
  if (upload.status !== 'finishing') return upload;
  let facts: SourceFacts | null;
  let size: number;
  const parts = await listUploadParts(db, ref);
  try {
    size = await joinUpload(platform, upload, parts);
    await checkSum(platform, upload, parts);
    facts = upload.isVideo ? await probe(platform, upload) : null;
  } catch (thrown) {
    const error = inStorage(upload, toPlatformError(thrown));
    if (!isFinal(error)) {
      // Whoever looks shall see what it waits for.
      await changeUpload(db, { ...ref, status: 'finishing' }, { error: toFailure(error) });
      throw error;
    }
    await fail(platform, upload, toFailure(error));
    throw error;
  }
  await storeOriginal(platform, { upload, size, facts });
  await tidy(platform, upload, parts);
  return (await findUpload(db, ref)) ?? upload;
}

/** Only once the whole is told of: another process may be joining the same. */
async function tidy({ storage, database }: Platform, upload: Upload, parts: readonly UploadPart[]): Promise<void> {
  await storage.removeAll(partsPrefix(upload.id));
  await storage.remove(growingKey(upload.id));
  // Those that had been parked lie below no prefix of this upload.
  for (const { storageKey } of parts) if (storageKey !== null) await storage.remove(storageKey);
  await removePartials({ storage, database }, upload);
}

/** They are of no use to any other upload: a concatenation has taken them. */
async function removePartials(
  { storage, database }: Pick<Platform, 'storage' | 'database'>,
  { projectId, concatenates }: Upload,
): Promise<void> {
  for (const id of concatenates ?? []) {
    await storage.removeAll(uploadPrefix(id));
    await deleteUpload(database.db, { projectId, id });
  }
}

/** The upload is there, whatever of its bytes is not. */
const inStorage = ({ id }: Upload, error: PlatformError): PlatformError =>
  error.code === 'not_found'
    ? new PlatformError('storage_failed', `Upload ${id} cannot be ended: ${error.message}`, { cause: error })
    : error;

/** What another try would not change: the bytes themselves are wrong. */
const isFinal = (error: PlatformError): boolean =>
  !error.retryable && (error.fault === 'media' || error.code === 'checksum_mismatch');

function probe(platform: Platform, upload: Upload): Promise<SourceFacts> {
  const source = { kind: 'managed' as const, key: upload.storageKey };
  return probeStored(platform, { source, sourceKey: upload.storageKey }, new AbortController().signal);
}

/** The bytes are of no use to anybody; the video stays, with the reason. */
async function fail(platform: Platform, upload: Upload, failure: Failure): Promise<void> {
  const removeFiles = await platform.database.db.transaction().execute(async (db) => {
    if (upload.isVideo) await lockVideo(db, ref(upload));
    const changed = await changeUpload(
      db,
      { ...ref(upload), status: 'finishing' },
      { status: 'failed', error: failure },
    );
    if (!changed) return null;
    const remove = await dropArriving(platform, db, ref(upload));
    if (upload.isVideo) await failVideo(platform, db, { ...ref(upload), failure });
    return remove;
  });
  if (!removeFiles) return;
  await removeFiles();
  await platform.storage.removeAll(uploadPrefix(upload.id));
  await removePartials(platform, upload);
}

const ref = ({ projectId, id }: UploadRef): UploadRef => ({ projectId, id });

const fromFailure = ({ code, message }: Failure): PlatformError => new PlatformError(code, message);
