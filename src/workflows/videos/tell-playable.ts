// Tells when a video can first be played: its source packaged on request, or the first segments of picture and sound. In the table of job-owners.ts.
import type { JobRef } from '#database/jobs.ts';
import { findVideoOfJob, markVideoPlayable } from '#database/videos.ts';
import { mainJob } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { readPackage } from '#workflows/read-package.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';

/** Jobs of which this process knows that there is nothing more to tell. */
const told = new Set<number>();
const MOST_KNOWN = 10_000;

/** Called whenever there may be more to play than before; what goes wrong is logged, for the work itself went well. */
export async function tellPlayable(platform: Platform, ref: JobRef): Promise<void> {
  if (told.has(ref.jobId)) return;
  try {
    if (await tell(platform, ref)) {
      if (told.size >= MOST_KNOWN) told.clear();
      told.add(ref.jobId);
    }
  } catch (error) {
    platform.log.warn({ err: error, jobId: ref.jobId }, 'it could not be told that a video is playable');
  }
}

async function tell(platform: Platform, { projectId, jobId }: JobRef): Promise<boolean> {
  const { db } = platform.database;
  const video = await findVideoOfJob(db, { projectId, jobId }, platform.sealer);
  if (!video || video.playableAt || mainJob(video)?.jobId !== jobId) return true;
  const output = await readPackage(platform, { projectId, jobId, index: 0 });
  if (!output?.find('master.m3u8')) return false;
  const ref = { projectId, id: video.id };
  await db.transaction().execute(async (transaction) => {
    if (await markVideoPlayable(transaction, ref))
      await recordVideoEvent(platform, transaction, { ref, type: 'video.playable' });
  });
  return true;
}
