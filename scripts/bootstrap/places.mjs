// The folders of this checkout. Used by every step of the bootstrap.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** What the bootstrap keeps: a Node of its own, locks, caches. Git-ignored. */
export const NODE_FOLDER = join(ROOT, '.node');
