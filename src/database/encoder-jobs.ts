// The rows of the encoder API's jobs, each beside a row of `job`. Made and changed by workflows/encoder, found and listed by its API.
import { type Kysely, sql } from 'kysely';
import { json, plainText } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import {
  type EncoderJob,
  type EncoderRequest,
  type EncoderStatus,
  encoderStatus,
  jobStatusesOf,
} from '#domain/encoder-job.ts';

export type NewEncoderJob = JobRef & {
  readonly request: EncoderRequest;
  /** SHA-256 of the Redis entry that brought it. */
  readonly entry: string | null;
};

/** The index that makes a second unfinished job of the same video and key impossible. */
export const OPEN_INDEX = 'encoder_job_open';

/** @throws what PostgreSQL says where there is an unfinished one of the same video and key */
export async function insertEncoderJob(
  db: Kysely<Schema>,
  { projectId, jobId, request, entry }: NewEncoderJob,
): Promise<void> {
  await db
    .insertInto('encoder_job')
    .values({
      job_id: jobId,
      project_id: projectId,
      video_id: request.videoId,
      s3_original_key: plainText(request.originalKey),
      s3_hls_folder_key: plainText(request.hlsFolderKey),
      input_file_size: request.inputFileSize,
      duration: request.duration,
      quality_presets: request.qualityPresets && json(request.qualityPresets),
      preset: request.preset,
      segment_type: request.segmentType,
      master_playlist: request.masterPlaylist,
      entry,
    })
    .execute();
}

/** Every encoder job with the state of the engine's job and of its one output. */
const select = (db: Kysely<Schema>, projectId: string) =>
  db
    .selectFrom('encoder_job')
    .innerJoin('job', 'job.id', 'encoder_job.job_id')
    .leftJoin('output', (join) => join.onRef('output.job_id', '=', 'job.id').on('output.index', '=', 0))
    .selectAll('encoder_job')
    .select(['job.uuid', 'job.status', 'job.progress', 'job.error', 'job.created_at', 'job.started_at'])
    .select(['job.completed_at', 'output.result'])
    .select(sql<number | null>`(job.facts->>'duration')::float8`.as('source_duration'))
    .where('encoder_job.project_id', '=', projectId);

type Row = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>;

export async function findEncoderJob(
  db: Kysely<Schema>,
  { projectId, ...by }: { readonly projectId: string } & ({ readonly jobId: number } | { readonly id: string }),
): Promise<EncoderJob | null> {
  const query = select(db, projectId);
  const row = await ('id' in by
    ? query.where('job.uuid', '=', by.id)
    : query.where('job.id', '=', by.jobId)
  ).executeTakeFirst();
  return row ? toEncoderJob(row) : null;
}

/** The unfinished job of a video and key. */
export async function findOpenEncoderJob(
  db: Kysely<Schema>,
  { projectId, videoId, originalKey }: Pick<EncoderRequest, 'videoId' | 'originalKey'> & { readonly projectId: string },
): Promise<EncoderJob | null> {
  const row = await select(db, projectId)
    .where('video_id', '=', videoId)
    .where('s3_original_key', '=', plainText(originalKey))
    .where('is_open', '=', true)
    .executeTakeFirst();
  return row ? toEncoderJob(row) : null;
}

export type EncoderListing = {
  readonly projectId: string;
  readonly status?: EncoderStatus | undefined;
  readonly videoId?: string | undefined;
};

/** Newest first. */
export async function listEncoderJobs(
  db: Kysely<Schema>,
  listing: EncoderListing & { readonly offset: number; readonly limit: number },
): Promise<EncoderJob[]> {
  const { projectId, status, videoId, offset, limit } = listing;
  const rows = await select(db, projectId)
    .$if(status !== undefined, (query) => query.where('job.status', 'in', jobStatusesOf(status ?? 'pending')))
    .$if(videoId !== undefined, (query) => query.where('video_id', '=', videoId ?? ''))
    .orderBy('encoder_job.job_id', 'desc')
    .offset(offset)
    .limit(limit)
    .execute();
  return rows.map(toEncoderJob);
}

