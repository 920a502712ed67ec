// What a job's change means for its video: events and webhooks of its own. In the table of job-owners.ts.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { findVideoOfJob } from '#database/videos.ts';
import { mainJob } from '#domain/video.ts';
import type { JobOwner, OwnedChange } from '#workflows/job-owners.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordVideoEvent, type VideoEventType } from '#workflows/videos/record-video-event.ts';

const TOLD: Readonly<Record<string, VideoEventType>> = {
  'job.completed': 'video.ready',
  'job.failed': 'video.failed',
  'job.paused': 'video.stopped',
};

export const followVideoJob: JobOwner = async (platform, db, change) => {
  if (change.type === 'output.uploaded') return tellRenditions(platform, db, change);
  const type = TOLD[change.type];
  if (!type) return;
  const video = await findVideoOfJob(db, change, platform.sealer);
  if (!video) return;
  const isMain = mainJob(video)?.jobId === change.jobId;
  const ref = { projectId: video.projectId, id: video.id };
  // A quality asked for later may fail: the video still plays. What failed while it arrived is tried again.
  if (type === 'video.failed' && (!isMain || video.status === 'uploading')) return;
  const error = video.jobs.find(({ jobId }) => jobId === change.jobId)?.error ?? null;
  await recordVideoEvent(platform, db, { ref, type, data: error ? { error } : {} });
};

/** Each rendition that a job made is whole now. */
async function tellRenditions(platform: Platform, db: Kysely<Schema>, change: OwnedChange): Promise<void> {
  const video = await findVideoOfJob(db, change, platform.sealer);
  if (!video) return;
  const ref = { projectId: video.projectId, id: video.id };
  const made = video.jobs.find(({ jobId }) => jobId === change.jobId)?.qualities ?? [];
  for (const quality of made) await recordVideoEvent(platform, db, { ref, type: 'rendition.ready', data: { quality } });
}
