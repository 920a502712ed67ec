// The rows of outputs: one for each wanted result of a job.
import type { Kysely, Selectable } from 'kysely';
import { json } from '#database/columns.ts';
import type { OutputTable } from '#database/job-tables.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { openSpec, type Sealer } from '#database/sealed-location.ts';
import type { Failure } from '#domain/error.ts';
import { type JobStatus, type Output, type OutputResult, type OutputStatus, outputStatus } from '#domain/job.ts';

/** Outputs with the status of their job, without which their own is half the truth. */
const selectOutputs = (db: Kysely<Schema>) =>
  db
    .selectFrom('output')
    .innerJoin('job', 'job.id', 'output.job_id')
    .selectAll('output')
    .select('job.status as job_status');

/** In the order they were asked for. */
export async function listOutputs(db: Kysely<Schema>, { projectId, jobId }: JobRef, sealer: Sealer): Promise<Output[]> {
  const rows = await selectOutputs(db)
    .where('output.project_id', '=', projectId)
    .where('output.job_id', '=', jobId)
    .orderBy('output.index')
    .execute();
  return rows.map((row) => toOutput(row, sealer));
}

/** The outputs of several jobs in one query: for lists. */
export async function listOutputsOf(
  db: Kysely<Schema>,
  { projectId, jobIds }: { readonly projectId: string; readonly jobIds: readonly number[] },
  sealer: Sealer,
): Promise<Output[]> {
  if (jobIds.length === 0) return [];
  const rows = await selectOutputs(db)
    .where('output.project_id', '=', projectId)
    .where('output.job_id', 'in', jobIds)
    .orderBy('output.job_id')
    .orderBy('output.index')
    .execute();
  return rows.map((row) => toOutput(row, sealer));
}

/** Index and status alone: what decides whether a job is over. */
export async function listOutputStates(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
): Promise<{ readonly index: number; readonly status: OutputStatus; readonly error: Failure | null }[]> {
  return db
    .selectFrom('output')
    .select(['index', 'status', 'error'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .orderBy('index')
    .execute();
}

export type OutputChange = {
  readonly status?: OutputStatus;
  readonly progress?: number;
  readonly result?: OutputResult | null;
  readonly error?: Failure | null;
};

/** Changes those outputs of a job that stand in one of the statuses `from`. Answers the indexes of the changed ones. */
export async function changeOutputs(
  db: Kysely<Schema>,
  which: JobRef & { readonly indexes?: readonly number[]; readonly from: readonly OutputStatus[] },
  change: OutputChange,
): Promise<number[]> {
  if (which.indexes?.length === 0) return [];
  const rows = await db
    .updateTable('output')
    .set({
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.progress === undefined ? {} : { progress: change.progress }),
      ...(change.result === undefined ? {} : { result: change.result && json(change.result) }),
      ...(change.error === undefined ? {} : { error: change.error && json(change.error) }),
    })
    .where('project_id', '=', which.projectId)
    .where('job_id', '=', which.jobId)
    .where('status', 'in', which.from)
    .$if(which.indexes !== undefined, (query) => query.where('index', 'in', which.indexes ?? []))
    .returning('index')
    .execute();
  return rows.map((row) => row.index);
}

type OutputRow = Selectable<OutputTable> & { readonly job_status?: JobStatus };

/** A row as the domain sees it, its secrets opened. */
export function toOutput({ job_status = 'processing', ...row }: OutputRow, sealer: Sealer): Output {
  return {
    id: row.id,
    jobId: row.job_id,
    index: row.index,
    spec: openSpec(row.spec, sealer),
    status: outputStatus(row.status, job_status),
    progress: row.progress,
    result: row.result,
    error: row.error,
  };
}
