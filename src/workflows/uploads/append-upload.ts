// Takes bytes in at the end of a tus upload: what arrived before a broken connection stays. Called by the tus routes.
import { createHash, type Hash, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { findUploadProgress, saveUploadPart } from '#database/upload-parts.ts';
import { changeUpload, changeUploadSoon, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { TusChecksum } from '#domain/tus.ts';
import type { GrowingFiles } from '#storage/piecewise.ts';
import type { Platform } from '#workflows/platform.ts';
import { expiry, mostBytes, tooManyBytes } from '#workflows/uploads/begin-upload.ts';
import { markFinishing, orderFinish } from '#workflows/uploads/finish-upload.ts';
import { checkOpen, limitChunk } from '#workflows/uploads/receive-chunk.ts';
import { overtaken } from '#workflows/uploads/take-over.ts';
import { growingKey, partKey } from '#workflows/uploads/upload-storage.ts';

export type Appending = {
  readonly upload: Upload;
  /** What the client believes has come. */
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** bytes of the body, where the request says so */
  readonly size: number | null;
  readonly checksum: TusChecksum | null;
};

/** bytes after which what has come is noted, so that a server that dies loses no more */
const NOTED = 16 * 1024 ** 2;
/** bytes of a piece where the storage takes whole objects only; memory is one of them */
const PIECE = 8 * 1024 ** 2;
const MOST_PIECES = 9000;

/**
 * Resolves with how many bytes the upload has now. Once they are all there it is to be finished: that is safe as well, and left to do.
 * @throws PlatformError `conflict` where the offset is another, `checksum_mismatch` (nothing of the body is kept), `too_large`,
 *   `source_too_large`, `invalid_request`; what the body fails with, after keeping what came
 */
export async function appendUpload(platform: Platform, appending: Appending): Promise<number> {
  const { upload, offset } = appending;
  checkOpen(upload);
  if (offset !== upload.received)
    throw new PlatformError('conflict', `Upload ${upload.id} has ${upload.received} bytes, not ${offset}`);
  const hash = appending.checksum ? createHash(appending.checksum.algorithm) : null;
  const most = mostBytes(platform, upload) - offset;
  // Nothing is kept of a body that says itself that it is another one.
  if (appending.size !== null && appending.size > most) throw tooManyBytes(platform, upload);
  const body = limitChunk(appending.body, { most, hash, error: () => tooManyBytes(platform, upload) });
  const { growing } = platform.storage;
  const work = { ...appending, body, hash };
  const received = await (growing ? appendInPlace(platform, growing, work) : appendPieces(platform, work));
  // Of a body that had no bytes nothing was noted: its length alone was told, or it is empty.
  if (received === offset && isWhole(upload, received)) await markFinishing(platform, upload);
  return received;
}

const isWhole = ({ expectedSize, isPartial }: Upload, received: number): boolean =>
  received === expectedSize && !isPartial;

type Work = Appending & { readonly hash: Hash | null };

async function appendInPlace(platform: Platform, growing: GrowingFiles, work: Work): Promise<number> {
  const { upload, hash, body } = work;
  const key = growingKey(upload.id);
  const offset = upload.received;
  let noted = offset;
  const advance = async (to: number) => {
    await note(platform, upload, { from: noted, to });
    noted = to;
  };
  const progress = { every: NOTED, tell: (bytes: number) => advance(offset + bytes) };
  // Bytes that are to be checked first are noted at the end alone.
  const place = { offset, limit: Infinity, ...(hash ? {} : { progress }) };
  const { bytes, error } = await growing.write(key, { ...place, body });
  if (hash) {
    if (error) throw error;
    checkDigest(work);
  }
  if (offset + bytes > noted) await advance(offset + bytes);
  if (error) throw error;
  return offset + bytes;
}

async function appendPieces(platform: Platform, work: Work): Promise<number> {
  const { upload, hash, body } = work;
  const size = Math.max(PIECE, Math.ceil((upload.expectedSize ?? platform.config.MAX_SOURCE_BYTES) / MOST_PIECES));
  const unchecked: Stored[] = [];
  let at = upload.received;
  const store = async (piece: Buffer) => {
    if (piece.length === 0) return;
    const key = partKey(upload.id, at, randomUUID());
    await platform.storage.write(key, piece);
    const stored = { key, from: at, bytes: piece.length };
    at += piece.length;
    if (hash) unchecked.push(stored);
    else await noteOrRemove(platform, upload, stored);
  };
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const storeGathered = async () => {
    const piece = Buffer.concat(gathered);
    [gathered, bytes] = [[], 0];
    await store(piece);
  };
  try {
    for await (const piece of body) {
      gathered.push(piece);
      bytes += piece.length;
      if (bytes >= size) await storeGathered();
    }
    await storeGathered();
    if (hash) checkDigest(work);
    for (let piece = unchecked.shift(); piece; piece = unchecked.shift()) await noteOrRemove(platform, upload, piece);
    return at;
  } catch (error) {
    if (hash) await Promise.all(unchecked.map(({ key }) => platform.storage.remove(key)));
    else await storeGathered();
    throw error;
  }
}

type Stored = { readonly key: string; readonly from: number; readonly bytes: number };

/** A piece that another connection was quicker with belongs to nobody. */
async function noteOrRemove(platform: Platform, upload: Upload, piece: Stored): Promise<void> {
  try {
    await notePiece(platform, upload, piece);
  } catch (error) {
    // Anything else may have been noted all the same: only its answer is missing.
    if (error instanceof PlatformError) await platform.storage.remove(piece.key);
    throw error;
  }
}

async function notePiece(platform: Platform, upload: Upload, { key, from, bytes }: Stored): Promise<void> {
  const ref = { projectId: upload.projectId, id: upload.id };
  await platform.database.db.transaction().execute(async (db) => {
    await advanceIn(platform, db, { upload, from, to: from + bytes });
    const { parts: index } = await findUploadProgress(db, ref);
    await saveUploadPart(db, { ...ref, part: { index, size: bytes, sha256: null, storageKey: key } });
  });
}

type Noted = { readonly from: number; readonly to: number };

async function note(platform: Platform, upload: Upload, noted: Noted): Promise<void> {
  const { db } = platform.database;
  if (noted.to === upload.expectedSize)
    return db.transaction().execute(async (transaction) => {
      // Whole it counts as safe, whatever becomes of the machine: both disks are waited for at once.
      const safe = platform.storage.growing?.sync(growingKey(upload.id));
      await Promise.all([advanceIn(platform, transaction, { upload, ...noted }), safe]);
    });
  // Nobody waited for these bytes to be on the disk either: what a fall of the database undoes is asked for again.
  const { which, change } = step(platform, { upload, ...noted });
  if (!(await changeUploadSoon(db, which, change))) throw overtaken(upload);
}

type Step = Noted & { readonly upload: Upload };

/** The last bytes and the wish to end it are one: whoever sent them sends nothing again. */
async function advanceIn(platform: Platform, db: Kysely<Schema>, advance: Step): Promise<void> {
  const { which, change } = step(platform, advance);
  const isLast = isWhole(advance.upload, advance.to);
  if (!(await changeUpload(db, which, { ...change, ...(isLast ? { status: 'finishing' } : {}) })))
    throw overtaken(advance.upload);
  if (isLast) await orderFinish(platform, db, advance.upload);
}

const step = (platform: Platform, { upload: { projectId, id }, from, to }: Step) => ({
  which: { projectId, id, status: 'receiving' as const, received: from },
  change: { received: to, expiresAt: expiry(platform) },
});

function checkDigest({ hash, checksum, upload }: Work): void {
  const found = hash?.digest('base64').replace(/=+$/, '');
  if (found === checksum?.digest.replace(/=+$/, '')) return;
  throw new PlatformError(
    'checksum_mismatch',
    `What came for upload ${upload.id} has the digest ${found}; send it again`,
  );
}
