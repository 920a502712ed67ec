// Files in a folder: managed storage on one machine, and what FILE_ROOTS opens. Opened by managed.ts and open.ts.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { constants, createWriteStream, type WriteStream } from 'node:fs';
import { access, copyFile, lstat, mkdir, open, realpath, rename, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { wantedRange } from '#storage/byte-range.ts';
import { growingFiles, readJoined } from '#storage/disk-growing.ts';
import {
  checkFolder,
  type DiskRoot,
  diskError,
  existingPath,
  existingPathNow,
  PART_PREFIX,
  plainPath,
} from '#storage/disk-path.ts';
import { removeOldParts, removeTree, walk } from '#storage/disk-walk.ts';
import { checkPrefix } from '#storage/key.ts';
import type { PiecewiseStorage } from '#storage/piecewise.ts';
import { storageError } from '#storage/storage-error.ts';
import type { ReadOptions, Store, StoreRole, WriteOptions } from '#storage/store.ts';
import { endOnAbort, STREAM_BUFFER, writeBody } from '#storage/write-body.ts';

export type DiskStore = Store &
  PiecewiseStorage & {
    readonly kind: 'disk';
    /** Removes what writers that died left half written before `olderThan`. Resolves with how many. */
    sweep(olderThan: Date): Promise<number>;
    /** @throws PlatformError where the folder is gone or cannot be written */
    check(): Promise<void>;
  };

/** Times a write makes its folder anew because a removal next to it took the emptied folder away. */
const FOLDER_TRIES = 5;

/**
 * Opens a folder as a store, making it where it is the platform's own.
 * @throws PlatformError `storage_failed`, `source_*`, `destination_*` where it is missing or not accessible
 */
export async function openDisk(folder: string, role: StoreRole = 'managed'): Promise<DiskStore> {
  const root: DiskRoot = { path: await openRoot(folder, role), role };
  const guarded = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw diskError(key, role, error);
    }
  };

  return {
    kind: 'disk',
    abilities: { ranges: true, list: true, write: true, remove: true },
    stat: (key) =>
      guarded(key, async () => {
        const stats = await lstat(await existingPath(root, key));
        if (!stats.isFile()) throw notAFile(key, role);
        return { key, size: stats.size, contentType: null, etag: diskTag(stats), modifiedAt: stats.mtime };
      }),
    read: (key, options = {}) => guarded(key, () => readFile(root, key, options)),
    write: (key, body, options = {}) => writeFile(root, key, { body, options }),
    adopt: (source, key, options = {}) => guarded(key, () => adoptFile(root, key, { source, options })),
    remove: (key) => guarded(key, () => removeFile(root, key)),
    removeAll: (prefix) => guarded(prefix, () => removeTree(root, nonEmpty(prefix))),
    list: (prefix) => walk(root, checkPrefix(prefix)),
    localPath: (key) => existingPathNow(root, key),
    growing: growingFiles(root, (key, work) => withFolder(root, key, work)),
    direct: null,
    join: async (key, parts, signal) => {
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      const options = { size, ...(signal ? { signal } : {}) };
      await writeFile(root, key, { body: readJoined(root, parts), options });
    },
    sweep: (olderThan) => guarded('temporary files', () => removeOldParts(root, olderThan)),
    check: () => guarded(root.path, () => access(root.path, constants.R_OK | constants.W_OK)),
    close: async () => undefined,
  };
}

async function openRoot(folder: string, role: StoreRole): Promise<string> {
  const absolute = path.resolve(folder);
  try {
    if (role === 'managed') await mkdir(absolute, { recursive: true });
    return await realpath(absolute);
  } catch (error) {
    throw diskError(folder, role, error);
  }
}

