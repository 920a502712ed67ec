// The tasks of a job whose source still arrives: which can be done next, and what stays when it is planned anew. Used by run-job.ts, open-tasks.ts, encode-arriving.ts and complete-arrival.ts.
import type { Kysely } from 'kysely';
import { json } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
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

/** All of a job's but those named: attempts that run find themselves over. */
export async function deleteTasks(
  db: Kysely<Schema>,
  { projectId, jobId, except = [] }: JobRef & { readonly except?: readonly number[] },
): Promise<void> {
  await db
    .deleteFrom('task')
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .$if(except.length > 0, (query) => query.where('id', 'not in', [...except]))
    .execute();
}

/** Chunks of a job that were begun, or done, or tried in vain. */
export async function listBegunChunks(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<ReadyTask[]> {
  const rows = await db
    .selectFrom('task')
    .select(['id', 'kind', 'subject', 'index'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'chunk')
    .where('attempt', '>', 0)
    .orderBy('id')
    .execute();
  return rows.map(({ id, ...task }) => ({ taskId: id, ...task }));
}

/** First light serves who waits for the first chunk: where that is done, so is the light. */
export async function skipFirstLight(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  result: TaskResult,
): Promise<void> {
  await db
    .updateTable('task')
    .set({ status: 'done', result: json(result), progress: 1, done_at: new Date() })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'first-light')
    .where('status', '=', 'pending')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('task as chunk')
          .select('chunk.id')
          .whereRef('chunk.job_id', '=', 'task.job_id')
          .whereRef('chunk.subject', '=', 'task.subject')
          .where('chunk.kind', '=', 'chunk')
          .where('chunk.index', '=', 0)
          .where('chunk.status', '=', 'done'),
      ),
    )
    .execute();
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

/** The first chunk that nobody has tried; null where there is none. */
export async function findNextChunk(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<ReadyTask | null> {
  const row = await db
    .selectFrom('task')
    .select(['id', 'kind', 'subject', 'index'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'chunk')
    .where('status', '=', 'pending')
    .where('tries', '=', 0)
    .orderBy('id')
    .executeTakeFirst();
  return row ? { taskId: row.id, kind: row.kind, subject: row.subject, index: row.index } : null;
}
