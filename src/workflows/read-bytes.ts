// All bytes of something that is served. Called by the route that sends it, and by what changes segments on their way out.
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

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
  return path === null ? buffer(await storage.read(key)) : readFile(path);
}
