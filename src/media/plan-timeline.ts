// The timelines of a plan: one for each different part, frame rate and kind of grid that the outputs ask for.
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { Timeline } from '#domain/plan.ts';
import type { Rational, SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { isStandard } from '#media/doctor.ts';
import { chooseFrameRate } from '#media/frame-rate.ts';
import { type Grid, makeGrid, toNumber } from '#media/grid.ts';
import { chooseLadder } from '#media/ladder.ts';
import { isDecorated } from '#media/plan-decoration.ts';
import type { Draft } from '#media/plan-draft.ts';

/** Seconds that a still picture is shown where the request names no duration. */
const STILL_SECONDS = 5;
/** The grid keeps at least this much, seconds: one frame of an empty-looking film. */
const LEAST_DURATION = 0.01;

/** The timeline of an output, shared with outputs of the same part, rate and grid. */
export function planTimeline(draft: Draft, spec: OutputSpec, withVideo: boolean): Timeline {
  const { facts, options } = draft;
  const video = withVideo ? facts.video : null;
  const fps = video ? outputRate(draft, spec, video) : null;
  const copied = video !== null && copiesTop(draft, spec, video);
  const { sourceStart, duration } = copied ? copiedSpan(facts, video) : span(facts, spec);
  const videoShift = video && fps ? gridShift(video, fps, sourceStart) : 0;
  const keyframes = copied && fps && video ? keyframeFrames(video, fps, sourceStart - videoShift) : null;
  const { segmentSeconds, evenChunks = false } = options;
  const grid: Grid = makeGrid({ duration, fps, segmentSeconds, keyframes, evenChunks });
  const part = { sourceStart, videoShift, ...grid };
  const known = draft.timelines.find(({ id: _, ...rest }) => JSON.stringify(rest) === JSON.stringify(part));
  if (known) return known;
  const timeline: Timeline = { id: draft.timelines.length, ...part };
  draft.timelines.push(timeline);
  return timeline;
}

/** The wanted part of the source: seconds on its own clock, and length. */
export function span(
  facts: SourceFacts,
  spec: Pick<OutputSpec, 'start' | 'duration' | 'startShare'>,
): { sourceStart: number; duration: number } {
  if (facts.isStill) return { sourceStart: 0, duration: spec.duration ?? STILL_SECONDS };
  const start = spec.start + (spec.startShare ?? 0) * facts.duration;
  if (spec.start > 0 && spec.start >= facts.duration) {
    throw new PlatformError(
      'invalid_request',
      `start is ${spec.start} s, but the source lasts ${facts.duration.toFixed(3)} s`,
    );
  }
  const rest = facts.duration - start;
  return {
    sourceStart: facts.startTime + start,
    duration: Math.max(LEAST_DURATION, Math.min(spec.duration ?? rest, rest)),
  };
}

/** Sound that outlasts a copied picture by so little is the rest of its last frame. Seconds. */
const SOUND_TAIL = 0.1;

/**
 * A copied stream begins with its first frame and ends with its last: what is heard before it, less than a frame, is left out, and
 * no frame is held for the last few milliseconds of sound, or the encoded renditions would be longer than the copied one.
 */
function copiedSpan(facts: SourceFacts, video: VideoFacts): { sourceStart: number; duration: number } {
  const end = facts.startTime + facts.duration;
  const until = end - video.endTime < SOUND_TAIL ? video.endTime : end;
  return { sourceStart: video.startTime, duration: until - video.startTime };
}

function outputRate(draft: Draft, spec: OutputSpec, video: VideoFacts): Rational {
  const wanted = draft.facts.isStill ? (spec.fps ?? { num: 25, den: 1 }) : spec.fps;
  return chooseFrameRate(video, wanted, draft.options.limits.maxFrameRate);
}

/**
 * Seconds by which the picture is moved so that a constant-rate source falls on the grid: less than half a frame.
 * Sound that begins half a frame before the picture would otherwise put every frame between two places of the grid,
 * where the smallest jitter of its clock drops one frame and doubles the next.
 */
function gridShift(video: VideoFacts, fps: Rational, sourceStart: number): number {
  if (!video.constantFrameRate && !video.skipsFrames) return 0;
  const position = (video.startTime - sourceStart) * toNumber(fps);
  return (Math.round(position) - position) / toNumber(fps);
}

/** Whether the source's own stream is the top rendition of an output (ARCHITECTURE.md, The grid). */
export function copiesTop(draft: Draft, spec: OutputSpec, video: VideoFacts): boolean {
  const { facts, options } = draft;
  const adaptive = spec.container === 'hls' || spec.container === 'dash';
  if (!adaptive || spec.segmentFormat !== 'cmaf') return false;
  const packaged = packagesOriginal(draft);
  if (spec.videoCodec === 'copy') return requireStandard(facts, packaged);
  if (spec.passthrough === 'never' || isDecorated(spec) || !isStandard(facts, packaged).standard) return false;
  const untouched =
    spec.start === 0 && spec.duration === null && spec.fps === null && spec.width === null && spec.height === null;
  const usual = (spec.videoCodec ?? 'h264') === 'h264' && spec.rate.mode === 'capped-crf' && spec.rate.crf === null;
  if (!untouched || !usual) return false;
  const fps = outputRate(draft, spec, video);
  const own = (video.skipsFrames ? video.nominalFrameRate : video.averageFrameRate) ?? fps;
  if (Math.abs(toNumber(fps) - toNumber(own)) > 0.001) return false;
  const [top] = chooseLadder({
    width: video.displayWidth,
    height: video.displayHeight,
    fps,
    codec: 'h264',
    renditions: spec.renditions ?? options.ladder,
  });
  if (!top || top.width !== video.width || top.height !== video.height) return false;
  return video.bitrate <= top.maxBitrate;
}

/**
 * Whether the source's own streams are cut out of the original on request instead of being written to storage: the original stays where it
 * is, its index tells all, and nobody but our own server reads the segments.
 */
export function packagesOriginal({ facts, options, specs }: Pick<Draft, 'facts' | 'options' | 'specs'>): boolean {
  if (!options.keepsOriginal || !facts.indexed) return false;
  return specs.every(
    ({ container, destination }) =>
      (container === 'hls' || container === 'dash') && (destination === null || destination.kind === 'managed'),
  );
}

function requireStandard(facts: SourceFacts, packaged: boolean): true {
  const { standard, reasons } = isStandard(facts, packaged);
  if (!standard)
    throw new PlatformError('unsupported_media', `The video cannot be copied into a stream: ${reasons.join('; ')}`);
  return true;
}

function keyframeFrames(video: VideoFacts, fps: Rational, zero: number): number[] {
  return video.keyframes.map((time) => Math.round((time - zero) * toNumber(fps)));
}
