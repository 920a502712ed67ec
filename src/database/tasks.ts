// The rows of tasks: made, listed, canceled, opened again. What a running attempt writes stands in held-tasks.ts.
import { type Kysely, type Selectable, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { TaskTable } from '#database/job-tables.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
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

export function toTask(row: Selectable<TaskTable>): Task {
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
