// Files filled by several writers at places of their own, and joined ones. Used by disk.ts for uploads that come in chunks.
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, rename, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { isNodeError } from '#domain/error.ts';
import { checkFolder, type DiskRoot, diskError, existingPath, plainPath } from '#storage/disk-path.ts';
import type { GrowingFiles, PlacedBytes, PlacedWrite, SizedObject, WriteProgress } from '#storage/piecewise.ts';
import { STREAM_BUFFER } from '#storage/write-body.ts';

/** Milliseconds between what is written and its way to the disk, and from one such way to the next. */
const BEHIND_MS = 1000;

/** @param withFolder runs its work with the folder of a key in place */
export function growingFiles(
  root: DiskRoot,
  withFolder: <T>(key: string, work: () => Promise<T>) => Promise<T>,
): GrowingFiles {
  const guarded = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw diskError(key, root.role, error);
    }
  };
  const behind = writeBehind();
  return {
    write: (key, write) =>
      guarded(key, async () => {
        const target = plainPath(root, key);
        behind.check(target);
        const file = await withFolder(key, () => open(target, 'r+').catch((error) => created(target, error)));
        try {
          return await writeAt(file, write);
        } finally {
          await file.close();
          behind.wrote(target);
        }
      }),
    sync: (key) =>
      guarded(key, async () => {
        const target = plainPath(root, key);
        await behind.end(target);
        await sync(target);
      }),
    settle: (key, end) =>
      guarded(key, async () => {
        await behind.end(plainPath(root, key));
        await withFolder(end.key, () => settle(root, key, end));
      }),
    room: async () => {
      const { bavail, bsize } = await statfs(root.path);
      return bavail * bsize;
    },
  };
}

type Behind = { timer: NodeJS.Timeout | null; running: Promise<void>; more: boolean; failure: Error | null };

/**
 * Sends what was written to the disk while more comes, so that the end of an upload has little left to wait for. The system tells of a
 * failed write once: it is kept here, for all who ask later.
 */
function writeBehind() {
  const files = new Map<string, Behind>();
  const check = (target: string) => {
    const failure = files.get(target)?.failure;
    if (failure) throw failure;
  };
  const plan = (target: string, state: Behind) => {
    state.timer = setTimeout(() => {
      state.timer = null;
      state.more = false;
      state.running = sync(target).then(
        () => {
          if (state.more) plan(target, state);
          else if (files.get(target) === state) files.delete(target);
        },
        (error: unknown) => {
          // What is not even open has lost nothing: whoever ends it tries for himself.
          if (isNodeError(error) && error.syscall === 'fdatasync') state.failure = error;
          else files.delete(target);
        },
      );
    }, BEHIND_MS).unref();
  };
  return {
    check,
    wrote: (target: string) => {
      const known = files.get(target);
      if (known) {
        known.more = true;
        return;
      }
      const state: Behind = { timer: null, running: Promise.resolve(), more: false, failure: null };
      files.set(target, state);
      plan(target, state);
    },
    /** Whoever waits for the disk himself needs no more of it. */
    end: async (target: string) => {
      const state = files.get(target);
      if (!state) return;
      if (state.timer) {
        clearTimeout(state.timer);
        state.timer = null;
      }
      await state.running;
      check(target);
      if (state.timer) clearTimeout(state.timer);
      files.delete(target);
    },
  };
}

/** Opened by whoever is first; the others must not empty it. */
async function created(target: string, error: unknown): Promise<FileHandle> {
  if (!isNodeError(error) || error.code !== 'ENOENT') throw error;
  try {
    return await open(target, 'wx+');
  } catch (taken) {
    if (!isNodeError(taken) || taken.code !== 'EEXIST') throw taken;
    return await open(target, 'r+');
  }
}

async function writeAt(file: FileHandle, { body, ...place }: PlacedWrite): Promise<PlacedBytes> {
  const source = body[Symbol.asyncIterator]();
  try {
    return await writeFrom(source, file, place);
  } catch (error) {
    // The disk failed, or whoever was told of it: nothing more is read.
    await source.return?.();
    throw error;
  }
}

