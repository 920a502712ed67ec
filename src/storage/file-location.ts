// Files of the server that callers may name: those under FILE_ROOTS, whatever links say. Used by open.ts.
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { openDisk } from '#storage/disk.ts';
import { diskError, isInside } from '#storage/disk-path.ts';
import type { EgressRole } from '#storage/egress.ts';
import { storageError } from '#storage/storage-error.ts';
import type { Store } from '#storage/store.ts';

/**
 * The root that a path lies in as a store, and the path's key in it. A relative path is meant from the first root.
 * @throws PlatformError `*_denied` outside the roots, `invalid_setting` where a root does not exist
 */
export async function openFileLocation(
  asked: string,
  fileRoots: readonly string[],
  role: EgressRole,
): Promise<{ readonly store: Store; readonly key: string }> {
  const { root, key } = await findRoot(asked, fileRoots, role);
  return { store: await openDisk(root, role), key };
}

/** Where a path lies, whether or not there is a file. @throws as openFileLocation */
export async function findRoot(
  asked: string,
  fileRoots: readonly string[],
  role: EgressRole,
): Promise<{ readonly root: string; readonly key: string }> {
  const [first] = fileRoots;
  if (first === undefined) {
    throw storageError('Files of the server are closed to jobs: FILE_ROOTS names no folder.', {
      role,
      fault: 'denied',
    });
  }
  if (asked.includes('\0')) throw new PlatformError('invalid_request', 'A path cannot hold a NUL character.');
  const roots = await Promise.all(fileRoots.map(realRoot));
  const real = await realEnd(path.resolve(roots[0] ?? first, asked), role);
  // The innermost root that holds it: roots may lie in each other.
  const root = roots.filter((folder) => isInside(folder, real)).sort((a, b) => b.length - a.length)[0];
  if (root === undefined) {
    throw storageError(`${asked} does not lie in a folder of FILE_ROOTS.`, { role, fault: 'denied' });
  }
  return { root, key: path.relative(root, real).split(path.sep).join('/') };
}

async function realRoot(root: string): Promise<string> {
  try {
    return await realpath(root);
  } catch (error) {
    throw new PlatformError('invalid_setting', `FILE_ROOTS: the folder ${root} cannot be opened.`, { cause: error });
  }
}

/** The real path of what exists of a path, with the rest (not there yet) added as it is. */
async function realEnd(asked: string, role: EgressRole): Promise<string> {
  const missing: string[] = [];
  for (let at = asked; ; at = path.dirname(at)) {
    try {
      return path.join(await realpath(at), ...missing);
    } catch (error) {
      if (!isNodeError(error) || (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') || at === path.dirname(at)) {
        throw diskError(asked, role, error);
      }
      missing.unshift(path.basename(at));
    }
  }
}
