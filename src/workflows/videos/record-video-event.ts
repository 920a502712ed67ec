// Writes what becomes of a video into the list of events, with the webhook that tells it. Called in the transaction of the change.
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findUnwanted } from '#database/deliveries.ts';
import { insertEvent } from '#database/events.ts';
import type { Schema } from '#database/schema.ts';
import { findVideo, type VideoRef } from '#database/videos.ts';
import { mainJob, type Video } from '#domain/video.ts';
import { putOut } from '#workflows/add-delivery.ts';
import { EVENTS } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { viewVideo } from '#workflows/videos/view-video.ts';

const VIDEO_EVENTS = [
  'video.uploaded',
  'video.playable',
  'rendition.ready',
  'video.ready',
  'video.failed',
  'video.stopped',
  'video.resumed',
  'video.deleted',
] as const;
export type VideoEventType = (typeof VIDEO_EVENTS)[number];

export type VideoEvent = {
  readonly ref: VideoRef;
  readonly type: VideoEventType;
  /** Beside id, title and status. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Of one that is deleted: as it was. */
  readonly video?: Video;
};

/** The last act of a transaction: see insertEvent. Nothing where the video is gone. */
export async function recordVideoEvent(
  platform: Platform,
  db: Kysely<Schema>,
  { ref, type, data = {}, video: given }: VideoEvent,
): Promise<void> {
  const video = given ?? (await findVideo(db, ref, platform.sealer));
  if (!video) return;
  const shown = { video_id: video.id, title: video.title, status: video.status, ...data };
  const webhookId = await addWebhook(platform, db, { type, video, data });
  await insertEvent(db, {
    projectId: ref.projectId,
    // Playlists kept in memory are forgotten when their job is told of.
    jobId: mainJob(video)?.jobId ?? null,
    type,
    data: { ...shown, ...(webhookId === null ? {} : { webhookId }) },
    channel: EVENTS,
  });
}

type Told = { readonly type: string; readonly video: Video; readonly data: Readonly<Record<string, unknown>> };

async function addWebhook(platform: Platform, db: Kysely<Schema>, { type, video, data }: Told): Promise<string | null> {
  const { config } = platform;
  const { id: videoId, projectId, notificationUrl: url } = video;
  if (url === null || (await findUnwanted(db, { projectId, videoId }))) return null;
  const id = uuidv7();
  const base = (config.PUBLIC_URL ?? video.baseUrl ?? '').replace(/\/+$/, '');
  const shown = { ...data, video: viewVideo(platform, video, base) };
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: shown });
  await putOut(platform, db, [{ projectId, videoId, id, type, url, body }]);
  return id;
}
