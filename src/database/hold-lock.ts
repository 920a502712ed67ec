// A named lock of the whole cluster, held while something is done that may take long: no transaction is. Used by tasks/upload.ts, remove-delivered.ts and retry-job.ts.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';

const keyOf = (name: string) => sql`hashtextextended(${name}, 0)`;

/** Others that want the same name wait; it ends with the work, or with the connection. The work is given that connection. */
export async function holdLock<T>(
  db: Kysely<Schema>,
  name: string,
  work: (db: Kysely<Schema>) => Promise<T>,
): Promise<T> {
  return db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${keyOf(name)})`.execute(connection);
    try {
      return await work(connection);
    } finally {
      await sql`select pg_advisory_unlock(${keyOf(name)})`.execute(connection);
    }
  });
}

/** The same until a transaction ends: waits for those who hold it. */
export async function takeLock(transaction: Kysely<Schema>, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${keyOf(name)})`.execute(transaction);
}
