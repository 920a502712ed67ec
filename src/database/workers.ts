// The live worker processes of the cluster, by their heartbeats.
import type { Kysely } from 'kysely';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';

export type WorkerRow = {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly concurrency: number;
  readonly running: readonly number[];
  readonly encoders: readonly string[];
  readonly lastHeartbeatAt: Date;
};

/** Inserts the worker or renews its row: a heartbeat. */
export async function saveWorker(db: Kysely<Schema>, worker: Omit<WorkerRow, 'lastHeartbeatAt'>): Promise<void> {
  const values = {
    ...worker,
    running: json(worker.running),
    encoders: json(worker.encoders),
    last_heartbeat_at: new Date(),
  };
  await db
    .insertInto('worker')
    .values(values)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
}

export async function deleteWorker(db: Kysely<Schema>, id: string): Promise<void> {
  await db.deleteFrom('worker').where('id', '=', id).execute();
}

/** Workers heard of since a time, by name. */
export async function listWorkers(db: Kysely<Schema>, since: Date): Promise<WorkerRow[]> {
  const rows = await db
    .selectFrom('worker')
    .selectAll()
    .where('last_heartbeat_at', '>=', since)
    .orderBy('id')
    .execute();
  return rows.map(({ last_heartbeat_at, started_at: _, ...row }) => ({ ...row, lastHeartbeatAt: last_heartbeat_at }));
}

/** Forgets workers that were not heard of since a time: for the janitor. */
export async function deleteWorkersBefore(db: Kysely<Schema>, before: Date): Promise<number> {
  const result = await db.deleteFrom('worker').where('last_heartbeat_at', '<', before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
