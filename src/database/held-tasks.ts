// Tasks that a worker holds: the claim, the checkpoint, progress, letting go. Every write names its attempt, and none is made by one that has lost its task.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { Claim, JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { toTask } from '#database/tasks.ts';
import type { Failure } from '#domain/error.ts';
import type { Task, TaskResult, TrackPart } from '#domain/task.ts';

/** A task by its row and by the attempt that holds it: the fence of every write. */
export type HeldTask = JobRef & { readonly taskId: number; readonly attempt: number };

export type ClaimedTask = {
  readonly task: Task;
  /** How often it was tried, this time included. */
  readonly tries: number;
  /** What earlier attempts made visible. */
  readonly published: readonly TrackPart[];
};

/**
 * Takes a task under a new attempt. Null where it waits for nobody: done, canceled, its job not running, or held
 * through another entry. Only a later delivery of the same entry takes over what a worker still seems to hold.
 */
export async function claimTask(
  db: Kysely<Schema>,
  { projectId, jobId, taskId }: JobRef & { readonly taskId: number },
  claim: Claim,
): Promise<ClaimedTask | null> {
  const row = await db
    .updateTable('task')
    .set((eb) => ({
      status: 'processing',
      attempt: eb('attempt', '+', 1),
      tries: eb('tries', '+', 1),
      worker_id: claim.workerId,
      entry: claim.entry,
      delivery: claim.delivery,
      claimed_at: sql<Date>`now()`,
      beat_at: sql<Date>`now()`,
      progress: 0,
      speed: null,
      error: null,
    }))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where(({ or, and, eb }) =>
      or([
        eb('status', '=', 'pending'),
        and([eb('status', '=', 'processing'), eb('entry', '=', claim.entry), eb('delivery', '<', claim.delivery)]),
      ]),
    )
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('job')
          .select('job.id')
          .whereRef('job.id', '=', 'task.job_id')
          .where('job.status', 'in', ['queued', 'processing']),
      ),
    )
    .returningAll()
    .executeTakeFirst();
  return row ? { task: toTask(row), tries: row.tries, published: row.published ?? [] } : null;
}

/** The fence: one row, or none where the attempt has lost its task. */
const held = (db: Kysely<Schema>, { projectId, jobId, taskId, attempt }: HeldTask) =>
  db
    .updateTable('task')
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'processing');

/** Says that the attempt is alive. False where it has lost its task. */
export async function beatTask(db: Kysely<Schema>, task: HeldTask): Promise<boolean> {
  const result = await held(db, task).set({ beat_at: new Date() }).executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Stores the checkpoint. False where the attempt has lost its task: then nothing was written. */
export async function completeTask(db: Kysely<Schema>, task: HeldTask, result: TaskResult): Promise<boolean> {
  const changed = await held(db, task)
    .set({
      status: 'done',
      result: json(result),
      published: null,
      progress: 1,
      speed: null,
      error: null,
      done_at: new Date(),
    })
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

export async function failTask(db: Kysely<Schema>, task: HeldTask, error: Failure): Promise<boolean> {
  const changed = await held(db, task)
    .set({ status: 'failed', error: json(error), speed: null })
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** Lets go of a task for another try. Without `burnt`, the try does not count. */
export async function releaseTask(
  db: Kysely<Schema>,
  task: HeldTask,
  { burnt, error }: { readonly burnt: boolean; readonly error: Failure | null },
): Promise<boolean> {
  const changed = await held(db, task)
    .set((eb) => ({
      status: 'pending',
      tries: burnt ? eb.ref('tries') : eb('tries', '-', 1),
      worker_id: null,
      progress: 0,
      speed: null,
      error: error && json(error),
    }))
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** 0–1, with media seconds per second. */
export async function saveTaskProgress(
  db: Kysely<Schema>,
  task: HeldTask,
  { progress, speed }: { readonly progress: number; readonly speed: number | null },
): Promise<boolean> {
  const changed = await held(db, task).set({ progress, speed, beat_at: new Date() }).executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** Whether exactly this attempt has stored the task's result: the answer to a commit whose own answer was lost. */
export async function findDoneBy(
  db: Kysely<Schema>,
  { projectId, jobId, taskId, attempt }: HeldTask,
): Promise<boolean> {
  const row = await db
    .selectFrom('task')
    .select('id')
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'done')
    .executeTakeFirst();
  return row !== undefined;
}