/** Jobs by status; with a video's id, its own alone. */
export async function countEncoderJobs(
  db: Kysely<Schema>,
  { projectId, videoId }: Pick<EncoderListing, 'projectId' | 'videoId'>,
): Promise<Readonly<Record<EncoderStatus, number>>> {
  const rows = await db
    .selectFrom('encoder_job')
    .innerJoin('job', 'job.id', 'encoder_job.job_id')
    .select(['job.status', sql<number>`count(*)::int`.as('count')])
    .where('encoder_job.project_id', '=', projectId)
    .$if(videoId !== undefined, (query) => query.where('video_id', '=', videoId ?? ''))
    .groupBy('job.status')
    .execute();
  const counts = { pending: 0, processing: 0, completed: 0, failed: 0 };
  for (const { status, count } of rows) counts[encoderStatus(status)] += count;
  return counts;
}

/** How many wait, at most `limit`: a long queue is not counted to its end. */
export async function countWaitingEncoderJobs(db: Kysely<Schema>, limit: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select from encoder_job join job on job.id = encoder_job.job_id
      where encoder_job.is_open and job.status = 'queued' limit ${limit}
    ) waiting`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Jobs of external workers of which nothing was heard since a time. */
export async function listSilentExternals(db: Kysely<Schema>, before: Date): Promise<JobRef[]> {
  const rows = await db
    .selectFrom('encoder_job')
    .innerJoin('job', 'job.id', 'encoder_job.job_id')
    .select(['encoder_job.project_id', 'encoder_job.job_id'])
    .where('is_external', '=', true)
    .where('is_open', '=', true)
    .where('job.status', '=', 'processing')
    .where('job.updated_at', '<', before)
    .execute();
  return rows.map((row) => ({ projectId: row.project_id, jobId: row.job_id }));
}

/** What may change. Left out stays as it is. */
export type EncoderChange = {
  readonly isOpen?: boolean;
  readonly workerId?: string | null;
  readonly isExternal?: boolean;
  readonly outputFileSize?: number | null;
  readonly toldProgress?: number;
  readonly entry?: string;
};

export async function changeEncoderJob(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  change: EncoderChange,
): Promise<void> {
  const set = {
    ...(change.isOpen === undefined ? {} : { is_open: change.isOpen }),
    ...(change.workerId === undefined ? {} : { worker_id: change.workerId }),
    ...(change.isExternal === undefined ? {} : { is_external: change.isExternal }),
    ...(change.outputFileSize === undefined ? {} : { output_file_size: change.outputFileSize }),
    ...(change.toldProgress === undefined ? {} : { told_progress: change.toldProgress }),
    ...(change.entry === undefined ? {} : { entry: change.entry }),
  };
  await db
    .updateTable('encoder_job')
    .set(set)
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .execute();
}

/** Raises what was told. False where that much had been told already. */
export async function raiseToldProgress(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  told: number,
): Promise<boolean> {
  const raised = await db
    .updateTable('encoder_job')
    .set({ told_progress: told })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .where('told_progress', '<', told)
    .executeTakeFirst();
  return raised.numUpdatedRows > 0n;
}

/** Whether an entry of Redis became a job while its removal from Redis was not confirmed. */
export async function findStoredEntry(db: Kysely<Schema>, entry: string): Promise<boolean> {
  const row = await db
    .selectFrom('encoder_job')
    .select('job_id')
    .where('entry', '=', entry)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Its removal is confirmed. */
export async function forgetEntry(db: Kysely<Schema>, entry: string): Promise<void> {
  await db.updateTable('encoder_job').set({ entry: null }).where('entry', '=', entry).execute();
}

/** The entries whose removal is not confirmed. */
export async function listStoredEntries(db: Kysely<Schema>): Promise<string[]> {
  const rows = await db.selectFrom('encoder_job').select('entry').where('entry', 'is not', null).execute();
  return rows.flatMap(({ entry }) => entry ?? []);
}

function toEncoderJob(row: Row): EncoderJob {
  return {
    id: row.uuid,
    jobId: row.job_id,
    projectId: row.project_id,
    videoId: row.video_id,
    originalKey: row.s3_original_key,
    hlsFolderKey: row.s3_hls_folder_key,
    inputFileSize: row.input_file_size,
    duration: row.duration,
    qualityPresets: row.quality_presets,
    preset: row.preset,
    segmentType: row.segment_type,
    masterPlaylist: row.master_playlist,
    jobStatus: row.status,
    progress: row.progress,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    sourceDuration: row.source_duration,
    result: row.result,
    isOpen: row.is_open,
    workerId: row.worker_id,
    isExternal: row.is_external,
    outputFileSize: row.output_file_size,
    toldProgress: row.told_progress,
  };
}
