// A job's progress, worked out by the database from the rows of its tasks. Called by report-progress.ts.
import { type Kysely, sql } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { JobApi } from '#domain/job.ts';

export type JobProgress = {
  /** 0–100, one decimal */
  readonly progress: number;
  /** media seconds per second, all running tasks together */
  readonly speed: number | null;
  readonly etaSeconds: number | null;
};

export type SavedProgress = JobProgress & {
  readonly api: JobApi;
  /** What it was before, or a little less where two are saved at once. */
  readonly before: number;
};

/**
 * Adds up what is done, weight by weight, and stores it. The time left follows from how much weight a second of work has
 * brought so far, and how many tasks run now, on whatever machines: a task that has only begun tells little by itself.
 * Progress never falls. Null where the job no longer runs.
 */
export async function saveJobProgress(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<SavedProgress | null> {
  const { rows } = await sql<{
    progress: number;
    speed: number | null;
    eta_seconds: number | null;
    api: JobApi;
    before: number;
  }>`
    update job set updated_at = now(), speed = sums.speed,
      progress = greatest(job.progress, round((100 * sums.done / sums.total)::numeric, 1)::float8),
      eta_seconds = case when sums.rate > 0 then round(((sums.total - sums.done) / sums.rate)::numeric, 1)::float8 end
    from (
      select sum(weight) as total, coalesce(sum(weight * progress), 0) as done,
        sum(speed) filter (where status = 'processing') as speed,
        sum(weight * progress) filter (where status in ('processing', 'done'))
          / greatest(sum(extract(epoch from case status when 'done' then done_at else clock_timestamp() end - claimed_at)) filter (where status in ('processing', 'done')), 0.1)
          * greatest(count(*) filter (where status = 'processing'), 1) as rate,
        (select known.progress from job known where known.id = ${jobId}) as before
      from task where project_id = ${projectId} and job_id = ${jobId} and kind <> 'first-light'
    ) sums
    where job.project_id = ${projectId} and job.id = ${jobId} and job.status = 'processing' and sums.total > 0
    returning job.progress, job.speed, job.eta_seconds, job.api, sums.before`.execute(db);
  const [row] = rows;
  if (!row) return null;
  const { progress, speed, eta_seconds: etaSeconds, api, before } = row;
  return { progress, speed, etaSeconds, api, before };
}

/** An output's progress: the mean, by weight, of the tasks it waits for and its own. */
export async function saveOutputProgress(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await sql`
    update output set progress = greatest(output.progress, sums.progress)
    from (
      select o.index, round((100 * sum(t.weight * t.progress) / sum(t.weight))::numeric, 1)::float8 as progress
      from output o join task t on t.job_id = o.job_id and (case when t.kind = 'output' then t.subject = o.index else o.index = any(t.needed_by) end)
      where o.project_id = ${projectId} and o.job_id = ${jobId}
      group by o.index
    ) sums
    where output.job_id = ${jobId} and output.project_id = ${projectId} and output.index = sums.index
      and output.status in ('processing', 'uploading') and output.progress < sums.progress`.execute(db);
}
