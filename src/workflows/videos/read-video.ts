// A video, or the error that there is none. Called by the workflows of this folder.
import { findVideo, type VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

/** @throws PlatformError `not_found` */
export async function readVideo({ database, sealer }: Platform, ref: VideoRef): Promise<Video> {
  const video = await findVideo(database.db, ref, sealer);
  if (!video) throw new PlatformError('not_found', `There is no video ${ref.id}`);
  return video;
}
