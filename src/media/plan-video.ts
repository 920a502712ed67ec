// The video renditions of one output: a ladder for streams, one rendition for a file.
import { CONTAINER_FACTS, type Hardware, type VideoCodec } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { EncodeRate, Timeline, VideoRendition } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { encoderName } from '#media/command/encoder.ts';
import { economicRate } from '#media/economy.ts';
import { chooseLadder, type LadderStep } from '#media/ladder.ts';
import { planDecoration } from '#media/plan-decoration.ts';
import { type Draft, share } from '#media/plan-draft.ts';
import { soundBudget } from '#media/plan-sound.ts';
import { copiesTop, packagesOriginal } from '#media/plan-timeline.ts';

type Wanted = { readonly spec: OutputSpec; readonly index: number; readonly timeline: Timeline };

/** A still as a film has at most these pixels, whichever way it lies: a photo of 50 megapixels would be a film that few can decode. */
export const STILL_FRAME = { width: 3840, height: 2160 } as const;

/** Adds the renditions of an output to the plan; their ids, highest first. */
export function planVideo(draft: Draft, { spec, index, timeline }: Wanted): string[] {
  const { facts, options } = draft;
  const { video } = facts;
  if (!video) return [];
  const copied = copiesTop(draft, spec, video);
  const codec = copied && spec.videoCodec === 'copy' ? 'h264' : videoCodec(spec, index);
  const hardware = chooseHardware(draft, spec, codec);
  if (!hardware && !options.tool.encoders.has(encoderName(codec, null))) {
    throw new PlatformError(
      'unsupported_codec',
      `outputs.${index}.videoCodec: this FFmpeg has no ${encoderName(codec, null)}; install one that has it, or choose another codec`,
    );
  }
  const steps = ladderSteps(draft, { spec, timeline, codec });
  const shortSide = Math.max(...steps.map((step) => Math.min(step.width, step.height)));
  const decoration = planDecoration(draft, { spec, index, shortSide });
  const wanted = copied && spec.videoCodec === 'copy' ? steps.slice(0, 1) : steps;
  return wanted.map((step, i) => {
    const isCopy = copied && i === 0;
    return share<VideoRendition>(draft.video, 'v', {
      name: step.name,
      timeline: timeline.id,
      codec,
      method: isCopy ? (packagesOriginal(draft) ? 'packaged' : 'copied') : 'encoded',
      hardware: isCopy ? null : hardware,
      width: isCopy ? video.width : step.width,
      height: isCopy ? video.height : step.height,
      fit: spec.fit,
      preset: step.preset ?? spec.preset ?? options.preset,
      rate: rateOf(draft, { spec, step, timeline }),
      pixelFormat: 'yuv420p',
      decoration: isCopy ? null : decoration,
      segmentFormat: spec.segmentFormat,
    });
  });
}

function videoCodec(spec: OutputSpec, index: number): VideoCodec {
  const allowed = CONTAINER_FACTS[spec.container].video;
  const wanted = spec.videoCodec ?? allowed[0];
  if (wanted === undefined || wanted === 'copy' || wanted === 'none' || !allowed.includes(wanted)) {
    throw new PlatformError(
      'unsupported_codec',
      `outputs.${index}.videoCodec: ${spec.container} takes ${allowed.join(', ')}`,
    );
  }
  return wanted;
}

function ladderSteps(
  draft: Draft,
  { spec, timeline, codec }: { spec: OutputSpec; timeline: Timeline; codec: VideoCodec },
): LadderStep[] {
  const { video } = draft.facts;
  if (!video) return [];
  const size = { width: video.displayWidth, height: video.displayHeight };
  const wish = { ...size, fps: timeline.fps, codec };
  if (spec.container === 'hls' || spec.container === 'dash') {
    return chooseLadder({ ...wish, renditions: spec.renditions ?? draft.options.ladder });
  }
  const target = withinLimits(draft, fileSize(draft.facts.isStill ? withinStillFrame(size) : size, spec));
  const short = Math.min(target.width, target.height);
  // The rates of a file are those of the ladder for as many pixels.
  const [step] = chooseLadder({
    ...wish,
    ...target,
    renditions: [{ name: `${short}p`, height: short, videoBitrate: null, audioBitrate: null }],
  });
  return step ? [{ ...step, ...target }] : [];
}

