// All bytes of something that is served. Called by what changes segments on their way out.
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

export async function bytesOf({ storage }: Pick<Platform, 'storage'>, file: ServedFile): Promise<Buffer> {
  switch (file.kind) {
    case 'text':
      return Buffer.from(file.text);
    case 'object':
      return buffer(await storage.read(file.key));
    case 'local':
      return readFile(file.path);
    case 'made':
      return file.make();
  }
}
