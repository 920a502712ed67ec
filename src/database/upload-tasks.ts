// The rows of tasks of kind `upload`: segments on their way to a destination. Opened by open-uploads.ts, undone by remove-delivered.ts.
import type { Kysely } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { ReadyTask } from '#database/tasks.ts';

/** The upload of another task's segments, pending: a new row, or the one of an earlier result, whose attempt is over. */
export async function insertUpload(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  { output, index, weight }: { readonly output: number; readonly index: number; readonly weight: number },
): Promise<ReadyTask> {
  const row = await db
    .insertInto('task')
    .values({
      project_id: projectId,
      job_id: jobId,
      kind: 'upload',
      subject: output,
      index,
      weight,
      needed_by: [output],
      status: 'pending',
    })
    .onConflict((conflict) =>
      conflict.columns(['job_id', 'kind', 'subject', 'index']).doUpdateSet((eb) => ({
        status: 'pending',
        attempt: eb('task.attempt', '+', 1),
        tries: 0,
        result: null,
        progress: 0,
        worker_id: null,
      })),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  return { taskId: row.id, kind: 'upload', subject: output, index };
}

/** Cancels the uploads of an output, done ones too: what they sent is being removed. A retry does them again. */
export async function cancelUploads(
  db: Kysely<Schema>,
  { projectId, jobId, output }: JobRef & { readonly output: number },
): Promise<void> {
  await db
    .updateTable('task')
    .set((eb) => ({ status: 'canceled', attempt: eb('attempt', '+', 1), result: null, progress: 0 }))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'upload')
    .where('subject', '=', output)
    .execute();
}

/** Whether anything of the job may lie at a destination already. */
export async function findBegunUpload(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<boolean> {
  const row = await db
    .selectFrom('task')
    .select('id')
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', '=', 'upload')
    .where('attempt', '>', 0)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
