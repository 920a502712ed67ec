// All bytes of something that is served. Called by the route that sends it, and by what changes segments on their way out.
import { closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { isNodeError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

/** The path is real: what is a link now was put there since; a FIFO would hold up the opening for ever. */
const PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const readSome = promisify(read);

type Storage = Platform['storage'];
type StoredBytes = { readonly key: string; readonly size: number };

export async function bytesOf({ storage }: Pick<Platform, 'storage'>, file: ServedFile): Promise<Buffer> {
  switch (file.kind) {
    case 'text':
      return Buffer.from(file.text);
    case 'object':
      return readObject(storage, file);
    case 'local':
      return readFile(file.path);
    case 'made':
      return file.make();
  }
}

/** On this machine's disk in one read: a stream would go to it twice as often, and copy all it gathers. */
async function readObject(storage: Storage, object: StoredBytes): Promise<Buffer> {
  if (storage.kind !== 'disk') return buffer(await storage.read(object.key));
  const bytes = Buffer.allocUnsafeSlow(object.size);
  // Gone since, or another size: the store has the words for it, or the bytes.
  const isFilled = await fillFromDisk(storage, object, { into: bytes, start: 0 });
  return isFilled ? bytes : buffer(await storage.read(object.key));
}

/**
 * Fills `into` with an object's bytes from `start` on. False where it does not lie on this machine's disk, can't be read or has another size.
 * Only the reading itself is left to another thread: finding the path has brought what opening needs into memory, and each change of threads
 * costs as much as a third of the reading.
 */
export async function fillFromDisk(
  storage: Storage,
  { key, size }: StoredBytes,
  { into, start }: { readonly into: Buffer; readonly start: number },
): Promise<boolean> {
  const path = storage.localPath(key);
  if (path === null) return false;
  let file: number | undefined;
  try {
    file = openSync(path, PLAIN_FILE);
    if (fstatSync(file).size !== size) return false;
    for (let filled = 0; filled < into.length; ) {
      const { bytesRead } = await readSome(file, into, filled, into.length - filled, start + filled);
      if (bytesRead === 0) return false;
      filled += bytesRead;
    }
    return true;
  } catch (error) {
    if (isNodeError(error)) return false;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
