// What has come of an upload, as one object that can be read: the growing file, or in a bucket its pieces one after another. Used by encode-arriving.ts, encode-growing.ts and open-input.ts.
import { Readable } from 'node:stream';
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { listUploadParts } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { arrivedBytes, arrivedPieces } from '#domain/upload.ts';
import type { SizedObject } from '#storage/piecewise.ts';
import type { ReadOptions, Store } from '#storage/store.ts';
import type { Platform } from '#workflows/platform.ts';
import { growingKey } from '#workflows/uploads/upload-storage.ts';

export type ArrivedObject = {
  readonly store: Pick<Store, 'read'>;
  readonly key: string;
  /** bytes from the beginning that have come */
  readonly size: number;
};

/** @param db the transaction that has locked the upload, where there is one */
export async function findArrived(
  { database, storage }: Platform,
  upload: Upload,
  db: Kysely<Schema> = database.db,
): Promise<ArrivedObject> {
  const parts = await listUploadParts(db, upload);
  const key = growingKey(upload.id);
  if (storage.growing) return { store: storage, key, size: arrivedBytes(upload, parts) };
  const pieces = arrivedPieces(parts);
  const size = pieces.reduce((bytes, piece) => bytes + piece.size, 0);
  return { store: readPieces(storage, { pieces, whole: upload.storageKey }), key, size };
}

type Pieces = { readonly pieces: readonly SizedObject[]; readonly whole: string };

function readPieces(storage: Pick<Store, 'read'>, wanted: Pieces): Pick<Store, 'read'> {
  return {
    read: async (_key, options = {}) => Readable.from(bytesOf(storage, wanted, options), { objectMode: false }),
  };
}

async function* bytesOf(
  storage: Pick<Store, 'read'>,
  { pieces, whole }: Pieces,
  { start = 0, end = Infinity, signal }: ReadOptions,
): AsyncGenerator<Buffer> {
  const stop = signal ? { signal } : {};
  let offset = 0;
  for (const { key, size } of pieces) {
    const [from, to] = [Math.max(start - offset, 0), Math.min(end - offset, size - 1)];
    if (from <= to) {
      const piece = await unlessMissing(storage.read(key, { start: from, end: to, ...stop }));
      if (!piece) {
        // The upload has ended meanwhile: its pieces are gone, and the whole has the same bytes in the same places.
        const last = end === Infinity ? {} : { end };
        yield* await storage.read(whole, { start: offset + from, ...last, ...stop });
        return;
      }
      yield* piece;
    }
    offset += size;
  }
}

async function unlessMissing(reading: Promise<Readable>): Promise<Readable | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'not_found') return null;
    throw error;
  }
}
