// The rows of jobs: changed by the workflows, found and listed by the APIs.
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely';
import { json, plainText } from '#database/columns.ts';
import type { JobTable } from '#database/job-tables.ts';
import type { Schema } from '#database/schema.ts';
import { openLocation, openUrl, type Sealer } from '#database/sealed-location.ts';
import { searchPattern } from '#database/search-pattern.ts';
import type { Failure } from '#domain/error.ts';
import type { Finding } from '#domain/finding.ts';
import type { Job, JobStatus, SourceArrival } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

/** A job by project and number: what every query names. */
export type JobRef = { readonly projectId: string; readonly jobId: number };

const jobsOf = (db: Kysely<Schema>, projectId: string) =>
  db.selectFrom('job').selectAll().where('project_id', '=', projectId);

export async function findJob(db: Kysely<Schema>, { projectId, jobId }: JobRef, sealer: Sealer): Promise<Job | null> {
  const row = await jobsOf(db, projectId).where('id', '=', jobId).executeTakeFirst();
  return row ? toJob(row, sealer) : null;
}

export async function findJobByUuid(
  db: Kysely<Schema>,
  { projectId, uuid }: { readonly projectId: string; readonly uuid: string },
  sealer: Sealer,
): Promise<Job | null> {
  const row = await jobsOf(db, projectId).where('uuid', '=', uuid).executeTakeFirst();
  return row ? toJob(row, sealer) : null;
}

/** The job an idempotency key made, with the hash of the request it was made by. */
export async function findJobByKey(
  db: Kysely<Schema>,
  { projectId, idempotencyKey }: { readonly projectId: string; readonly idempotencyKey: string },
  sealer: Sealer,
): Promise<{ readonly job: Job; readonly requestHash: string | null } | null> {
  const row = await jobsOf(db, projectId).where('idempotency_key', '=', plainText(idempotencyKey)).executeTakeFirst();
  return row ? { job: toJob(row, sealer), requestHash: row.request_hash } : null;
}

export type JobListing = {
  readonly projectId: string;
  readonly status?: JobStatus;
  /** Part of the uuid, of the source's readable fields or of the metadata; any case. */
  readonly search?: string;
  /** Only jobs with a smaller id: the page after the one that ended with it. */
  readonly before?: number;
  readonly limit: number;
};

/** Newest first. The bulky `facts` and `plan` are left out (null): find the one job to see them. */
export async function listJobs(db: Kysely<Schema>, listing: JobListing, sealer: Sealer): Promise<Job[]> {
  const { projectId, status, search, before, limit } = listing;
  const rows = await db
    .selectFrom('job')
    .select(LISTED)
    .where('project_id', '=', projectId)
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'queued'))
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .$if(search !== undefined && search !== '', (query) => query.where(matches(search ?? '')))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => toJob({ ...row, facts: null, plan: null }, sealer));
}

const LISTED = [
  'id',
  'uuid',
  'project_id',
  'api',
  'lane',
  'status',
  'source',
  'priority',
  'metadata',
  'notification_url',
  'base_url',
  'notifications_off',
  'idempotency_key',
  'request_hash',
  'progress',
  'speed',
  'eta_seconds',
  'attempt',
  'tries',
  'worker_id',
  'entry',
  'delivery',
  'source_key',
  'arrival',
  'findings',
  'error',
  'created_at',
  'started_at',
  'completed_at',
  'updated_at',
] as const;

function matches(search: string) {
  const pattern = searchPattern(search);
  return ({ or }: ExpressionBuilder<Schema, 'job'>) =>
    or([
      sql<boolean>`uuid::text ilike ${pattern}`,
      sql<boolean>`concat_ws(' ', source->>'url', source->>'path', source->>'filename', source->>'bucket', source->>'host') ilike ${pattern}`,
      sql<boolean>`metadata::text ilike ${pattern}`,
    ]);
}

