// Takes one chunk of an upload in: straight into its place in the one growing file where that can be, else as an object of its own. Called by the upload routes.
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  claimUploadPart,
  findUploadProgress,
  releaseUploadPart,
  saveUploadPart,
  type UploadPart,
} from '#database/upload-parts.ts';
import { changeUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { GrowingFiles } from '#storage/piecewise.ts';
import type { Platform } from '#workflows/platform.ts';
import { expiry, mostBytes, tooManyBytes } from '#workflows/uploads/begin-upload.ts';
import { growingKey, partKey } from '#workflows/uploads/upload-storage.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';

export type IncomingChunk = {
  readonly upload: Upload;
  readonly index: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** bytes, about, where the request says so */
  readonly size: number | null;
  /** hex, of this chunk */
  readonly sha256: string | null;
  /** Asked when the body has ended: true where it was cut at a limit of the HTTP layer. */
  readonly isTruncated?: () => boolean;
  readonly signal?: AbortSignal;
};

/** A body whose length is not known exactly may be so much longer than its chunk: the frame of a form. */
const SLACK = 16_384;

/**
 * Resolves once the chunk is safe; the one before it under the same index is replaced then, and not sooner.
 * @throws PlatformError `invalid_request` naming the index or the checksum, `conflict`, `source_too_large`, `too_large`, `disk_full`
 */
export async function receiveChunk(platform: Platform, chunk: IncomingChunk): Promise<UploadPart> {
  const { upload, index } = chunk;
  const { db } = platform.database;
  checkOpen(upload);
  checkIndex(upload, index);
  const ref = { projectId: upload.projectId, id: upload.id };
  const others = await findUploadProgress(db, { ...ref, except: index });
  const most = mostBytes(platform, upload) - others.bytes;
  const hash = chunk.sha256 === null ? null : createHash('sha256');
  const body = limitChunk(chunk.body, { most, hash, error: () => tooManyBytes(platform, upload) });
  const part = await store(platform, { ...chunk, body });
  try {
    if (chunk.isTruncated?.()) throw tooManyBytes(platform, upload);
    if (part.size === 0) throw wrong('file', `chunk ${index} is empty`);
    const found = hash?.digest('hex') ?? null;
    if (found !== chunk.sha256)
      throw new PlatformError('checksum_mismatch', `Chunk ${index} has the SHA-256 ${found}, not ${chunk.sha256}`, {
        errors: [{ path: 'sha256', message: found ?? '' }],
      });
    await saveChunk(platform, upload, { ...part, sha256: found });
  } catch (error) {
    if (part.storageKey !== null) await platform.storage.remove(part.storageKey);
    else await releaseUploadPart(db, { ...ref, index, claim: part.claim });
    throw error;
  }
  return part;
}

type StoredPart = UploadPart & { readonly claim: string };
type LimitedChunk = IncomingChunk & { readonly body: AsyncIterable<Uint8Array> };

async function store(platform: Platform, chunk: LimitedChunk): Promise<StoredPart> {
  const { upload, index } = chunk;
  const ref = { projectId: upload.projectId, id: upload.id };
  const { growing } = platform.storage;
  const claim = randomUUID();
  // The place of the first chunk is known; of the others once it is known how long a chunk is.
  const fits = upload.chunkSize !== null && (chunk.size === null || chunk.size <= upload.chunkSize + SLACK);
  const mayBePlaced = growing !== null && (upload.chunkSize === null ? index === 0 : fits);
  if (!growing || !mayBePlaced || !(await claimUploadPart(platform.database.db, { ...ref, index, claim })))
    return storeApart(platform, { ...chunk, claim });
  try {
    return await storeInPlace(platform, growing, { ...chunk, claim });
  } catch (error) {
    await releaseUploadPart(platform.database.db, { ...ref, index, claim });
    throw error;
  }
}

type ClaimedChunk = LimitedChunk & { readonly claim: string };

async function storeInPlace(platform: Platform, growing: GrowingFiles, chunk: ClaimedChunk): Promise<StoredPart> {
  const { upload, index, claim } = chunk;
  const key = growingKey(upload.id);
  const offset = index * (upload.chunkSize ?? 0);
  const limit = upload.chunkSize ?? Infinity;
  const { bytes, error, rest } = await growing.write(key, { offset, body: chunk.body, limit });
  if (error) throw error;
  if (!rest) return { index, size: bytes, sha256: null, storageKey: null, claim };
  // Longer than the others: it gets an object of its own, with what was written of it already.
  const written = await platform.storage.read(key, { start: offset, end: offset + bytes - 1 });
  return storeApart(platform, { ...chunk, body: joined(written, rest) });
}

async function storeApart({ storage }: Platform, chunk: ClaimedChunk): Promise<StoredPart> {
  const { upload, index, claim, body, signal } = chunk;
  const key = partKey(upload.id, index, claim);
  const readable = Readable.from(body, { objectMode: false, highWaterMark: 1 << 20 });
  const size = await storage.write(key, readable, signal ? { signal } : {});
  return { index, size, sha256: null, storageKey: key, claim };
}

async function* joined(first: AsyncIterable<Uint8Array>, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

type Limits = { readonly most: number; readonly hash: Hash | null; readonly error: () => PlatformError };

/** The body as it comes, counted, hashed, and ended at its limit. */
export async function* limitChunk(
  body: AsyncIterable<Uint8Array>,
  { most, hash, error }: Limits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > most) throw error();
    hash?.update(piece);
    yield piece;
  }
}

/** The chunk's row, and what it tells about the others. */
export async function saveChunk(platform: Platform, upload: Upload, part: UploadPart): Promise<void> {
  const ref = { projectId: upload.projectId, id: upload.id };
  const done = await platform.database.db.transaction().execute(async (db) => {
    const now = await lockUpload(db, ref);
    if (!now) throw new PlatformError('not_found', `Upload ${upload.id} was given up while chunk ${part.index} came`);
    checkOpen(now);
    const before = await saveUploadPart(db, { ...ref, part });
    // Encoding may have begun with the one that is replaced.
    const removeFiles = before ? await dropArriving(platform, db, ref) : null;
    // The first chunk shows how long the others are.
    const learnt = part.index === 0 && now.chunkSize === null ? { chunkSize: part.size } : {};
    await changeUpload(db, ref, { expiresAt: expiry(platform), ...learnt });
    return { unused: before?.unused ?? null, removeFiles };
  });
  if (done.unused !== null) await platform.storage.remove(done.unused);
  await done.removeFiles?.();
}

export function checkOpen(upload: Upload): void {
  if (upload.status !== 'receiving')
    throw new PlatformError('conflict', `Upload ${upload.id} is ${upload.status}; it takes nothing more`);
}

export function checkIndex({ protocol, totalChunks, id }: Upload, index: number): void {
  if (protocol !== 'chunks') throw new PlatformError('conflict', `Upload ${id} is sent by ${protocol}, not in chunks`);
  if (totalChunks !== null && index >= totalChunks) throw wrong('index', `0 to ${totalChunks - 1}`);
}

function wrong(path: string, message: string): PlatformError {
  return new PlatformError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
