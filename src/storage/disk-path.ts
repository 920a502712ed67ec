// Where a key lies in a folder, and that it really lies in it: symbolic links are followed and must stay inside. Used by disk.ts and open.ts.
import { lstatSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { checkKey } from '#storage/key.ts';
import { storageError } from '#storage/storage-error.ts';
import type { StoreRole } from '#storage/store.ts';

/** Names of files that are still being written; no key may have one as its last part. */
export const PART_PREFIX = '.part-';

export type DiskRoot = {
  /** Real, absolute. */
  readonly path: string;
  readonly role: StoreRole;
};

/** The path of a key, not yet held against symbolic links. @throws PlatformError `invalid_request` */
export function plainPath(root: DiskRoot, key: string): string {
  checkKey(key);
  if (key.split('/').some((name) => name.startsWith(PART_PREFIX))) {
    throw new PlatformError('invalid_request', `The storage key "${key}" has a part beginning with "${PART_PREFIX}".`);
  }
  return path.join(root.path, ...key.split('/'));
}

/** The real path of an existing file. @throws PlatformError `*_not_found`, `*_denied` where it leads outside */
export async function existingPath(root: DiskRoot, key: string): Promise<string> {
  const plain = plainPath(root, key);
  let real: string;
  try {
    real = await realpath(plain);
  } catch (error) {
    throw diskError(key, root.role, error);
  }
  return inside(root, key, real);
}

/** The same, at once; null where there is no such file. */
export function existingPathNow(root: DiskRoot, key: string): string | null {
  const plain = plainPath(root, key);
  try {
    const real = realpathSync.native(plain);
    return lstatSync(real).isFile() ? inside(root, key, real) : null;
  } catch (error) {
    if (isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error instanceof PlatformError ? error : diskError(key, root.role, error);
  }
}

/** Makes sure that what exists of a folder on the way to a key lies inside, before anything is made in it. */
export async function checkFolder(root: DiskRoot, key: string, folder: string): Promise<void> {
  for (let at = folder; at !== root.path; at = path.dirname(at)) {
    try {
      inside(root, key, await realpath(at));
      return;
    } catch (error) {
      if (!isNodeError(error) || error.code !== 'ENOENT') throw diskError(key, root.role, error);
      // A link that leads nowhere would be followed by the first one who writes through it.
      if (isLink(at)) throw outside(root, key);
    }
  }
}

function isLink(at: string): boolean {
  return lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function inside(root: DiskRoot, key: string, real: string): string {
  if (isInside(root.path, real)) return real;
  throw outside(root, key);
}

/** Whether a path is the folder itself or lies in it. Both real. */
export function isInside(folder: string, real: string): boolean {
  return real === folder || real.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

function outside(root: DiskRoot, key: string): PlatformError {
  return storageError(`"${key}" is a link that leads out of its folder.`, { role: root.role, fault: 'denied' });
}

/** An error of the file system as a PlatformError; `what` is the key, never a path of the server. */
export function diskError(what: string, role: StoreRole, thrown: unknown): Error {
  if (thrown instanceof PlatformError || !isNodeError(thrown)) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
  const cause = thrown;
  switch (thrown.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return storageError(`There is no file "${what}".`, { role, fault: 'not_found', cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ELOOP':
      return storageError(`The file system does not allow access to "${what}" (${thrown.code}).`, {
        role,
        fault: 'denied',
        cause,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new PlatformError('disk_full', `No space left on the disk while writing "${what}".`, { cause });
    case 'EISDIR':
    case 'EEXIST':
    case 'ENOTEMPTY':
      return new PlatformError(
        'invalid_request',
        `"${what}" is a folder, or a file stands where its folder should be.`,
        {
          cause,
        },
      );
    case 'ENAMETOOLONG':
      return new PlatformError('invalid_request', `"${what}" is too long a name for this disk.`, { cause });
    case undefined:
      return thrown;
    default:
      // Streams of ours end with their own errors; only what the system said is the storage's fault.
      return thrown.syscall === undefined
        ? thrown
        : new PlatformError('storage_failed', `The disk failed at "${what}": ${thrown.message}`, { cause });
  }
}
