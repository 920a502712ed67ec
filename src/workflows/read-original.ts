// Makes the init segment or a segment of a packaged rendition out of the original, when somebody asks for it. Called by what serves and joins segments.
import { PlatformError } from '#domain/error.ts';
import type { OriginalTrack, SegmentFacts } from '#domain/task.ts';
import { makeOriginalInit, makeOriginalSegment } from '#media/original.ts';
import type { Platform } from '#workflows/platform.ts';

/** Which piece of which track; without a segment the init. */
export type OriginalPiece = {
  readonly original: OriginalTrack;
  readonly segment: Omit<SegmentFacts, 'key'> | null;
};

/** @throws PlatformError `source_not_found` where the original is not what it was when it was planned */
export async function readOriginal(
  { originals }: Pick<Platform, 'originals'>,
  { original, segment }: OriginalPiece,
): Promise<Buffer> {
  return originals.use(original.key, async (index) => {
    const track = index?.tracks.find(({ id }) => id === original.track);
    const made =
      track &&
      (segment ? await makeOriginalSegment(track, original, segment) : await makeOriginalInit(track, original));
    if (!made || made.length === 0)
      throw new PlatformError('source_not_found', 'The original of this video is gone, or has been changed');
    return made;
  });
}
