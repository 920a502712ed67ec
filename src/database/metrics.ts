// Figures over all projects, for /metrics: how quickly work goes now, and how long things wait.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';

export type RunningWork = {
  /** media seconds per second, all running tasks together */
  readonly speed: number;
  /** mean wall-clock seconds of the chunks done in the last hour; 0 where there is none */
  readonly chunkSeconds: number;
};

export async function findRunningWork(db: Kysely<Schema>): Promise<RunningWork> {
  const { rows } = await sql<{ speed: number | null; chunk_seconds: number | null }>`
    select sum(speed) filter (where status = 'processing')::float8 as speed,
      avg((result->>'seconds')::float8) filter (where status = 'done' and kind = 'chunk') as chunk_seconds
    from task where status = 'processing' or (status = 'done' and done_at > now() - interval '1 hour')`.execute(db);
  return { speed: rows[0]?.speed ?? 0, chunkSeconds: rows[0]?.chunk_seconds ?? 0 };
}

/** What the server says of itself. */
export async function findDatabaseFacts(
  db: Kysely<Schema>,
): Promise<{ readonly version: string; readonly bytes: number }> {
  const { rows } = await sql<{ version: string; bytes: number }>`
    select current_setting('server_version') as version, pg_database_size(current_database())::float8 as bytes`.execute(
    db,
  );
  return rows[0] ?? { version: 'unknown', bytes: 0 };
}
