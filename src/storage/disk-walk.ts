// Going through the files below a prefix: listing, removing, and clearing away what dead writers left. Used by disk.ts.
import type { Dirent } from 'node:fs';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { isNodeError } from '#domain/error.ts';
import { checkFolder, type DiskRoot, diskError, PART_PREFIX } from '#storage/disk-path.ts';
import type { ObjectInfo } from '#storage/store.ts';

type Place = { readonly folder: string; readonly folderKey: string; readonly start: string };

/** Splits `a/b/na` into the folder `a/b/` and the beginning of names in it, `na`. */
function place(root: DiskRoot, prefix: string): Place {
  const cut = prefix.lastIndexOf('/') + 1;
  const folderKey = prefix.slice(0, cut);
  return { folder: path.join(root.path, ...folderKey.split('/')), folderKey, start: prefix.slice(cut) };
}

/** Every regular file whose key begins with the prefix, folder by folder in the order of names. */
export async function* walk(root: DiskRoot, prefix: string): AsyncGenerator<ObjectInfo> {
  const { folder, folderKey, start } = place(root, prefix);
  await checkFolder(root, prefix, folder);
  const open = [{ folder, folderKey, start }];
  for (let at = open.pop(); at; at = open.pop()) {
    const below: Place[] = [];
    for (const entry of await entries(root, at)) {
      const key = at.folderKey + entry.name;
      const full = path.join(at.folder, entry.name);
      if (entry.isDirectory()) below.push({ folder: full, folderKey: `${key}/`, start: '' });
      else if (entry.isFile() && !entry.name.startsWith(PART_PREFIX)) {
        const stats = await lstat(full).catch(goneIsNull);
        if (stats) yield { key, size: stats.size, contentType: null, etag: null, modifiedAt: stats.mtime };
      }
    }
    open.push(...below.reverse());
  }
}

async function entries(root: DiskRoot, at: Place): Promise<Dirent[]> {
  try {
    const found = await readdir(at.folder, { withFileTypes: true });
    return found.filter(({ name }) => name.startsWith(at.start)).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isGone(error)) return [];
    throw diskError(at.folderKey, root.role, error);
  }
}

/** Removes everything whose key begins with the prefix, and the folders emptied by that. */
export async function removeTree(root: DiskRoot, prefix: string): Promise<void> {
  const at = place(root, prefix);
  await checkFolder(root, prefix, at.folder);
  for (const entry of await entries(root, at)) {
    // rm never follows a link; a file written meanwhile only means that its folder stays.
    await rm(path.join(at.folder, entry.name), { recursive: true, force: true, maxRetries: 3 });
  }
  if (root.role !== 'managed') return;
  for (let folder = at.folder; folder !== root.path && folder.startsWith(root.path); folder = path.dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (isGone(error) || (isNodeError(error) && ['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(error.code ?? ''))) return;
      throw error;
    }
  }
}

/** Removes temporary files last written before `olderThan`. Resolves with how many. */
export async function removeOldParts(root: DiskRoot, olderThan: Date): Promise<number> {
  let removed = 0;
  const open = [root.path];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await entries(root, { folder, folderKey: '', start: '' })) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) open.push(full);
      else if (entry.isFile() && entry.name.startsWith(PART_PREFIX)) {
        const stats = await lstat(full).catch(goneIsNull);
        if (!stats || stats.mtime >= olderThan) continue;
        await rm(full, { force: true });
        removed += 1;
      }
    }
  }
  return removed;
}

function goneIsNull(error: unknown): null {
  if (isGone(error)) return null;
  throw error;
}

function isGone(error: unknown): boolean {
  return isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
