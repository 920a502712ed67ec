// Makes one object of what came in pieces, with as few copied bytes as can be. Safe to repeat at any point. Called by finish-upload.ts.
import { listUploadParts, placeUploadParts, type UploadPart } from '#database/upload-parts.ts';
import { findUpload, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { isRegular } from '#domain/upload.ts';
import type { GrowingFiles, SizedObject } from '#storage/piecewise.ts';
import type { Platform } from '#workflows/platform.ts';
import { growingKey, partKey } from '#workflows/uploads/upload-storage.ts';

/** Resolves with the bytes of the whole, which then lies under the upload's storage key. */
export async function joinUpload(platform: Platform, upload: Upload, parts: readonly UploadPart[]): Promise<number> {
  const done = await sizeOf(platform, upload.storageKey);
  if (upload.protocol === 'presigned') return done ?? joinPresigned(platform, upload);
  if (upload.concatenates !== null) return done ?? concatenate(platform, upload, upload.concatenates);
  const { growing } = platform.storage;
  const size = upload.protocol === 'tus' ? upload.received : parts.reduce((sum, part) => sum + part.size, 0);
  if (size === 0) throw new PlatformError('empty_source', `Upload ${upload.id} is empty: it has no bytes`);
  if (done === size) return size;
  if (!growing) return joinObjects(platform, upload, { parts, size });
  if (upload.protocol === 'tus') {
    await growing.settle(growingKey(upload.id), { key: upload.storageKey, size });
    return size;
  }
  if (
    isRegular(
      parts.map((part) => part.size),
      upload.chunkSize,
    )
  ) {
    await placeParts(platform, growing, { upload, parts });
    await growing.settle(growingKey(upload.id), { key: upload.storageKey, size });
    return size;
  }
  return joinObjects(platform, upload, { parts: await takeOut(platform, upload, parts), size });
}

type Parts = { readonly upload: Upload; readonly parts: readonly UploadPart[] };

/** The few that came before their place was known, or a second time, are copied to where they belong. */
async function placeParts(platform: Platform, growing: GrowingFiles, { upload, parts }: Parts): Promise<void> {
  const key = growingKey(upload.id);
  const [single] = parts;
  for (const { index, size, storageKey } of parts) {
    if (storageKey === null) continue;
    if (parts.length === 1 && single) {
      // Alone it is the whole: its object is taken as it is.
      await growing.settle(storageKey, { key: upload.storageKey, size });
      return;
    }
    const body = await platform.storage.read(storageKey);
    const { bytes, error } = await growing.write(key, { offset: index * (upload.chunkSize ?? 0), body, limit: size });
    if (error) throw error;
    if (bytes !== size) throw broken(upload, `chunk ${index} has ${bytes} of ${size} bytes`);
    await placeUploadParts(platform.database.db, { projectId: upload.projectId, id: upload.id, indexes: [index] });
    await platform.storage.remove(storageKey);
  }
}

/** Chunks of different lengths: those that were written in place become objects like the others. */
async function takeOut(platform: Platform, upload: Upload, parts: readonly UploadPart[]): Promise<UploadPart[]> {
  const all: UploadPart[] = [];
  for (const part of parts) {
    if (part.storageKey !== null || part.size === 0) {
      all.push(part);
      continue;
    }
    const start = part.index * (upload.chunkSize ?? 0);
    const key = partKey(upload.id, part.index, 'placed');
    const body = await platform.storage.read(growingKey(upload.id), { start, end: start + part.size - 1 });
    await platform.storage.write(key, body, { size: part.size });
    all.push({ ...part, storageKey: key });
  }
  return all;
}

type Objects = { readonly parts: readonly UploadPart[]; readonly size: number };

async function joinObjects({ storage }: Platform, upload: Upload, { parts, size }: Objects): Promise<number> {
  const objects = parts.map(({ index, size: bytes, storageKey }): SizedObject => {
    if (storageKey === null) throw broken(upload, `chunk ${index} has no bytes of its own`);
    return { key: storageKey, size: bytes };
  });
  await storage.join(upload.storageKey, objects);
  return size;
}

async function joinPresigned({ storage }: Platform, { storageKey, multipartId, id }: Upload): Promise<number> {
  if (!storage.direct || multipartId === null)
    throw new PlatformError('internal', `Upload ${id} has no multipart upload`);
  const parts = await storage.direct.parts(storageKey, multipartId);
  await storage.direct.complete(storageKey, multipartId, parts);
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** Partial uploads of tus: the first one's file becomes the whole's, the others are written behind it. */
async function concatenate(platform: Platform, upload: Upload, ids: readonly string[]): Promise<number> {
  const { storage, database } = platform;
  const partials: Upload[] = [];
  for (const id of ids) {
    const partial = await findUpload(database.db, { projectId: upload.projectId, id });
    if (!partial) throw broken(upload, `its part ${id} was given up`);
    partials.push(partial);
  }
  const size = partials.reduce((sum, { received }) => sum + received, 0);
  if (size === 0) throw new PlatformError('empty_source', `Upload ${upload.id} is empty: its parts have no bytes`);
  if (storage.growing) {
    await growTogether(platform, storage.growing, { upload, partials, size });
    return size;
  }
  const objects: SizedObject[] = [];
  for (const partial of partials)
    for (const { storageKey, size: bytes } of await listUploadParts(database.db, partial))
      if (storageKey !== null) objects.push({ key: storageKey, size: bytes });
  await storage.join(upload.storageKey, objects);
  return size;
}

type Partials = { readonly upload: Upload; readonly partials: readonly Upload[]; readonly size: number };

async function growTogether(
  platform: Platform,
  growing: GrowingFiles,
  { upload, partials, size }: Partials,
): Promise<void> {
  const { storage } = platform;
  const key = growingKey(upload.id);
  const filled = partials.filter(({ received }) => received > 0);
  const [first, ...others] = filled;
  // Once it is there it has the first part's bytes, whoever began this.
  if (first && (await sizeOf(platform, key)) === null)
    await growing.settle(growingKey(first.id), { key, size: first.received });
  let offset = first?.received ?? 0;
  for (const { id, received } of others) {
    const body = await storage.read(growingKey(id));
    const { bytes, error } = await growing.write(key, { offset, body, limit: received });
    if (error) throw error;
    if (bytes !== received) throw broken(upload, `its part ${id} has ${bytes} of ${received} bytes`);
    offset += received;
  }
  await growing.settle(key, { key: upload.storageKey, size });
}

async function sizeOf({ storage }: Platform, key: string): Promise<number | null> {
  try {
    return (await storage.stat(key)).size;
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'not_found') return null;
    throw error;
  }
}

const broken = ({ id }: Upload, what: string): PlatformError =>
  new PlatformError('storage_failed', `Upload ${id} cannot be joined: ${what}`, { retryable: false });