/** Jobs by status, of one project or (for metrics) of all. */
export async function countJobs(
  db: Kysely<Schema>,
  projectId: string | null,
): Promise<Partial<Record<JobStatus, number>>> {
  const rows = await db
    .selectFrom('job')
    .select(['status', sql<number>`count(*)::int`.as('count')])
    .$if(projectId !== null, (query) => query.where('project_id', '=', projectId ?? ''))
    .groupBy('status')
    .execute();
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

/** What may change of a job. Left out stays as it is. */
export type JobChange = {
  readonly status?: JobStatus;
  readonly progress?: number;
  readonly speed?: number | null;
  readonly etaSeconds?: number | null;
  readonly priority?: number;
  readonly sourceKey?: string | null;
  readonly arrival?: SourceArrival | null;
  readonly facts?: SourceFacts | null;
  readonly findings?: readonly Finding[];
  readonly plan?: Plan | null;
  readonly error?: Failure | null;
  readonly startedAt?: Date;
  readonly completedAt?: Date | null;
  readonly workerId?: string | null;
  readonly tries?: number;
};

/** Changes a job. With `attempt` only if that is still its number: false where it is not. */
export async function changeJob(
  db: Kysely<Schema>,
  ref: JobRef & { readonly attempt?: number },
  change: JobChange,
): Promise<boolean> {
  const result = await db
    .updateTable('job')
    .set({
      updated_at: new Date(),
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.progress === undefined ? {} : { progress: change.progress }),
      ...(change.speed === undefined ? {} : { speed: change.speed }),
      ...(change.etaSeconds === undefined ? {} : { eta_seconds: change.etaSeconds }),
      ...(change.priority === undefined ? {} : { priority: change.priority }),
      ...(change.sourceKey === undefined ? {} : { source_key: change.sourceKey }),
      ...(change.arrival === undefined ? {} : { arrival: change.arrival }),
      ...(change.facts === undefined ? {} : { facts: change.facts && json(change.facts) }),
      ...(change.findings === undefined ? {} : { findings: json(change.findings) }),
      ...(change.plan === undefined ? {} : { plan: change.plan && json(change.plan) }),
      ...(change.error === undefined ? {} : { error: change.error && json(change.error) }),
      ...(change.startedAt === undefined ? {} : { started_at: change.startedAt }),
      ...(change.completedAt === undefined ? {} : { completed_at: change.completedAt }),
      ...(change.workerId === undefined ? {} : { worker_id: change.workerId }),
      ...(change.tries === undefined ? {} : { tries: change.tries }),
    })
    .where('project_id', '=', ref.projectId)
    .where('id', '=', ref.jobId)
    .$if(ref.attempt !== undefined, (query) =>
      query.where('attempt', '=', ref.attempt ?? 0).where('status', '=', 'processing'),
    )
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** A job's row, locked until the transaction ends: all that decides about a job's state goes one after another. */
export type LockedJob = Pick<
  Job,
  'id' | 'uuid' | 'projectId' | 'api' | 'lane' | 'status' | 'priority' | 'attempt' | 'startedAt' | 'arrival'
> & {
  readonly tries: number;
  /** And not to be planned anew. */
  readonly isPlanned: boolean;
  /** Somebody wants to be told of its states. */
  readonly isNotified: boolean;
};

export async function lockJob(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<LockedJob | null> {
  const row = await db
    .selectFrom('job')
    .select([
      'id',
      'uuid',
      'project_id',
      'api',
      'lane',
      'status',
      'priority',
      'attempt',
      'tries',
      'started_at',
      'arrival',
    ])
    .select([
      sql<boolean>`plan is not null and arrival is distinct from 'arrived'`.as('is_planned'),
      sql<boolean>`notification_url is not null`.as('is_notified'),
    ])
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return null;
  const { id, uuid, api, lane, status, priority, attempt, tries } = row;
  return {
    id,
    uuid,
    projectId: row.project_id,
    api,
    lane,
    status,
    priority,
    attempt,
    tries,
    startedAt: row.started_at,
    arrival: row.arrival,
    isPlanned: row.is_planned,
    isNotified: row.is_notified,
  };
}

/** One delivery of a queue entry, and who took it. */
export type Claim = { readonly workerId: string; readonly entry: string; readonly delivery: number };

/**
 * Takes a job for run-job under a new attempt. Null where it waits for nobody: planned already, finished, paused, or
 * held through another entry. Only a later delivery of the same entry takes over what a worker still seems to hold.
 */
export async function claimJob(db: Kysely<Schema>, { projectId, jobId }: JobRef, claim: Claim): Promise<number | null> {
  const row = await db
    .updateTable('job')
    .set((eb) => ({
      status: 'processing',
      attempt: eb('attempt', '+', 1),
      tries: eb('tries', '+', 1),
      worker_id: claim.workerId,
      entry: claim.entry,
      delivery: claim.delivery,
      started_at: eb.fn.coalesce('started_at', sql<Date>`now()`),
      updated_at: new Date(),
    }))
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .where(({ or, eb }) => or([eb('plan', 'is', null), eb('arrival', '=', 'arrived')]))
    .where(({ or, and, eb }) =>
      or([
        eb('status', '=', 'queued'),
        and([eb('status', '=', 'processing'), eb('entry', '=', claim.entry), eb('delivery', '<', claim.delivery)]),
      ]),
    )
    .returning('attempt')
    .executeTakeFirst();
  return row?.attempt ?? null;
}

/** Whether an attempt of run-job still holds its job. */
export async function findHeldJob(
  db: Kysely<Schema>,
  { projectId, jobId, attempt }: JobRef & { readonly attempt: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('job')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .where('attempt', '=', attempt)
    .where('status', '=', 'processing')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes the job with its outputs, tasks and log. */
export async function deleteJobRow(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db.deleteFrom('job').where('project_id', '=', projectId).where('id', '=', jobId).execute();
}

/** Which of these uuids are jobs, of any project: what storage holds for the others belongs to nobody. */
export async function findJobUuids(db: Kysely<Schema>, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  if (uuids.length === 0) return new Set();
  const rows = await db.selectFrom('job').select('uuid').where('uuid', 'in', uuids).execute();
  return new Set(rows.map((row) => row.uuid));
}

/** A row as the domain sees it, its secrets opened. */
export function toJob(row: Selectable<JobTable>, sealer: Sealer): Job {
  return {
    id: row.id,
    uuid: row.uuid,
    projectId: row.project_id,
    api: row.api,
    lane: row.lane,
    status: row.status,
    source: openLocation(row.source, sealer),
    priority: row.priority,
    metadata: row.metadata,
    notificationUrl: row.notification_url && openUrl(row.notification_url, sealer),
    baseUrl: row.base_url,
    progress: row.progress,
    speed: row.speed,
    etaSeconds: row.eta_seconds,
    attempt: row.attempt,
    sourceKey: row.source_key,
    arrival: row.arrival,
    facts: row.facts,
    findings: row.findings ?? [],
    plan: row.plan,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}