/** Only what is meant to grow can come out beyond them. */
function withinLimits({ options }: Draft, size: { width: number; height: number }): { width: number; height: number } {
  const { maxWidth, maxHeight } = options.limits;
  const [long, short] = [Math.max(maxWidth, maxHeight), Math.min(maxWidth, maxHeight)];
  if (Math.max(size.width, size.height) > long || Math.min(size.width, size.height) > short)
    throw new PlatformError(
      'media_limit',
      `The video would be ${size.width}x${size.height}; at most ${maxWidth}x${maxHeight} are made (MAX_VIDEO_WIDTH, MAX_VIDEO_HEIGHT).`,
    );
  return size;
}

function withinStillFrame({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(1, STILL_FRAME.width / Math.max(width, height), STILL_FRAME.height / Math.min(width, height));
  return { width: width * scale, height: height * scale };
}

const even = (pixels: number): number => Math.max(2, Math.floor(pixels / 2) * 2);

/** Pixels of a file's picture: inside the wanted box and never above the source, unless the box itself is to be filled. */
export function fileSize(
  source: { width: number; height: number },
  spec: Pick<OutputSpec, 'width' | 'height' | 'fit' | 'enlarge'>,
): { width: number; height: number } {
  if (spec.width !== null && spec.height !== null && spec.fit !== 'contain')
    return { width: even(spec.width), height: even(spec.height) };
  const asksNothing = spec.width === null && spec.height === null;
  const scale = Math.min(
    spec.enlarge && !asksNothing ? Number.POSITIVE_INFINITY : 1,
    (spec.width ?? Number.POSITIVE_INFINITY) / source.width,
    (spec.height ?? Number.POSITIVE_INFINITY) / source.height,
  );
  if (scale === 1) return { width: even(source.width), height: even(source.height) };
  const near = (pixels: number) => Math.max(2, Math.round((pixels * scale) / 2) * 2);
  return { width: near(source.width), height: near(source.height) };
}

type Rated = { readonly spec: OutputSpec; readonly step: LadderStep; readonly timeline: Timeline };

function rateOf({ facts }: Draft, { spec, step, timeline }: Rated): EncodeRate {
  const { rate } = spec;
  if (spec.targetSize !== undefined) return sizedRate(facts, spec, timeline);
  if (spec.economy && rate.mode === 'capped-crf' && rate.maxBitrate === null) {
    const usual = { crf: rate.crf ?? step.crf, cap: step.maxBitrate, usualCrf: step.crf };
    return economicRate(facts, spec, usual);
  }
  if (rate.mode === 'capped-crf') {
    const maxBitrate = rate.maxBitrate ?? step.maxBitrate;
    return {
      mode: 'capped-crf',
      crf: rate.crf ?? step.crf,
      maxBitrate,
      bufferSize: Math.round((maxBitrate / 1.07) * 1.5),
    };
  }
  return {
    mode: rate.mode,
    bitrate: rate.bitrate,
    maxBitrate: rate.maxBitrate ?? Math.round(rate.bitrate * 1.07),
    bufferSize: Math.round(rate.bitrate * 1.5),
  };
}

/** Two passes, so that a size is met with the best the picture can have. */
function sizedRate(facts: SourceFacts, spec: OutputSpec, { duration }: Timeline): EncodeRate {
  const bitrate = Math.min(
    soundBudget(facts, spec, duration).video,
    // More than the source has would be bits for nothing.
    facts.video && facts.video.bitrate > 0 ? Math.max(1, facts.video.bitrate) : Number.POSITIVE_INFINITY,
  );
  return {
    mode: 'two-pass',
    bitrate,
    maxBitrate: Math.round(bitrate * 1.5),
    bufferSize: Math.round(bitrate * 2),
  };
}

function chooseHardware({ options }: Draft, spec: OutputSpec, codec: VideoCodec): Hardware | null {
  const choice = spec.hwaccel === 'auto' ? options.hwaccel : spec.hwaccel;
  if (choice === 'none') return null;
  const able = options.tool.hardware.filter((one) => one.codec === codec && (choice === 'auto' || one.kind === choice));
  // Two passes are a software encoder's art.
  return spec.rate.mode === 'two-pass' || spec.targetSize !== undefined ? null : (able[0]?.kind ?? null);
}
