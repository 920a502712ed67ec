// A named lock of the whole cluster, held while something is done. Used by tasks/upload.ts.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';

/** Others that want the same name wait; it ends with the work, or with the connection. */
export async function holdLock<T>(
  db: Kysely<Schema>,
  name: string,
  work: (db: Kysely<Schema>) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
    return work(transaction);
  });
}
