// The rows of tasks: claims, checkpoints and what waits for them. Every write of a running task names its attempt.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Claim, JobRef } from '#database/jobs.ts';
import { json, type Schema, type TaskTable } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import type { TaskStatus } from '#domain/job.ts';
import type { PlannedTask, TaskKind } from '#domain/plan.ts';
import type { Task, TaskResult, TrackPart } from '#domain/task.ts';

export type NewTask = PlannedTask & {
  /** Indexes of the outputs that wait for it. */
  readonly neededBy: readonly number[];
  /** Of one that is done before it is stored: there was nothing to do but to look. */
  readonly result?: TaskResult;
};

/** A task by its row and by the attempt that holds it: the fence of every write. */
export type HeldTask = JobRef & { readonly taskId: number; readonly attempt: number };

export async function insertTasks(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  tasks: readonly NewTask[],
): Promise<void> {
  if (tasks.length === 0) return;
  await db
    .insertInto('task')
    .values(
      tasks.map(({ kind, subject, index, weight, neededBy, result }) => ({
        project_id: projectId,
        job_id: jobId,
        kind,
        subject,
        index,
        weight,
        needed_by: [...neededBy],
        status: result ? ('done' as const) : ('pending' as const),
        result: result ? json(result) : null,
        progress: result ? 1 : 0,
        done_at: result ? new Date() : null,
      })),
    )
    .execute();
}

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

/** Fails a task whose queue entry is dead: it is still held through that entry, or waits and nothing would ever bring it. */
export async function failDeadTask(
  db: Kysely<Schema>,
  { projectId, jobId, taskId, entry }: JobRef & { readonly taskId: number; readonly entry: string | null },
  error: Failure,
): Promise<boolean> {
  const changed = await db
    .updateTable('task')
    .set({ status: 'failed', error: json(error), speed: null })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .where(({ or, and, eb }) =>
      or([eb('status', '=', 'pending'), and([eb('status', '=', 'processing'), eb('entry', '=', entry)])]),
    )
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

/** In the order of the plan. */
export async function listTasks(
  db: Kysely<Schema>,
  { projectId, jobId, status }: JobRef & { readonly status?: TaskStatus },
): Promise<Task[]> {
  const rows = await db
    .selectFrom('task')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'done'))
    .orderBy('id')
    .execute();
  return rows.map(toTask);
}

/**
 * What can be played of a job now: parts of finished tasks, and what others have published, those too that were interrupted: what a
 * playlist has named it goes on naming (RFC 8216 §6.2.1).
 */
