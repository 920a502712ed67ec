// Every try of every piece of a job: when, on which worker, what came of it. Written by triggers (migration 013) as tasks change; read by the jobs API.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { AttemptOutcome } from '#domain/attempt.ts';
import type { Failure } from '#domain/error.ts';
import type { TaskKind } from '#domain/plan.ts';

export type Attempt = {
  readonly id: number;
  /** null: fetching, probing and planning the job itself. */
  readonly task: {
    readonly id: number;
    readonly kind: TaskKind;
    readonly subject: number;
    readonly index: number;
  } | null;
  /** The fencing number of this try. */
  readonly number: number;
  readonly workerId: string | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: AttemptOutcome;
  readonly error: Failure | null;
};

export type AttemptListing = JobRef & {
  readonly outcome?: AttemptOutcome;
  /** Only older ones than this id. */
  readonly before?: number;
  readonly limit: number;
};

/** Newest first. */
export async function listAttempts(db: Kysely<Schema>, listing: AttemptListing): Promise<Attempt[]> {
  const { projectId, jobId, outcome, before, limit } = listing;
  const rows = await db
    .selectFrom('attempt')
    .leftJoin('task', 'task.id', 'attempt.task_id')
    .select(['attempt.id', 'attempt.task_id', 'attempt.number', 'attempt.worker_id', 'attempt.started_at'])
    .select(['attempt.ended_at', 'attempt.outcome', 'attempt.error', 'task.kind', 'task.subject', 'task.index'])
    .where('attempt.project_id', '=', projectId)
    .where('attempt.job_id', '=', jobId)
    .$if(outcome !== undefined, (query) => query.where('attempt.outcome', '=', outcome ?? 'done'))
    .$if(before !== undefined, (query) => query.where('attempt.id', '<', before ?? 0))
    .orderBy('attempt.id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ id, task_id, number, worker_id, started_at, ended_at, outcome: became, error, ...task }) => {
    const { kind, subject, index } = task;
    const isTask = task_id !== null && kind !== null && subject !== null && index !== null;
    return {
      id,
      task: isTask ? { id: task_id, kind, subject, index } : null,
      number,
      workerId: worker_id,
      startedAt: started_at,
      endedAt: ended_at,
      outcome: became,
      error,
    };
  });
}

/** Says why a try of the job's planning failed, where the job itself only waits for the next one and keeps no error. */
export async function failJobAttempt(
  db: Kysely<Schema>,
  { jobId, attempt }: JobRef & { readonly attempt: number },
  error: Failure,
): Promise<void> {
  await sql`select end_attempt(${jobId}, null, ${attempt}, 'failed', ${json(error)})`.execute(db);
}
