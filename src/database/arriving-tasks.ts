// The tasks of a job whose source still arrives: which can be done next, and what stays when it is planned anew. Used by open-tasks.ts and workflows/arrival.
import { type Kysely, sql } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import { json, type Schema } from '#database/schema.ts';
import type { ReadyTask } from '#database/tasks.ts';
import type { PlannedTask } from '#domain/plan.ts';
import type { TaskResult } from '#domain/task.ts';

/** Pending tasks that are done by now: their results are known. */
export async function completeTasks(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  results: ReadonlyMap<PlannedTask, TaskResult>,
): Promise<void> {
  for (const [{ kind, subject, index }, result] of results) {
    await db
      .updateTable('task')
      .set({ status: 'done', result: json(result), progress: 1, done_at: new Date() })
      .where('project_id', '=', projectId)
      .where('job_id', '=', jobId)
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .where('index', '=', index)
      .where('status', '=', 'pending')
      .execute();
  }
}

/** All of a job's: attempts that run find themselves over. */
export async function deleteTasks(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db.deleteFrom('task').where('project_id', '=', projectId).where('job_id', '=', jobId).execute();
}

/** What was tried in vain while the source arrived has all its tries again. */
export async function forgetTries(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db
    .updateTable('task')
    .set({ tries: 0, error: null })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('status', '=', 'pending')
    .execute();
}

/** The first chunk that nobody has tried; null where there is none, or one is being encoded. */
export async function findNextChunk(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<ReadyTask | null> {
  const row = await db
    .selectFrom('task')
    .select(['id', 'kind', 'subject', 'index'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'chunk')
    .where('status', '=', 'pending')
    .where('tries', '=', 0)
    .where(
      sql<boolean>`not exists (select from task other where other.job_id = task.job_id and other.status = 'processing')`,
    )
    .orderBy('id')
    .executeTakeFirst();
  return row ? { taskId: row.id, kind: row.kind, subject: row.subject, index: row.index } : null;
}
