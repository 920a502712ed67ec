// The tasks of a job as people look at them: what is done, what runs where, what waits. Read by the jobs API.
import { type Kysely, sql } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import type { TaskStatus } from '#domain/job.ts';
import type { TaskKind } from '#domain/plan.ts';

export type TaskState = {
  readonly id: number;
  readonly kind: TaskKind;
  /** Timeline, or the output's index of `direct` and `output`. */
  readonly subject: number;
  /** Chunk; 0 for the others. */
  readonly index: number;
  readonly status: TaskStatus;
  /** 0–1 */
  readonly progress: number;
  /** media seconds per second, while it runs */
  readonly speed: number | null;
  readonly weight: number;
  readonly attempt: number;
  readonly workerId: string | null;
  /** Wall-clock seconds of its children; null until done. */
  readonly seconds: number | null;
  readonly frames: number | null;
  readonly claimedAt: Date | null;
  readonly doneAt: Date | null;
  readonly error: Failure | null;
};

/** In the order of the plan. The results, which hold every segment, are left out. */
export async function listTaskStates(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<TaskState[]> {
  const rows = await db
    .selectFrom('task')
    .select(['id', 'kind', 'subject', 'index', 'status', 'progress', 'speed', 'weight', 'attempt', 'worker_id'])
    .select(['claimed_at', 'done_at', 'error'])
    .select([
      sql<number | null>`(result->>'seconds')::float8`.as('seconds'),
      sql<number | null>`(result->>'frames')::float8`.as('frames'),
    ])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .orderBy('id')
    .execute();
  return rows.map(({ worker_id, claimed_at, done_at, ...row }) => ({
    ...row,
    workerId: worker_id,
    claimedAt: claimed_at,
    doneAt: done_at,
  }));
}
