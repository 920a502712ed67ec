// What is deleted by its age: which jobs the janitor takes, and how much a project keeps and is due, for GET /admin/storage.
import { type Kysely, sql } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { isUnneeded } from '#database/uploads.ts';

export type Kept = {
  /** All that age will delete one day. */
  readonly kept: number;
  /** What the next sweep deletes. */
  readonly due: number;
  /** bytes of managed storage that this makes free, as far as the database knows them */
  readonly dueBytes: number;
  /** What becomes due within a day, that included. */
  readonly dueSoon: number;
};

type Row = { kept: number; due: number; due_soon: number; due_bytes: number };
const DAY = 86_400_000;
const told = ({ kept, due, due_soon, due_bytes }: Row): Kept => ({ kept, due, dueSoon: due_soon, dueBytes: due_bytes });
const one = (rows: readonly Row[]): Kept => told(rows[0] ?? { kept: 0, due: 0, due_soon: 0, due_bytes: 0 });

export type RetentionQuery = {
  readonly projectId: string;
  /** What ended before it is due; null: nothing ever is. */
  readonly before: Date | null;
};
/** Before every time there is. */
const NEVER = new Date(0);
const soon = (before: Date | null): Date => (before === null ? NEVER : new Date(before.getTime() + DAY));

/**
 * Jobs that age ends. Conversions have an expiry of their own, a video's jobs live as long as the video, and one whose webhooks are still
 * on their way waits for them.
 */
const ages = sql<boolean>`job.status in ('completed', 'failed', 'canceled') and job.api <> 'operations'
  and not exists (select from video_job where video_job.job_id = job.id)
  and not exists (select from delivery where delivery.job_id = job.id and delivery.status = 'pending')`;

/** Jobs of all projects that ended before a time, oldest first. */
export async function listExpiredJobs(db: Kysely<Schema>, before: Date, limit: number): Promise<JobRef[]> {
  const rows = await db
    .selectFrom('job')
    .select(['project_id', 'id'])
    .where('completed_at', '<', before)
    .where(ages)
    .orderBy('completed_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ projectId: row.project_id, jobId: row.id }));
}

/** Finished jobs. */
export async function countKeptJobs(db: Kysely<Schema>, { projectId, before }: RetentionQuery): Promise<Kept> {
  const due = before ?? NEVER;
  const { rows } = await sql<Row>`
    with kept as (
      select job.id, job.completed_at from job
      where job.project_id = ${projectId} and ${ages}
    )
    select count(*)::int as kept, count(*) filter (where completed_at < ${due})::int as due,
      count(*) filter (where completed_at < ${soon(before)})::int as due_soon,
      (select coalesce(sum((output.result->>'size')::float8), 0) from kept as dead join output on output.job_id = dead.id
        where dead.completed_at < ${due} and coalesce(output.spec->'destination'->>'kind', 'managed') = 'managed') as due_bytes
    from kept`.execute(db);
  return one(rows);
}

/** Ended conversions with their files. */
export async function countKeptOperations(db: Kysely<Schema>, { projectId, before }: RetentionQuery): Promise<Kept> {
  const due = before ?? NEVER;
  const { rows } = await sql<Row>`
    with kept as (
      select operation.id, job.completed_at from operation join job on job.id = operation.job_id
      where operation.project_id = ${projectId} and not operation.is_deleted and job.completed_at is not null
    )
    select count(*)::int as kept, count(*) filter (where completed_at < ${due})::int as due,
      count(*) filter (where completed_at < ${soon(before)})::int as due_soon,
      (select coalesce(sum(file.file_size), 0)::float8 from kept as dead join operation_file file on file.operation_id = dead.id
        where dead.completed_at < ${due}) as due_bytes
    from kept`.execute(db);
  return one(rows);
}

/** Uploads that nobody has made anything of yet. */
export async function countKeptUploads(db: Kysely<Schema>, { projectId, before }: RetentionQuery): Promise<Kept> {
  const { rows } = await sql<Row>`
    select count(*)::int as kept, count(*) filter (where expires_at < ${before})::int as due,
      count(*) filter (where expires_at < ${soon(before)})::int as due_soon,
      coalesce(sum(greatest(size, received)) filter (where expires_at < ${before}), 0)::float8 as due_bytes
    from upload
    where upload.project_id = ${projectId} and ${isUnneeded}`.execute(db);
  return one(rows);
}

export async function countVideos(db: Kysely<Schema>, projectId: string): Promise<number> {
  const row = await db
    .selectFrom('video')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow();
  return row.count;
}
