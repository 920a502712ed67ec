// Whether work is taken, and what each project may have of it: one state for the whole cluster.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { QueueState } from '#domain/queue-state.ts';

export type QueueControlRow = { readonly state: QueueState; readonly changedAt: Date };

export async function findQueueState(db: Kysely<Schema>): Promise<QueueControlRow> {
  const row = await db.selectFrom('queue_state').select(['state', 'changed_at']).executeTakeFirstOrThrow();
  return { state: row.state, changedAt: row.changed_at };
}

export async function saveQueueState(db: Kysely<Schema>, state: QueueState): Promise<void> {
  await db.updateTable('queue_state').set({ state, changed_at: new Date() }).where('state', '<>', state).execute();
}

/** Limits of projects that have one of their own, by project. */
export async function listProjectLimits(db: Kysely<Schema>): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('project')
    .select(['id', 'concurrency'])
    .where('concurrency', 'is not', null)
    .orderBy('id')
    .execute();
  return Object.fromEntries(rows.map(({ id, concurrency }) => [id, concurrency ?? 0]));
}

/** False where there is no such project. */
export async function saveProjectLimit(
  db: Kysely<Schema>,
  { projectId, concurrency }: { readonly projectId: string; readonly concurrency: number | null },
): Promise<boolean> {
  const result = await db.updateTable('project').set({ concurrency }).where('id', '=', projectId).executeTakeFirst();
  return result.numUpdatedRows > 0n;
}