async function readFile(root: DiskRoot, key: string, options: ReadOptions): Promise<Readable> {
  options.signal?.throwIfAborted();
  const real = await existingPath(root, key);
  // The path is real already: what is a link now was put there since. A FIFO would hold up the opening for ever.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notAFile(key, root.role);
    const { start, end } = wantedRange(key, options, stats.size);
    // An empty file has no last byte to name; reading from its end gives nothing.
    const last = end !== null && end > start ? { end: end - 1 } : {};
    const stream = file.createReadStream({ start, ...last, highWaterMark: STREAM_BUFFER });
    endOnAbort(stream, options.signal);
    return stream;
  } catch (error) {
    await file.close();
    throw error;
  }
}

type Written = { readonly body: Readable | Uint8Array; readonly options: WriteOptions };

async function writeFile(root: DiskRoot, key: string, { body, options }: Written): Promise<number> {
  const target = plainPath(root, key);
  const { stream, bytes, failure } = writeBody(body, options);
  const part = path.join(path.dirname(target), PART_PREFIX + randomUUID());
  try {
    const file = await withFolder(root, key, () => openPart(part));
    await pipeline(stream, file);
    await rename(part, target);
    return bytes();
  } catch (error) {
    stream.destroy();
    await rm(part, { force: true });
    throw failure() ?? diskError(key, root.role, error);
  }
}

async function openPart(part: string): Promise<WriteStream> {
  // flush: a task whose result is in the database must find its file after a power cut too.
  const file = createWriteStream(part, { flags: 'wx', highWaterMark: STREAM_BUFFER, flush: true });
  await once(file, 'open');
  return file;
}

/** Runs `work` with the folder of the key in place. A removal next to it may take an emptied folder away in between. */
async function withFolder<T>(root: DiskRoot, key: string, work: () => Promise<T>): Promise<T> {
  const folder = path.dirname(plainPath(root, key));
  for (let tries = 1; ; tries++) {
    await checkFolder(root, key, folder);
    await mkdir(folder, { recursive: true });
    try {
      return await work();
    } catch (error) {
      if (!isNodeError(error) || error.code !== 'ENOENT' || tries >= FOLDER_TRIES) throw error;
    }
  }
}

type Adopted = { readonly source: string; readonly options: WriteOptions };

async function adoptFile(root: DiskRoot, key: string, { source, options }: Adopted): Promise<number> {
  options.signal?.throwIfAborted();
  const target = plainPath(root, key);
  const stats = await lstat(source);
  if (!stats.isFile()) throw notAFile(path.basename(source), root.role);
  const file = await open(source, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
  await withFolder(root, key, async () => {
    try {
      await rename(source, target);
    } catch (error) {
      if (!isNodeError(error) || error.code !== 'EXDEV') throw error;
      await copyAcross(source, target);
    }
  });
  options.onProgress?.(stats.size);
  return stats.size;
}

/** Between file systems a move is a copy: whole under a temporary name first, then renamed. */
async function copyAcross(source: string, target: string): Promise<void> {
  const part = path.join(path.dirname(target), PART_PREFIX + randomUUID());
  try {
    await copyFile(source, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const file = await open(part, 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await unlink(source);
}

async function removeFile(root: DiskRoot, key: string): Promise<void> {
  const target = plainPath(root, key);
  const folder = path.dirname(target);
  await checkFolder(root, key, folder);
  try {
    // A link is removed as what it is, never what it leads to.
    await unlink(target);
  } catch (error) {
    if (isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return;
    throw error;
  }
  if (root.role === 'managed') await removeEmptied(root, folder);
}

async function removeEmptied(root: DiskRoot, folder: string): Promise<void> {
  for (let at = folder; at !== root.path; at = path.dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (isNodeError(error) && ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(error.code ?? '')) return;
      throw error;
    }
  }
}

function nonEmpty(prefix: string): string {
  if (prefix === '') throw new PlatformError('invalid_request', 'Removing everything of a store needs a prefix.');
  return checkPrefix(prefix);
}

function diskTag(stats: { readonly size: number; readonly mtimeMs: number }): string {
  return `"${stats.size.toString(16)}-${Math.round(stats.mtimeMs * 1000).toString(16)}"`;
}

function notAFile(key: string, role: StoreRole): PlatformError {
  return storageError(`"${key}" is not a regular file.`, { role, fault: 'not_found' });
}
