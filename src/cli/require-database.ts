// What runs beside a server needs its database: said before anything is opened. Used by work and live.
import { join } from 'node:path';
import type { Config } from '#config/settings.ts';
import { findPostmaster } from '#database/postmaster.ts';
import { PlatformError } from '#domain/error.ts';

/** @param who `A worker shares` @throws PlatformError `database_unreachable` */
export async function requireDatabase({ DATABASE_URL, DATA_DIR }: Config, who: string): Promise<void> {
  if (DATABASE_URL !== undefined || (await findPostmaster(join(DATA_DIR, 'database', 'cluster')))) return;
  throw new PlatformError(
    'database_unreachable',
    `${who} a server's database: set DATABASE_URL, or start "rendition serve" with DATA_DIR=${DATA_DIR} first`,
  );
}
