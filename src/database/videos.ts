// The rows of videos and of the jobs that encode them; a video's status is read off its upload and its jobs. Changed by workflows/videos, listed by the videos API.
import { type Kysely, sql } from 'kysely';
import { json, plainText } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { openUrl, type Sealer, sealUrl } from '#database/sealed-location.ts';
import { searchPattern } from '#database/search-pattern.ts';
import type { Failure } from '#domain/error.ts';
import type { Video, VideoJob, VideoStatus } from '#domain/video.ts';

/** A video by project and id: what every query names. */
export type VideoRef = { readonly projectId: string; readonly id: string };

export type NewVideo = VideoRef &
  Pick<Video, 'title' | 'description' | 'tags' | 'filename' | 'qualities' | 'transcode' | 'playbackPolicy'> &
  Pick<Video, 'encryption' | 'contentKey' | 'notificationUrl' | 'baseUrl' | 'posterTime'>;

/** False where there is one of this id. */
export async function insertVideo(db: Kysely<Schema>, video: NewVideo, sealer: Sealer): Promise<boolean> {
  const result = await db
    .insertInto('video')
    .values({
      id: video.id,
      project_id: video.projectId,
      title: plainText(video.title),
      description: plainText(video.description),
      tags: video.tags.map(plainText),
      filename: plainText(video.filename),
      qualities: video.qualities && [...video.qualities],
      transcode: video.transcode,
      poster_time: video.posterTime,
      playback_policy: video.playbackPolicy,
      encryption: video.encryption,
      content_key: video.contentKey && sealer.seal(video.contentKey),
      notification_url: video.notificationUrl && sealUrl(video.notificationUrl, sealer),
      base_url: video.baseUrl,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows) > 0;
}

export async function findVideo(
  db: Kysely<Schema>,
  { projectId, id }: VideoRef,
  sealer: Sealer,
): Promise<Video | null> {
  const row = await selectVideos(db)
    .where('video.project_id', '=', projectId)
    .where('video.id', '=', id)
    .executeTakeFirst();
  return row ? toVideo(row, sealer) : null;
}

/** By its id alone, which nobody can guess: for players, who have no project. What may be played is the caller's to check. */
export async function findVideoById(db: Kysely<Schema>, id: string, sealer: Sealer): Promise<Video | null> {
  const row = await selectVideos(db).where('video.id', '=', id).executeTakeFirst();
  return row ? toVideo(row, sealer) : null;
}

/** The video that a job encodes; null where it encodes none. */
export async function findVideoOfJob(db: Kysely<Schema>, ref: JobRef, sealer: Sealer): Promise<Video | null> {
  const row = await selectVideos(db)
    .innerJoin('video_job', 'video_job.video_id', 'video.id')
    .where('video.project_id', '=', ref.projectId)
    .where('video_job.job_id', '=', ref.jobId)
    .executeTakeFirst();
  return row ? toVideo(row, sealer) : null;
}

const VIDEO_SORTS = ['created_at', 'updated_at', 'title', 'size', 'duration'] as const;
export type VideoSort = (typeof VIDEO_SORTS)[number];

export type VideoListing = {
  readonly projectId: string;
  /** Part of title, description, filename, a tag or the id; any case. */
  readonly search?: string;
  readonly status?: VideoStatus;
  readonly tag?: string;
  readonly sort: VideoSort;
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
};

/** One page, and how many there are in all. */
export async function listVideos(
  db: Kysely<Schema>,
  listing: VideoListing,
  sealer: Sealer,
): Promise<{ readonly videos: Video[]; readonly total: number }> {
  const { projectId, search, status, tag, sort, descending, limit, offset } = listing;
  const pattern = searchPattern(search ?? '');
  const found = selectVideos(db)
    .where('video.project_id', '=', projectId)
    .$if(search !== undefined && search !== '', (query) =>
      query.where(
        sql<boolean>`concat_ws(' ', video.title, video.description, video.filename, video.id::text, array_to_string(video.tags, ' ')) ilike ${pattern}`,
      ),
    )
    .$if(tag !== undefined, (query) => query.where(sql<boolean>`video.tags @> array[${plainText(tag ?? '')}]::text[]`))
    .$if(status !== undefined, (query) => query.where(STATUS, '=', status ?? 'ready'));
  const rows = await found
    .orderBy(ORDERS[sort], (order) => (descending ? order.desc() : order.asc()).nullsLast())
    .orderBy('video.id', descending ? 'desc' : 'asc')
    .limit(limit)
    .offset(offset)
    .execute();
  const counted = await found.clearSelect().select(sql<number>`count(*)::int`.as('total')).executeTakeFirstOrThrow();
  return { videos: rows.map((row) => toVideo(row, sealer)), total: counted.total };
}

const ORDERS = {
  created_at: sql`video.created_at`,
  updated_at: sql`video.updated_at`,
  title: sql`lower(video.title)`,
  size: sql`video.size`,
  duration: sql`(main.facts->>'duration')::float8`,
} as const satisfies Record<VideoSort, unknown>;

/** Videos by status, of one project. */
export async function countVideos(
  db: Kysely<Schema>,
  projectId: string,
): Promise<Partial<Record<VideoStatus, number>>> {
  const rows = await selectVideos(db)
    .where('video.project_id', '=', projectId)
    .clearSelect()
    .select([STATUS.as('status'), sql<number>`count(*)::int`.as('count')])
    .groupBy(STATUS)
    .execute();
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

/** Ids of a project's videos in one of these statuses, oldest first. */
export async function listVideoIds(
  db: Kysely<Schema>,
  { projectId, statuses }: { readonly projectId: string; readonly statuses: readonly VideoStatus[] },
): Promise<string[]> {
  const rows = await selectVideos(db)
    .where('video.project_id', '=', projectId)
    .where(STATUS, 'in', statuses)
    .clearSelect()
    .select('video.id')
    .orderBy('video.id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Which of these are videos, of any project: what storage holds for the others belongs to nobody. */
export async function findVideoIds(db: Kysely<Schema>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.selectFrom('video').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
}

/** One output of one of the video's jobs. */
export type VideoOutput = JobRef & { readonly uuid: string; readonly index: number };

/**
 * What a video's streams are made of, oldest first: each of its jobs has one adaptive output, index 0. The master
 * playlist lists the renditions of all of them; sound, subtitles and pictures are those of the first.
 */
export function listVideoOutputs({ projectId, jobs }: Pick<Video, 'projectId' | 'jobs'>): VideoOutput[] {
  return jobs.map(({ jobId, uuid }) => ({ projectId, jobId, uuid, index: 0 }));
}

/** Locks the video's row until the transaction ends: all that decides about its jobs goes one after another. False where there is none. */
export async function lockVideo(db: Kysely<Schema>, { projectId, id }: VideoRef): Promise<boolean> {
  const row = await db
    .selectFrom('video')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** What may change of a video. Left out stays as it is. */
type Changeable = Pick<
  Video,
  'title' | 'description' | 'tags' | 'posterTime' | 'playbackPolicy' | 'stopped' | 'transcode' | 'qualities' | 'size'
> &
  Pick<Video, 'storageKey' | 'error' | 'playableAt' | 'filename'>;
export type VideoChange = { readonly [K in keyof Changeable]?: Changeable[K] | undefined };

/** False where there is none. */
export async function changeVideo(
  db: Kysely<Schema>,
  { projectId, id }: VideoRef,
  change: VideoChange,
): Promise<boolean> {
  const result = await db
    .updateTable('video')
    .set({
      updated_at: new Date(),
      ...(change.title === undefined ? {} : { title: plainText(change.title) }),
      ...(change.description === undefined ? {} : { description: plainText(change.description) }),
      ...(change.filename === undefined ? {} : { filename: plainText(change.filename) }),
      ...(change.tags === undefined ? {} : { tags: change.tags.map(plainText) }),
      ...(change.qualities === undefined ? {} : { qualities: change.qualities && [...change.qualities] }),
      ...(change.posterTime === undefined ? {} : { poster_time: change.posterTime }),
      ...(change.playbackPolicy === undefined ? {} : { playback_policy: change.playbackPolicy }),
      ...(change.stopped === undefined ? {} : { stopped: change.stopped }),
      ...(change.transcode === undefined ? {} : { transcode: change.transcode }),
      ...(change.size === undefined ? {} : { size: change.size }),
      ...(change.storageKey === undefined ? {} : { storage_key: change.storageKey }),
      ...(change.error === undefined ? {} : { error: change.error && json(change.error) }),
      ...(change.playableAt === undefined ? {} : { playable_at: change.playableAt }),
    })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Notes when a video could first be played. True for the one call that was first. */
export async function markVideoPlayable(db: Kysely<Schema>, { projectId, id }: VideoRef): Promise<boolean> {
  const result = await db
    .updateTable('video')
    .set({ playable_at: new Date() })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .where('playable_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Gives a job to its video, after those it has. The video's row is locked. */
export async function insertVideoJob(
  db: Kysely<Schema>,
  { projectId, videoId, jobId }: JobRef & { readonly videoId: string },
): Promise<void> {
  await sql`
    insert into video_job (video_id, job_id, project_id, position)
    select ${videoId}, ${jobId}, ${projectId}, coalesce(max(position) + 1, 0) from video_job where video_id = ${videoId}
  `.execute(db);
}

/** Jobs of a video that began before its original was whole. */
export async function listArrivingJobs(db: Kysely<Schema>, { projectId, id }: VideoRef): Promise<number[]> {
  const rows = await db
    .selectFrom('video_job')
    .innerJoin('job', 'job.id', 'video_job.job_id')
    .select('job.id')
    .where('video_job.project_id', '=', projectId)
    .where('video_job.video_id', '=', id)
    .where('job.arrival', '=', 'arriving')
    .execute();
  return rows.map((row) => row.id);
}

export async function deleteVideoRow(db: Kysely<Schema>, { projectId, id }: VideoRef): Promise<void> {
  await db.deleteFrom('video').where('project_id', '=', projectId).where('id', '=', id).execute();
}

/** The one derivation of a video's status; see VIDEO_STATUSES. */
const STATUS = sql<VideoStatus>`case
  when video.error is not null then 'failed'
  when main.arrival = 'arriving' and upload.status = 'receiving' then 'uploading'
  when main.arrival = 'arriving' then 'uploaded'
  when work.processing then 'processing'
  when work.queued then 'queued'
  when work.paused then 'stopped'
  when main.status = 'completed' then 'ready'
  when main.status = 'failed' then 'failed'
  when main.status = 'canceled' then 'stopped'
  when video.storage_key is not null then case when video.stopped then 'stopped' else 'uploaded' end
  when upload.status = 'finishing' then 'uploaded'
  else 'uploading' end`;

function selectVideos(db: Kysely<Schema>) {
  return db
    .selectFrom('video')
    .leftJoin('upload', 'upload.id', 'video.id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('video_job as first')
          .innerJoin('job', 'job.id', 'first.job_id')
          .whereRef('first.video_id', '=', 'video.id')
          .orderBy('first.position')
          .limit(1)
          .select(['job.status', 'job.facts', 'job.plan', 'job.arrival'])
          .as('main'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('video_job as each')
          .innerJoin('job', 'job.id', 'each.job_id')
          .whereRef('each.video_id', '=', 'video.id')
          .select([
            sql<boolean | null>`bool_or(job.status = 'processing')`.as('processing'),
            sql<boolean | null>`bool_or(job.status = 'queued')`.as('queued'),
            sql<boolean | null>`bool_or(job.status = 'paused')`.as('paused'),
            sql<VideoJob[] | null>`jsonb_agg(jsonb_build_object('jobId', job.id, 'uuid', job.uuid, 'status', job.status,
              'progress', job.progress, 'etaSeconds', job.eta_seconds, 'error', job.error,
              'qualities', jsonb_path_query_array(job.plan, '$.video[*].name')) order by each.position)`.as('jobs'),
          ])
          .as('work'),
      (join) => join.onTrue(),
    )
    .selectAll('video')
    .select([
      'work.jobs',
      STATUS.as('status'),
      // A still picture has none of its own: it is shown for as long as its stream plays.
      sql<
        number | null
      >`coalesce(nullif((main.facts->>'duration')::float8, 0), (main.plan#>>'{timelines,0,duration}')::float8)`.as(
        'duration',
      ),
      sql<number | null>`(main.facts#>>'{video,displayWidth}')::float8`.as('width'),
      sql<number | null>`(main.facts#>>'{video,displayHeight}')::float8`.as('height'),
    ]);
}

type VideoRow = Awaited<ReturnType<ReturnType<typeof selectVideos>['executeTakeFirstOrThrow']>>;

function toVideo(row: VideoRow, sealer: Sealer): Video {
  const jobs = row.jobs ?? [];
  const error: Failure | null = row.error ?? jobs[0]?.error ?? null;
  return {
    id: row.id,
    projectId: row.project_id,
    title: row.title,
    description: row.description,
    tags: row.tags,
    filename: row.filename,
    size: row.size,
    storageKey: row.storage_key,
    qualities: row.qualities,
    transcode: row.transcode,
    stopped: row.stopped,
    posterTime: row.poster_time,
    playbackPolicy: row.playback_policy,
    encryption: row.encryption,
    contentKey: row.content_key && sealer.unseal(row.content_key),
    notificationUrl: row.notification_url && openUrl(row.notification_url, sealer),
    baseUrl: row.base_url,
    error,
    playableAt: row.playable_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    status: row.status,
    jobs,
    duration: row.duration,
    width: row.width,
    height: row.height,
  };
}