export async function listPlayableParts(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
): Promise<(Pick<Task, 'kind' | 'subject' | 'index'> & { readonly parts: readonly TrackPart[] })[]> {
  const rows = await db
    .selectFrom('task')
    .select(['kind', 'subject', 'index'])
    .select(sql<readonly TrackPart[] | null>`coalesce(result->'parts', published)`.as('parts'))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where(({ or, eb }) => or([eb('status', '=', 'done'), eb('published', 'is not', null)]))
    .orderBy('id')
    .execute();
  return rows.map(({ parts, ...task }) => ({ ...task, parts: parts ?? [] }));
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

/** A pending task that waits for nothing but a worker. */
export type ReadyTask = {
  readonly taskId: number;
  readonly kind: TaskKind;
  readonly subject: number;
  readonly index: number;
};

/**
 * Pending tasks that may start: all but those `output` tasks whose output still waits for another. Ask with the job's
 * row locked, so that of two tasks finishing at once exactly one sees that nothing is left.
 */
export async function listReadyTasks(
  db: Kysely<Schema>,
  { projectId, jobId, onlyOutputs }: JobRef & { readonly onlyOutputs?: readonly number[] },
): Promise<ReadyTask[]> {
  const { rows } = await sql<{ id: number; kind: TaskKind; subject: number; index: number }>`
    select task.id, task.kind, task.subject, task.index from task
    where task.project_id = ${projectId} and task.job_id = ${jobId} and task.status = 'pending'
      and (${onlyOutputs ?? null}::int[] is null or (task.kind = 'output' and task.subject = any(${onlyOutputs ?? null}::int[])))
      and (task.kind <> 'output' or not exists (
        select from task needed
        where needed.job_id = task.job_id and needed.kind <> 'output' and needed.status <> 'done' and task.subject = any(needed.needed_by)
      ))
    order by task.id`.execute(db);
  return rows.map(({ id, kind, subject, index }) => ({ taskId: id, kind, subject, index }));
}

/** Outputs that wait for a task. */
export async function findNeededBy(
  db: Kysely<Schema>,
  { projectId, jobId, taskId }: JobRef & { readonly taskId: number },
): Promise<number[]> {
  const row = await db
    .selectFrom('task')
    .select(['kind', 'subject', 'needed_by'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('id', '=', taskId)
    .executeTakeFirst();
  if (!row) return [];
  return row.kind === 'output' ? [row.subject] : row.needed_by;
}

/** Takes running tasks from their workers and puts them back: their tries do not count, their attempts are over, what they made visible stays. */
export async function releaseRunningTasks(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db
    .updateTable('task')
    .set((eb) => ({
      status: 'pending',
      tries: eb('tries', '-', 1),
      worker_id: null,
      progress: 0,
      speed: null,
    }))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('status', '=', 'processing')
    .execute();
}

/** Cancels unfinished tasks: all of a job, or those that only the given outputs wait for. What they made visible stays, unless it is `dropped`. */
export async function cancelTasks(
  db: Kysely<Schema>,
  {
    projectId,
    jobId,
    outputs,
    dropped = false,
  }: JobRef & { readonly outputs?: readonly number[]; readonly dropped?: boolean },
): Promise<void> {
  await db
    .updateTable('task')
    .set({ status: 'canceled', speed: null, ...(dropped ? { published: null } : {}) })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('status', 'in', ['pending', 'processing'])
    .$if(outputs !== undefined, (query) =>
      query.where(
        sql<boolean>`case when kind = 'output' then subject = any(${outputs}::int[]) else needed_by <> '{}' and needed_by <@ ${outputs}::int[] end`,
      ),
    )
    .execute();
}

/** Makes failed and canceled tasks pending again that an undelivered output waits for, with all their tries. What is done stays done; a first light comes too late where something is delivered. */
export async function reopenTasks(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db
    .updateTable('task')
    .set({ status: 'pending', tries: 0, progress: 0, error: null, worker_id: null })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('status', 'in', ['failed', 'canceled'])
    .where(
      sql<boolean>`case when kind = 'first-light'
        then not exists (select from output where output.job_id = task.job_id and output.status = 'uploaded')
        else exists (select from output where output.job_id = task.job_id and output.status <> 'uploaded'
          and (case when kind = 'output' then task.subject = output.index else output.index = any(task.needed_by) end)) end`,
    )
    .execute();
}

/**
 * Makes tasks of some kinds and subjects pending again, done ones too, and ends their attempts: their results are
 * dropped. Answers the ids of those it changed.
 */
export async function redoTasks(
  db: Kysely<Schema>,
  {
    projectId,
    jobId,
    kinds,
    subjects,
  }: JobRef & { readonly kinds: readonly TaskKind[]; readonly subjects: readonly number[] },
): Promise<number[]> {
  const rows = await db
    .updateTable('task')
    .set((eb) => ({
      status: 'pending',
      // A running attempt ends here: its number is no longer the row's.
      attempt: eb('attempt', '+', 1),
      tries: 0,
      result: null,
      published: null,
      progress: 0,
      speed: null,
      worker_id: null,
    }))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('kind', 'in', kinds)
    .where('subject', 'in', subjects)
    .where('status', 'in', ['pending', 'processing', 'done'])
    .returning('id')
    .execute();
  return rows.map((row) => row.id);
}

function toTask(row: Selectable<TaskTable>): Task {
  return {
    id: row.id,
    jobId: row.job_id,
    kind: row.kind,
    subject: row.subject,
    index: row.index,
    status: row.status,
    attempt: row.attempt,
    weight: row.weight,
    workerId: row.worker_id,
    result: row.result,
  };
}
