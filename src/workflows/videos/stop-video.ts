// Stops the encoding of a video: every finished segment stays, the rest waits until it is resumed. Called by the video and admin routes.
import { changeVideo, type VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import type { Video } from '#domain/video.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';

/**
 * One whose upload goes on is noted as stopped: it is not begun when it is whole. Stopped already is fine.
 * @throws PlatformError `not_found`, `conflict` where it is ready or has failed
 */
export async function stopVideo(platform: Platform, ref: VideoRef): Promise<Video> {
  const { db } = platform.database;
  const video = await readVideo(platform, ref);
  if (video.status === 'ready' || video.status === 'failed')
    throw new PlatformError('conflict', `Video ${video.id} is ${video.status}: there is nothing to stop`);
  await changeVideo(db, ref, { stopped: true });
  // It may have been begun between the two.
  const running = (await readVideo(platform, ref)).jobs.filter(
    ({ status }) => status === 'queued' || status === 'processing',
  );
  // A job that is paused tells of its video.
  if (running.length === 0 && !video.stopped)
    await db
      .transaction()
      .execute((transaction) => recordVideoEvent(platform, transaction, { ref, type: 'video.stopped' }));
  for (const job of running) {
    await pauseJob(platform, { projectId: ref.projectId, jobId: job.jobId }).catch(unlessOver);
  }
  return readVideo(platform, ref);
}

/** A job that ended meanwhile is stopped as well. */
export function unlessOver(error: unknown): void {
  if (!(error instanceof PlatformError) || (error.code !== 'conflict' && error.code !== 'not_found')) throw error;
}
