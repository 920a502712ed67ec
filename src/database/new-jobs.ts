// Inserts jobs with their outputs, in one statement. Called by submit-job.ts.
import { type Kysely, type Selectable, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { JobTable, OutputTable } from '#database/job-tables.ts';
import { toJob } from '#database/jobs.ts';
import { toOutput } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { type Sealer, sealLocation, sealSpec, sealUrl } from '#database/sealed-location.ts';
import type { Job, JobRequest, Output } from '#domain/job.ts';

export type NewJob = JobRequest & {
  readonly uuid: string;
  /** Null without an idempotency key. */
  readonly requestHash: string | null;
  readonly sourceKey: string | null;
};

/** As they were stored; the outputs in the order they were asked for. */
export type InsertedJob = { readonly job: Job; readonly outputs: readonly Output[] };

/** Inserts jobs as queued. Left out of the answer are those whose project already has one of their idempotency key. */
export async function insertJobs(
  db: Kysely<Schema>,
  jobs: readonly NewJob[],
  sealer: Sealer,
): Promise<readonly InsertedJob[]> {
  const asked = jobs.map((job, place) => ({
    place,
    uuid: job.uuid,
    project: job.projectId,
    api: job.api,
    lane: job.lane,
    source: sealLocation(job.source, sealer),
    priority: job.priority,
    metadata: job.metadata,
    notification_url: job.notificationUrl && sealUrl(job.notificationUrl, sealer),
    base_url: job.baseUrl,
    idempotency_key: job.idempotencyKey,
    request_hash: job.requestHash,
    source_key: job.sourceKey,
    specs: job.outputs.map((spec) => sealSpec(spec, sealer)),
  }));
  // One parameter for all: a text that is always the same costs a burst far less than rows of placeholders do, here and there.
  const { rows } = await sql<Selectable<JobTable> & { readonly outputs: readonly Selectable<OutputTable>[] | null }>`
    with asked as materialized (
      select * from jsonb_to_recordset(${json(asked)}) as asked (
        place int, uuid uuid, project text, api text, lane text, source jsonb, priority int, metadata jsonb, notification_url text,
        base_url text, idempotency_key text, request_hash text, source_key text, specs jsonb
      )
    ),
    added as (
      insert into job (
        uuid, project_id, api, lane, status, source, priority, metadata, notification_url, base_url, idempotency_key, request_hash, source_key
      )
      select uuid, project, api, lane, 'queued', source, priority, metadata, notification_url, base_url, idempotency_key, request_hash, source_key
      from asked order by place
      on conflict (project_id, idempotency_key) do nothing
      returning *
    ),
    wanted as (
      insert into output (project_id, job_id, index, spec, status)
      select added.project_id, added.id, spec.number - 1, spec.value, 'pending'
      from added join asked using (uuid) cross join jsonb_array_elements(asked.specs) with ordinality as spec (value, number)
      order by asked.place, spec.number
      returning *
    )
    select added.*, (select jsonb_agg(wanted order by wanted.index) from wanted where wanted.job_id = added.id) as outputs
    from added order by added.id`.execute(db);
  return rows.map(({ outputs, ...row }) => ({
    job: toJob(row, sealer),
    outputs: (outputs ?? []).map((output) => toOutput(output, sealer)),
  }));
}
