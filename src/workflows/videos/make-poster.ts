// A poster out of a segment: of a time that somebody chose, or before the one of the encode is there; of sound, its cover. Called by read-stream.ts.
import type { Job } from '#domain/job.ts';
import { coverCommand, posterCommand } from '#media/command/segment.ts';
import { inputArguments } from '#media/whitelist.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { findSegment, type ServedFile } from '#workflows/read-package.ts';
import { pipeSegment } from '#workflows/videos/pipe-segment.ts';
import type { Stream } from '#workflows/videos/read-stream.ts';

/** Pixels of width at the most. */
const WIDTH = 1280;
/** Seconds that the original may take to be read. */
const COVER_SECONDS = 30;
/** Where nobody chose: a tenth into the film, but not later. Seconds. */
const LATEST = 10;

/** Null where no segment holds that time yet. */
export function makePoster(platform: Platform, { video, pictures }: Stream): ServedFile | null {
  const wanted = video.posterTime ?? Math.min(LATEST, (video.duration ?? 0) / 10);
  for (const track of [...pictures].sort((a, b) => fitness(b.rendition.width) - fitness(a.rendition.width))) {
    const { timescale } = track;
    const end = track.segments.at(-1);
    const last = end ? (end.start + end.duration) / timescale : 0;
    // Of a growing film, the best there is for now.
    const time = Math.min(wanted, Math.max(0, last - 0.1));
    const place = track.segments.find((one) => (one.start + one.duration) / timescale > time);
    const segment = place && findSegment(platform, track, place.name);
    const init = place?.init && findSegment(platform, track, place.init.name);
    if (!segment || !init || !place) continue;
    // The picture that is seen then; at the very end the last one.
    const frame = place.duration / place.samples / timescale;
    const shown = Math.max(0, Math.min(time, (place.start + place.duration) / timescale - frame) - frame / 2);
    return {
      kind: 'made',
      key: `poster ${place.key} ${time.toFixed(3)}`,
      size: null,
      mediaType: 'image/jpeg',
      name: 'poster.jpg',
      make: () => pipeSegment(platform, { parts: [init, segment], args: posterCommand({ time: shown, width: WIDTH }) }),
    };
  }
  return null;
}

/** The picture that a sound file carries; null where it carries none. */
export function makeCover(
  platform: Platform,
  { storageKey }: Stream['video'],
  { source, facts }: Job,
): ServedFile | null {
  const stream = facts?.video ? null : (facts?.coverArt ?? null);
  if (storageKey === null || stream === null) return null;
  const make = async () => {
    const { input, close } = await openInput(
      platform,
      { source, sourceKey: storageKey },
      AbortSignal.timeout(COVER_SECONDS * 1000),
    );
    try {
      const args = coverCommand({ inputArguments: inputArguments(input), stream, width: WIDTH });
      return await pipeSegment(platform, { parts: [], args });
    } finally {
      await close();
    }
  };
  return { kind: 'made', key: `cover ${storageKey}`, size: null, mediaType: 'image/jpeg', name: 'poster.jpg', make };
}

/** The smallest that is large enough, else the largest. */
const fitness = (width: number): number => (width >= WIDTH ? 1e6 - width : width);
