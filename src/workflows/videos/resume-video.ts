// Lets stopped videos go on with what is not done yet; failed ones are tried again. Called by the video, transcode and admin routes.
import { changeVideo, findVideo, listVideoIds, type VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { mainJob, type Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { retryJob } from '#workflows/retry-job.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';
import { unlessOver } from '#workflows/videos/stop-video.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

/**
 * One that goes on already is fine.
 * @throws PlatformError `not_found`, `conflict` where it is ready, or its upload has failed
 */
export async function resumeVideo(platform: Platform, ref: VideoRef): Promise<Video> {
  const { db } = platform.database;
  const video = await readVideo(platform, ref);
  if (video.status === 'ready')
    throw new PlatformError('conflict', `Video ${video.id} is ready: there is nothing to resume`);
  if (video.status === 'failed' && !mainJob(video))
    throw new PlatformError('conflict', `Video ${video.id} cannot be resumed: ${video.error?.message ?? 'it failed'}`);
  await changeVideo(db, ref, { stopped: false });
  if (video.storageKey !== null && !mainJob(video) && video.stopped) await begin(platform, video, video.storageKey);
  const waiting = video.jobs.filter(
    ({ status }) => status === 'paused' || status === 'failed' || status === 'canceled',
  );
  for (const job of waiting) {
    const act = job.status === 'paused' ? resumeJob : retryJob;
    await act(platform, { projectId: ref.projectId, jobId: job.jobId }).catch(unlessOver);
  }
  if (video.stopped || waiting.length > 0)
    await db
      .transaction()
      .execute((transaction) => recordVideoEvent(platform, transaction, { ref, type: 'video.resumed' }));
  return readVideo(platform, ref);
}

/** All of a project that were stopped, and those whose failure may pass. Answers their ids. */
export async function resumeVideos(platform: Platform, { projectId }: Pick<VideoRef, 'projectId'>): Promise<string[]> {
  const ids = await listVideoIds(platform.database.db, { projectId, statuses: ['stopped', 'failed'] });
  const resumed: string[] = [];
  for (const id of ids) {
    const video = await findVideo(platform.database.db, { projectId, id }, platform.sealer);
    if (!video || (video.status === 'failed' && !(mainJob(video) && video.error?.retryable))) continue;
    try {
      await resumeVideo(platform, { projectId, id });
      resumed.push(id);
    } catch (error) {
      unlessOver(error);
    }
  }
  return resumed;
}

/** It was stopped before it could begin. */
async function begin(platform: Platform, video: Video, storageKey: string): Promise<void> {
  const ref = { projectId: video.projectId, id: video.id };
  await submitVideo(platform, {
    video,
    storageKey,
    qualities: video.qualities,
    isFurther: false,
    facts: null,
    alongside: async (db) => mainJob((await findVideo(db, ref, platform.sealer)) ?? video) === null,
  });
}
