// All bytes of something that is served. Called by the route that sends it, and by what changes segments on their way out.
import { constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { isNodeError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

/** The path is real: what is a link now was put there since; a FIFO would hold up the opening for ever. */
const PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function bytesOf({ storage }: Pick<Platform, 'storage'>, file: ServedFile): Promise<Buffer> {
  switch (file.kind) {
    case 'text':
      return Buffer.from(file.text);
    case 'object':
      return readObject(storage, file.key);
    case 'local':
      return readFile(file.path);
    case 'made':
      return file.make();
  }
}

/** On this machine's disk in one read: a stream would go to it twice as often, and copy all it gathers. */
async function readObject(storage: Platform['storage'], key: string): Promise<Buffer> {
  const path = storage.localPath(key);
  if (path === null) return buffer(await storage.read(key));
  try {
    return await readFile(path, { flag: PLAIN_FILE });
  } catch (error) {
    // Gone since: the store has the words for it.
    if (isNodeError(error)) return buffer(await storage.read(key));
    throw error;
  }
}
