// What an interrupted attempt has left of a chunk, and what is still to be made of it: encoding goes on behind the last segment that all renditions have. Pure; called by chunk.ts.
import type { Chunk, Timeline, VideoRendition } from '#domain/plan.ts';
import type { TrackPart } from '#domain/task.ts';

export type ResumedChunk = {
  /** Segments that stay, by rendition without a gap from the chunk's first. */
  readonly kept: readonly TrackPart[];
  /** What all renditions have already; null where that is nothing. */
  readonly made: Chunk | null;
  /** The rest; null where nothing is left. */
  readonly rest: Chunk | null;
};

export type Interrupted = {
  readonly timeline: Pick<Timeline, 'boundaries'>;
  readonly chunk: Chunk;
  readonly renditions: readonly Pick<VideoRendition, 'id'>[];
  readonly published: readonly TrackPart[];
};

/** A segment with fewer frames than the grid gives it was cut short: it and what follows is made again. */
export function resumeChunk({ timeline, chunk, renditions, published }: Interrupted): ResumedChunk {
  const tracks = renditions.map(({ id }) => keptOf({ timeline, chunk, renditions, published }, id));
  const counts = tracks.map((parts) => parts.reduce((count, { segments }) => count + segments.length, 0));
  const done = counts.length === 0 ? 0 : Math.min(...counts);
  const middle = chunk.firstSegment + done;
  const frame = timeline.boundaries[middle] ?? chunk.endFrame;
  return {
    kept: tracks.flat(),
    made: done === 0 ? null : { ...chunk, segments: done, endFrame: frame },
    rest:
      done === chunk.segments
        ? null
        : { ...chunk, firstSegment: middle, segments: chunk.segments - done, startFrame: frame },
  };
}

function keptOf({ timeline, chunk, published }: Interrupted, rendition: string): TrackPart[] {
  let next = chunk.firstSegment;
  const isWhole = ({ index, samples }: TrackPart['segments'][number]): boolean => {
    const [from, to] = [timeline.boundaries[index], timeline.boundaries[index + 1]];
    if (index !== next || from === undefined || samples !== (to ?? from) - from) return false;
    next += 1;
    return next <= chunk.firstSegment + chunk.segments;
  };
  return published
    .filter((part) => part.rendition === rendition)
    .map((part) => ({ ...part, segments: part.segments.filter(isWhole) }))
    .filter(({ segments }) => segments.length > 0);
}
