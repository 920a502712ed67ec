// Makes an API key. Called by `rendition keys create`.
import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { insertApiKey } from '#database/api-keys.ts';
import type { Scope } from '#domain/access.ts';
import type { Platform } from '#workflows/platform.ts';

/** What is stored of a key, and what a sent one is looked up by: 256 random bits need no salt. */
export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** The key itself is known only to the caller: the database keeps its hash. */
export async function createKey(
  { database }: Pick<Platform, 'database'>,
  { name, scopes, projectId }: { readonly name: string; readonly scopes: readonly Scope[]; readonly projectId: string },
): Promise<string> {
  const key = `rk_${randomBytes(32).toString('base64url')}`;
  await insertApiKey(database.db, { id: uuidv7(), projectId, name, scopes, hash: hashKey(key) });
  return key;
}
