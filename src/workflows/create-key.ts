// Makes an API key. Called by `rendition keys create` and POST /admin/keys.
import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { insertApiKey } from '#database/api-keys.ts';
import type { Scope } from '#domain/access.ts';
import type { Platform } from '#workflows/platform.ts';

/** What is stored of a key, and what a sent one is looked up by: 256 random bits need no salt. */
export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

export type KeyWish = { readonly name: string; readonly scopes: readonly Scope[]; readonly projectId: string };

/** The key itself is known only to the caller: the database keeps its hash. */
export async function createKey(platform: Pick<Platform, 'database'>, wish: KeyWish): Promise<string> {
  return (await makeKey(platform, wish)).key;
}

/** The same, with the id it is listed and revoked by. */
export async function makeKey(
  { database }: Pick<Platform, 'database'>,
  { name, scopes, projectId }: KeyWish,
): Promise<{ readonly id: string; readonly key: string }> {
  const id = uuidv7();
  const key = `rk_${randomBytes(32).toString('base64url')}`;
  await insertApiKey(database.db, { id, projectId, name, scopes, hash: hashKey(key) });
  return { id, key };
}
