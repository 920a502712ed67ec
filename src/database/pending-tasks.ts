// Tasks that are done without being worked on. Called by commit-task.ts.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { TaskResult } from '#domain/task.ts';

/** Stores the result of a task that nobody works on because there is nothing to do. False where it is not pending any longer. */
export async function completePendingTask(
  db: Kysely<Schema>,
  { projectId, jobId, taskId }: JobRef & { readonly taskId: number },
  result: TaskResult,
): Promise<boolean> {
  const changed = await db
    .updateTable('task')
    .set((eb) => ({
      status: 'done',
      attempt: eb('attempt', '+', 1),
      result: json(result),
      progress: 1,
      error: null,
      claimed_at: sql<Date>`now()`,
      done_at: new Date(),
    }))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}
