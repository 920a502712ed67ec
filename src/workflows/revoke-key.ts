// Ends an API key, and notes when one was used. Called by `rendition keys revoke`, DELETE /admin/keys/:id and the API's authentication.
import { revokeApiKey, touchApiKey } from '#database/api-keys.ts';
import { PlatformError } from '#domain/error.ts';
import { isUuid } from '#domain/uuid.ts';
import type { Platform } from '#workflows/platform.ts';

/** @param projectId left out, a key of any project @throws PlatformError `not_found` */
export async function revokeKey(
  { database }: Pick<Platform, 'database'>,
  { id, projectId }: { readonly id: string; readonly projectId?: string },
): Promise<void> {
  if (!isUuid(id) || !(await revokeApiKey(database.db, id.toLowerCase(), projectId))) {
    throw new PlatformError(
      'not_found',
      `There is no key ${id} that could be revoked; "rendition keys list" shows them`,
    );
  }
}

export const noteKeyUse = ({ database }: Pick<Platform, 'database'>, { id }: { readonly id: string }): Promise<void> =>
  touchApiKey(database.db, id);
