// Begins an upload that comes in pieces: its row, and the video it becomes, before the first byte. Called by the upload routes of the videos API.
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Schema } from '#database/schema.ts';
import { deletePlacedParts, type UploadRef } from '#database/upload-parts.ts';
import { changeUpload, findTokenBytes, findUpload, insertUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { insertVideo, lockVideo } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { plainFilename, type UploadGrant, type UploadProtocol, type VideoWish } from '#domain/upload.ts';
import { uploadKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { bootId } from '#workflows/run-mark.ts';
import { followArrival } from '#workflows/uploads/follow-arrival.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';
import { makeVideo } from '#workflows/videos/make-video.ts';

export type UploadWish = {
  readonly projectId: string;
  readonly protocol: Exclude<UploadProtocol, 'request'>;
  readonly filename: string;
  /** bytes; null where the client does not know */
  readonly size: number | null;
  /** hex */
  readonly sha256: string | null;
  readonly totalChunks: number | null;
  readonly chunkSize: number | null;
  readonly tusMetadata?: string;
  readonly isPartial?: boolean;
  readonly concatenates?: readonly string[];
  readonly multipartId?: string;
  /** The id it shall have: of a video made before, or of a presigned upload. */
  readonly id?: string;
  readonly grant: UploadGrant | null;
  /** What it becomes; null where a job of the jobs API will name it as its source. */
  readonly video: VideoWish | null;
  /** What the caller reached us under. */
  readonly baseUrl: string;
  /** Done in the transaction that makes it. */
  readonly alongside?: (db: Kysely<Schema>, ref: UploadRef) => Promise<void>;
};

/**
 * The upload; the same one again where a token or a video had begun it before.
 * @throws PlatformError `source_too_large`, `too_large`, `disk_full`, `not_found` (video), `conflict`
 */
export async function beginUpload(platform: Platform, wish: UploadWish): Promise<Upload> {
  const { database, storage } = platform;
  await checkSize(platform, wish);
  const id = idOf(wish);
  const ref = { projectId: wish.projectId, id };
  const isNew = await database.db.transaction().execute(async (db) => {
    if (wish.video) {
      const made = await insertVideo(db, makeVideo({ ...wish, id, wish: wish.video }), platform.sealer);
      if (!made && !(await lockVideo(db, ref))) throw new PlatformError('not_found', `There is no video ${id}`);
    }
    const inserted = await insertUpload(db, {
      ...ref,
      filename: plainFilename(wish.filename),
      storageKey: uploadKey(id),
      expiresAt: expiry(platform),
      protocol: wish.protocol,
      isVideo: wish.video !== null,
      expectedSize: wish.size,
      totalChunks: wish.totalChunks,
      chunkSize: wish.chunkSize,
      sha256: wish.sha256,
      tusMetadata: wish.tusMetadata ?? null,
      isPartial: wish.isPartial ?? false,
      concatenates: wish.concatenates ?? null,
      multipartId: wish.multipartId ?? null,
      tokenId: wish.grant?.uploadId ?? null,
      maxBytes: wish.grant?.maxBytes ?? null,
      bootId: storage.growing ? bootId() : null,
    });
    // Parts that a client gives to the bucket itself cannot be read before it joins them.
    const isReadable = wish.protocol !== 'presigned' && !wish.concatenates;
    if (inserted && wish.video?.transcode && isReadable) await followArrival(platform, ref, { db, seconds: 0 });
    if (inserted) await wish.alongside?.(db, ref);
    return inserted;
  });
  const upload = await findUpload(database.db, ref);
  if (!upload) throw new PlatformError('not_found', `Upload ${id} was removed while it was begun`);
  if (!isNew) checkSame(upload, wish);
  return upload;
}

/** When an upload that nobody goes on with is given up. */
export const expiry = ({ config }: Pick<Platform, 'config'>): Date =>
  new Date(Date.now() + config.UPLOAD_EXPIRY_HOURS * 3_600_000);

/** Parts of a concatenation come under the same token as the whole, and need ids of their own. */
const idOf = ({ id, grant, isPartial }: UploadWish): string =>
  grant && !isPartial ? grant.uploadId : (id ?? uuidv7());

/** Whether an upload that was begun before can go on as what is wished now. @throws PlatformError `conflict` */
export function checkSame(
  upload: Upload,
  { protocol, totalChunks, size }: Pick<UploadWish, 'protocol' | 'totalChunks' | 'size'>,
): void {
  const same =
    upload.protocol === protocol &&
    upload.totalChunks === totalChunks &&
    (size === null || upload.expectedSize === null || upload.expectedSize === size);
  if (same && upload.status === 'receiving') return;
  const bytes = upload.expectedSize === null ? '' : ` of ${upload.expectedSize} bytes`;
  const pieces = upload.totalChunks === null ? '' : ` in ${upload.totalChunks} pieces`;
  throw new PlatformError(
    'conflict',
    `Upload ${upload.id} was begun before, as ${upload.protocol}${bytes}${pieces}, and is ${upload.status}`,
  );
}

async function checkSize(platform: Platform, { size, grant, projectId, isPartial }: UploadWish): Promise<void> {
  const { config, storage, database } = platform;
  if (size !== null && size > config.MAX_SOURCE_BYTES)
    throw new PlatformError(
      'source_too_large',
      `The file has ${size} bytes; at most ${config.MAX_SOURCE_BYTES} are allowed (MAX_SOURCE_BYTES)`,
      { errors: [{ path: 'size', message: `at most ${config.MAX_SOURCE_BYTES}` }] },
    );
  if (size !== null && grant) {
    const others = isPartial ? await findTokenBytes(database.db, { projectId, tokenId: grant.uploadId }) : 0;
    if (others + size > grant.maxBytes)
      throw new PlatformError('too_large', `This upload token allows ${grant.maxBytes} bytes; the file has ${size}`, {
        errors: [{ path: 'size', message: `at most ${grant.maxBytes}` }],
      });
  }
  const room = await storage.growing?.room();
  if (size !== null && room !== undefined && size + config.SCRATCH_RESERVE_BYTES > room)
    throw new PlatformError('disk_full', `The file has ${size} bytes, and the storage has room for ${room}`);
}

/** The upload of a caller. @throws PlatformError `not_found`, also where a token is for another one */
export async function findOwnUpload(
  platform: Platform,
  { projectId, id, grant }: { readonly projectId: string; readonly id: string; readonly grant: UploadGrant | null },
): Promise<Upload> {
  const { database, storage } = platform;
  const upload = await findUpload(database.db, { projectId, id });
  if (!upload || (grant && upload.tokenId !== grant.uploadId))
    throw new PlatformError('not_found', `There is no upload ${id}; it may have expired`);
  const isDoubtful = storage.growing && upload.status === 'receiving' && upload.bootId !== bootId();
  return isDoubtful ? forgetUnsafe(platform, upload) : upload;
}

/** The machine was started anew since: what was not synced may be lost, so the client is asked for it again. */
async function forgetUnsafe(platform: Platform, upload: Upload): Promise<Upload> {
  const { db } = platform.database;
  const ref = { projectId: upload.projectId, id: upload.id };
  const boot = bootId();
  const removeFiles = await db.transaction().execute(async (transaction) => {
    const now = await lockUpload(transaction, ref);
    if (now?.status !== 'receiving' || now.bootId === boot) return null;
    await deletePlacedParts(transaction, ref);
    const isAppended = now.protocol === 'tus' && now.received !== now.expectedSize;
    await changeUpload(transaction, ref, { bootId: boot, ...(isAppended ? { received: 0 } : {}) });
    return dropArriving(platform, transaction, ref);
  });
  await removeFiles?.();
  return (await findUpload(db, ref)) ?? upload;
}

/** bytes that this upload may still grow to. */
export const mostBytes = ({ config }: Pick<Platform, 'config'>, upload: Upload): number =>
  Math.min(config.MAX_SOURCE_BYTES, upload.maxBytes ?? Infinity, upload.expectedSize ?? Infinity);

/** @throws PlatformError `too_large`, `source_too_large`, `invalid_request`: whichever limit it is */
export function tooManyBytes({ config }: Pick<Platform, 'config'>, upload: Upload): PlatformError {
  if (upload.expectedSize !== null && upload.expectedSize === mostBytes({ config }, upload))
    return new PlatformError(
      'invalid_request',
      `The upload was announced with ${upload.expectedSize} bytes; more came`,
      {
        errors: [{ path: 'size', message: 'what is sent' }],
      },
    );
  return upload.maxBytes !== null && upload.maxBytes <= config.MAX_SOURCE_BYTES
    ? new PlatformError('too_large', `This upload token allows ${upload.maxBytes} bytes; more came`)
    : new PlatformError(
        'source_too_large',
        `The file is larger than ${config.MAX_SOURCE_BYTES} bytes (MAX_SOURCE_BYTES)`,
      );
}