async function writeFrom(
  source: AsyncIterator<Uint8Array>,
  file: FileHandle,
  { offset, limit, progress }: Omit<PlacedWrite, 'body'>,
): Promise<PlacedBytes> {
  let [bytes, gathered]: [number, number] = [0, 0];
  let batch: Uint8Array[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  let error: Error | null = null;
  let rest: AsyncIterator<Uint8Array> | null = null;
  const teller = tellProgress(progress);
  /** One write is under way while the next is gathered. */
  const flush = async () => {
    if (gathered === 0) return;
    const [buffers, at] = [batch, offset + bytes - gathered];
    [batch, gathered] = [[], 0];
    await writing;
    teller.written(at - offset);
    writing = writeAll(file, buffers, at);
    // It is awaited before the next one, or at the end.
    writing.catch(() => undefined);
  };
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await source.next();
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
      break;
    }
    if (next.done) break;
    const fits = next.value.subarray(0, limit - bytes);
    if (fits.length > 0) {
      batch.push(fits);
      bytes += fits.length;
      gathered += fits.length;
    }
    if (fits.length < next.value.length) {
      rest = following(next.value.subarray(fits.length), source);
      break;
    }
    if (gathered >= STREAM_BUFFER) await flush();
  }
  await flush();
  await writing;
  await teller.end();
  return { bytes, error, rest };
}

function tellProgress(progress: WriteProgress | undefined) {
  let told = 0;
  let telling: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  const check = () => {
    if (failure) throw failure.error;
  };
  return {
    /** @param bytes written so far */
    written: (bytes: number) => {
      check();
      if (!progress || telling || bytes - told < progress.every) return;
      told = bytes;
      telling = progress
        .tell(bytes)
        .catch((error: unknown) => {
          failure = { error };
        })
        .finally(() => {
          telling = null;
        });
    },
    end: async () => {
      await telling;
      check();
    },
  };
}

async function writeAll(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  await writeEach(file, buffers, position);
  for (const piece of buffers) free(piece);
}

/**
 * Frees the memory of a piece now. Left to the collector it costs more than the writing: each 64 MiB of pieces make it go through all there
 * is; measured: half the throughput. What is part of something larger stays.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

async function writeEach(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  const total = buffers.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten: first } = await file.writev([...buffers], position);
  if (first === total) return;
  // A nearly full disk takes less than it was given; the next write says why.
  const joined = Buffer.concat(buffers);
  for (let done = first; done < total; ) {
    const { bytesWritten } = await file.write(joined, done, total - done, position + done);
    done += bytesWritten;
  }
}

async function* following(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
}

async function sync(target: string): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(target, 'r+');
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return;
    throw error;
  }
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function settle(root: DiskRoot, key: string, end: SizedObject): Promise<void> {
  const [from, to] = [plainPath(root, key), plainPath(root, end.key)];
  await checkFolder(root, key, path.dirname(from));
  await checkFolder(root, end.key, path.dirname(to));
  let file: FileHandle;
  try {
    file = await open(from, 'r+');
  } catch (error) {
    // Ended by somebody who died before he could say so.
    if (isNodeError(error) && error.code === 'ENOENT' && (await sizeOf(to)) === end.size) return;
    throw error;
  }
  try {
    // Cutting nothing off would still be a change that the disk is waited for.
    if ((await file.stat()).size !== end.size) await file.truncate(end.size);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(from, to);
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await lstat(file)).size;
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** The bytes of several objects one after another, as one stream. */
export function readJoined(root: DiskRoot, parts: readonly SizedObject[]): Readable {
  async function* bytes(): AsyncGenerator<Buffer> {
    for (const { key } of parts) {
      const real = await existingPath(root, key);
      yield* createReadStream(real, { highWaterMark: STREAM_BUFFER });
    }
  }
  return Readable.from(bytes(), { objectMode: false, highWaterMark: STREAM_BUFFER });
}
