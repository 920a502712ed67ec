// The grid (ARCHITECTURE.md): segment boundaries that every rendition of a timeline shares, and the chunks they are grouped to. Pure.
import type { Chunk, Timeline } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';

/** Chunks grow from two segments to about this many seconds: short first for a quick picture, long later for little overhead. */
const LONGEST_CHUNK_SECONDS = 60;
/** Each chunk after the first is so many times as long as the one before: 12, 36, 60, 60, … */
const GROWTH = 3;
/** A source up to this long is one chunk: a seam costs more than it brings. */
export const ONE_CHUNK_SECONDS = 24;
/** Keyframes about this far apart, so that players can seek and switch inside a segment. */
const GOP_SECONDS = 2;

export const toNumber = (rate: Rational): number => rate.num / rate.den;

/** Seconds at which a frame shows. Kept as one division: 1001-rates must not gather rounding errors. */
export const frameTime = (frame: number, fps: Rational): number => (frame * fps.den) / fps.num;

/** Seconds of a boundary: of a frame, or of a millisecond where the timeline has no video. */
export function boundaryTime(timeline: Pick<Timeline, 'frames' | 'fps'>, boundary: number): number {
  return timeline.frames > 0 ? frameTime(boundary, timeline.fps) : boundary / 1000;
}

/** Boundaries of a timeline in seconds, from 0 to its end. */
export function boundaryTimes(timeline: Timeline): number[] {
  return timeline.boundaries.map((boundary) => boundaryTime(timeline, boundary));
}

export type GridOptions = {
  /** seconds */
  readonly duration: number;
  /** null where there is no video */
  readonly fps: Rational | null;
  readonly segmentSeconds: number;
  /** Frame numbers of the source's keyframes, rising, where the top rendition is copied; null for a regular grid. */
  readonly keyframes: readonly number[] | null;
  /** Chunks do not grow: of a source that still arrives, little is left to do behind its last byte. */
  readonly evenChunks?: boolean;
};

export type Grid = Pick<Timeline, 'duration' | 'fps' | 'frames' | 'boundaries' | 'gopFrames' | 'keyframes' | 'chunks'>;

/** Fixes frames, keyframe distance, segments and chunks of one timeline. */
export function makeGrid(options: GridOptions): Grid {
  const { fps, segmentSeconds, keyframes, evenChunks = false } = options;
  if (!fps) return soundGrid(options);
  const frames = Math.max(1, Math.round(options.duration * toNumber(fps)));
  const gopsPerSegment = Math.max(1, Math.round(segmentSeconds / GOP_SECONDS));
  const gopFrames = Math.max(1, Math.round((segmentSeconds / gopsPerSegment) * toNumber(fps)));
  const boundaries = keyframes
    ? groupKeyframes(keyframes, frames, segmentSeconds * toNumber(fps))
    : regularBoundaries(frames, gopFrames * gopsPerSegment, gopFrames);
  const grid = {
    duration: frameTime(frames, fps),
    fps,
    frames,
    boundaries,
    gopFrames: keyframes ? null : gopFrames,
    keyframes,
  };
  return {
    ...grid,
    chunks: makeChunks(
      boundaries.map((boundary) => frameTime(boundary, fps)),
      boundaries,
      evenChunks ? 1 : GROWTH,
    ),
  };
}

/** Without video the boundaries are milliseconds, and there is nothing to chunk: sound is encoded whole. */
function soundGrid({ duration, segmentSeconds }: GridOptions): Grid {
  const length = Math.max(1, Math.round(duration * 1000));
  const step = Math.round(segmentSeconds * 1000);
  return {
    duration: length / 1000,
    fps: { num: 1, den: 1 },
    frames: 0,
    boundaries: regularBoundaries(length, step, step / 2),
    gopFrames: null,
    keyframes: null,
    chunks: [],
  };
}

/** Multiples of `step` up to `end`; a last piece shorter than `least` joins the one before. */
function regularBoundaries(end: number, step: number, least: number): number[] {
  const boundaries: number[] = [];
  for (let at = 0; at < end; at += step) boundaries.push(at);
  if (boundaries.length > 1 && end - (boundaries.at(-1) ?? 0) < least) boundaries.pop();
  boundaries.push(end);
  return boundaries;
}

/** Keyframes grouped to about `step` frames: each segment ends at the keyframe nearest to its wanted length. */
function groupKeyframes(keyframes: readonly number[], end: number, step: number): number[] {
  const boundaries = [0];
  const candidates = keyframes.filter((frame) => frame > 0 && frame < end);
  for (let i = 0; i < candidates.length; i++) {
    const from = boundaries.at(-1) ?? 0;
    const here = candidates[i] ?? end;
    const next = candidates[i + 1] ?? end;
    if (Math.abs(here - from - step) <= Math.abs(next - from - step)) boundaries.push(here);
  }
  boundaries.push(end);
  return boundaries;
}

/** Runs of segments: two, then about 36 s, then 60 s, or two each; a short rest joins the chunk before it. */
function makeChunks(times: readonly number[], boundaries: readonly number[], growth: number): Chunk[] {
  const segments = boundaries.length - 1;
  const total = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const chunks: Chunk[] = [];
  let first = 0;
  let wanted = total <= ONE_CHUNK_SECONDS ? total : (times[Math.min(2, segments)] ?? total);
  while (first < segments) {
    const from = times[first] ?? 0;
    let last = first + 1;
    // Half a segment of slack: 29.97 fps segments are 6.006 s, ten of them are still "60 s".
    while (last < segments && (times[last + 1] ?? total) - from <= wanted + 0.5) last += 1;
    const rest = total - (times[last] ?? total);
    if (rest > 0 && rest < wanted / 2 && (times[last] ?? 0) - from + rest <= LONGEST_CHUNK_SECONDS * 1.5)
      last = segments;
    chunks.push({
      index: chunks.length,
      firstSegment: first,
      segments: last - first,
      startFrame: boundaries[first] ?? 0,
      endFrame: boundaries[last] ?? 0,
    });
    first = last;
    wanted = Math.min(LONGEST_CHUNK_SECONDS, wanted * growth);
  }
  return chunks;
}
