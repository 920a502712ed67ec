// What a task's row names of what its attempts stored. Used by publish-segments.ts and remove-attempts.ts.
import type { Kysely } from 'kysely';
import { json } from '#database/columns.ts';
import type { HeldTask } from '#database/held-tasks.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { TrackPart } from '#domain/task.ts';

/**
 * Makes segments of an attempt visible, those of earlier ones included. Also when it has just been interrupted: as long as no other
 * has begun, what it made is what the next one builds on.
 */
export async function publishParts(db: Kysely<Schema>, task: HeldTask, parts: readonly TrackPart[]): Promise<boolean> {
  const { projectId, jobId, taskId, attempt } = task;
  const changed = await db
    .updateTable('task')
    .set({ published: json(parts) })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', 'in', ['processing', 'pending'])
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** Storage keys that a task's row names: of its result, or of what is visible of it so far. */
export async function listTaskKeys(
  db: Kysely<Schema>,
  { projectId, jobId, taskId }: JobRef & { readonly taskId: number },
): Promise<string[]> {
  const row = await db
    .selectFrom('task')
    .select(['result', 'published'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .executeTakeFirst();
  const parts = row?.result?.parts ?? row?.published ?? [];
  return [
    ...parts.flatMap(({ init, segments }) => [...(init ? [init.key] : []), ...segments.map(({ key }) => key)]),
    ...(row?.result?.pictures ?? []).map(({ key }) => key),
    ...(row?.result?.files ?? []).map(({ key }) => key),
  ];
}
