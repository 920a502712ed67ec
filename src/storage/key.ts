// What a key may be, and how keys are put together. Every store checks with checkKey before it touches anything.
import { PlatformError } from '#domain/error.ts';

/** Bytes of UTF-8: S3's own limit. */
const LONGEST_KEY = 1024;
const LONGEST_PART = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;

/**
 * The key itself, when it is a relative path with forward slashes and nothing that could lead elsewhere.
 * @throws PlatformError `invalid_request`
 */
export function checkKey(key: string): string {
  const problem = keyProblem(key);
  if (problem !== null)
    throw new PlatformError('invalid_request', `The storage key ${JSON.stringify(key.slice(0, 200))} ${problem}.`);
  return key;
}

/** A prefix: a key, a key with a slash at its end, or nothing at all. @throws PlatformError `invalid_request` */
export function checkPrefix(prefix: string): string {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
  return prefix;
}

function keyProblem(key: string): string | null {
  if (key === '') return 'is empty';
  if (key.startsWith('/')) return 'begins with a slash';
  if (!key.isWellFormed()) return 'is not valid Unicode';
  if (FORBIDDEN.test(key)) return 'holds a backslash or a control character';
  if (Buffer.byteLength(key) > LONGEST_KEY) return `is longer than ${LONGEST_KEY} bytes`;
  for (const part of key.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'holds an empty, "." or ".." part';
    if (Buffer.byteLength(part) > LONGEST_PART) return `has a part longer than ${LONGEST_PART} bytes`;
  }
  return null;
}

/** What machines that run channels say of each other; see live/witness.ts. */
export const SILENT_PREFIX = 'live/silent/';

/** Whether a key of managed storage is one that the platform gives: of a job, of an upload, of a channel, of a machine. */
export const isPlatformsOwn = (key: string): boolean =>
  /^((jobs|uploads)\/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|live\/(\d+|silent))(\/|$)/i.test(key);

/** `folder/name`; just the name where the folder is the root of the store. */
export function joinKey(folder: string, name: string): string {
  if (folder === '') return name;
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** The last part of a key, for display. */
export function nameOfKey(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** A raw path as others wrote it, split into what comes before the last name and that name. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const trimmed = path.replace(/\/+$/, '');
  const cut = trimmed.lastIndexOf('/') + 1;
  return { folder: trimmed.slice(0, cut), name: trimmed.slice(cut) };
}
