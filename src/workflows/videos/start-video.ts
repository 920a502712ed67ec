// Starts the encoding of a video, or of qualities it does not have yet. Called by the transcode routes.
import { findVideo, type VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { mainJob, qualitiesOf, type Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { resumeVideo } from '#workflows/videos/resume-video.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

/**
 * One that was uploaded is begun, one that was stopped or has failed goes on; of one that is ready, the named qualities
 * it lacks are made by a further job.
 * @throws PlatformError `not_found`, `conflict` where there is nothing to do or its bytes are not whole
 */
export async function startVideo(
  platform: Platform,
  { qualities, ...ref }: VideoRef & { readonly qualities: readonly string[] | null },
): Promise<Video> {
  const video = await readVideo(platform, ref);
  const { storageKey } = video;
  if (storageKey === null) throw notWhole(video);
  if (!mainJob(video)) {
    const wanted = qualities ?? video.qualities;
    await submitVideo(platform, {
      video,
      storageKey,
      qualities: wanted,
      isFurther: false,
      facts: null,
      // Somebody else may have started it meanwhile.
      alongside: async (db) => mainJob((await findVideo(db, ref, platform.sealer)) ?? video) === null,
    });
  } else if (video.status === 'stopped' || video.status === 'failed') {
    return resumeVideo(platform, ref);
  } else if (video.status === 'ready') {
    const lacking = lackingQualities(video, qualities ?? []);
    await submitVideo(platform, { video, storageKey, qualities: lacking, isFurther: true, facts: null });
  } else {
    throw new PlatformError('conflict', `Video ${video.id} is ${video.status} already`);
  }
  return readVideo(platform, ref);
}

/** Of the named ones, those that there are none of and that the source reaches. @throws PlatformError `conflict` */
function lackingQualities(video: Video, named: readonly string[]): string[] {
  const made = qualitiesOf(video);
  const lacking = named.filter((quality) => !made.includes(quality));
  if (lacking.length === 0)
    throw new PlatformError(
      'conflict',
      `Video ${video.id} is ready, with ${made.join(', ') || 'its sound'}; name a quality not made yet`,
      {
        errors: [{ path: 'qualities', message: 'at least one that is not made yet' }],
      },
    );
  if (video.width === null || video.height === null)
    throw new PlatformError('conflict', `Video ${video.id} is sound alone: it has no qualities`);
  const short = Math.min(video.width, video.height);
  const above = lacking.filter((quality) => Number.parseInt(quality, 10) > short);
  if (above.length > 0)
    throw new PlatformError(
      'conflict',
      `Video ${video.id} is ${video.width}×${video.height}: ${above.join(', ')} would be larger than its source`,
      {
        errors: [{ path: 'qualities', message: `at most ${short}p` }],
      },
    );
  return lacking;
}

function notWhole({ id, error }: Pick<Video, 'id' | 'error'>): PlatformError {
  const why = error ? `its upload failed: ${error.message}` : 'its upload is not complete yet';
  return new PlatformError('conflict', `Video ${id} cannot be encoded: ${why}`);
}
