// Going through the folders of an FTP server: listing, and removing by prefix. Used by ftp.ts.
import type { Client, FileInfo } from 'basic-ftp';
import { PlatformError } from '#domain/error.ts';
import { codeOf, type FtpPlace } from '#storage/ftp-connection.ts';
import type { ObjectInfo } from '#storage/store.ts';

type Found = { readonly key: string; readonly info: FileInfo };

/** Every file whose key begins with the prefix. */
export async function* listFtp(place: FtpPlace, prefix: string): AsyncGenerator<ObjectInfo> {
  const folders = [prefix.slice(0, prefix.lastIndexOf('/') + 1)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const at = folder;
    let found: Found[];
    try {
      found = await place.pool.use((client) => entries(place, client, at));
    } catch (error) {
      throw place.toError(at, error);
    }
    for (const { key, info } of found) {
      if (info.isDirectory && (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`))) folders.push(`${key}/`);
      else if (info.isFile && key.startsWith(prefix) && !info.name.startsWith('.part-')) yield describe(key, info);
    }
  }
}

function describe(key: string, info: FileInfo): ObjectInfo {
  return { key, size: info.size, contentType: null, etag: null, modifiedAt: info.modifiedAt ?? null };
}

/** What lies in one folder; nothing where there is no such folder. */
async function entries({ options }: FtpPlace, client: Client, folderKey: string): Promise<Found[]> {
  const folder = options.prefix + folderKey;
  try {
    const found = await client.list(folder === '' ? undefined : folder);
    return found
      .filter(({ name }) => name !== '.' && name !== '..' && !name.includes('/'))
      .map((info) => ({ key: folderKey + info.name, info }));
  } catch (error) {
    if (codeOf(error) === 550 || codeOf(error) === 450) return [];
    throw error;
  }
}

/** Removes every file whose key begins with the prefix, and the folders below it. */
export async function removeAllFtp(place: FtpPlace, client: Client, prefix: string): Promise<void> {
  if (prefix === '') throw new PlatformError('invalid_request', 'Removing everything of a store needs a prefix.');
  const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  for (const { key, info } of await entries(place, client, folderKey)) {
    if (!key.startsWith(prefix)) continue;
    if (info.isDirectory) await removeFolder(place, client, `${key}/`);
    else await client.remove(place.options.prefix + key, true);
  }
}

async function removeFolder(place: FtpPlace, client: Client, folderKey: string): Promise<void> {
  for (const { key, info } of await entries(place, client, folderKey)) {
    if (info.isDirectory) await removeFolder(place, client, `${key}/`);
    else await client.remove(place.options.prefix + key, true);
  }
  const folder = place.options.prefix + folderKey.slice(0, -1);
  place.folders.delete(folder);
  await client.sendIgnoringError(`RMD ${await client.protectWhitespace(folder)}`);
}
