// A chunk that came before it was said whose it is: kept apart until the fields behind it arrive. Called by the upload routes.
import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { findUploadProgress } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { UploadGrant } from '#domain/upload.ts';
import { limitBytes } from '#workflows/fetch-source.ts';
import type { Platform } from '#workflows/platform.ts';
import { mostBytes, tooManyBytes } from '#workflows/uploads/begin-upload.ts';
import { checkIndex, checkOpen, saveChunk } from '#workflows/uploads/receive-chunk.ts';
import { partKey } from '#workflows/uploads/upload-storage.ts';

export type ParkedChunk = { readonly key: string; readonly size: number };

export type Parking = {
  readonly grant: UploadGrant | null;
  readonly body: Readable;
  readonly isTruncated: () => boolean;
};

/** Below an upload that there is not: what is left there when the server dies is swept away. */
export async function parkChunk(
  { config, storage }: Platform,
  { grant, body, isTruncated }: Parking,
): Promise<ParkedChunk> {
  const key = partKey(uuidv7(), 0, randomUUID());
  const limit = Math.min(config.MAX_SOURCE_BYTES, grant?.maxBytes ?? Infinity);
  const tooMuch = () => new PlatformError('too_large', `A chunk may have ${limit} bytes here; more came`);
  const size = await storage.write(key, limitBytes(body, limit, tooMuch));
  if (!isTruncated()) return { key, size };
  await storage.remove(key);
  throw tooMuch();
}

export async function removeParked({ storage }: Platform, { key }: ParkedChunk): Promise<void> {
  await storage.remove(key);
}

export type Adoption = {
  readonly upload: Upload;
  readonly index: number;
  readonly parked: ParkedChunk;
  /** hex */
  readonly sha256: string | null;
};

/** @throws what receiveChunk throws; the parked bytes are gone then */
export async function adoptChunk(platform: Platform, { upload, index, parked, sha256 }: Adoption): Promise<void> {
  const { database, storage } = platform;
  try {
    checkOpen(upload);
    checkIndex(upload, index);
    const others = await findUploadProgress(database.db, { projectId: upload.projectId, id: upload.id, except: index });
    if (others.bytes + parked.size > mostBytes(platform, upload)) throw tooManyBytes(platform, upload);
    if (sha256 !== null) {
      const hash = createHash('sha256');
      for await (const bytes of await storage.read(parked.key)) hash.update(bytes as Buffer);
      const found = hash.digest('hex');
      if (found !== sha256)
        throw new PlatformError('checksum_mismatch', `Chunk ${index} has the SHA-256 ${found}, not ${sha256}`, {
          errors: [{ path: 'sha256', message: found }],
        });
    }
    await saveChunk(platform, upload, { index, size: parked.size, sha256, storageKey: parked.key });
  } catch (error) {
    await storage.remove(parked.key);
    throw error;
  }
}
