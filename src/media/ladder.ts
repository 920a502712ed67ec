// The ladder: which renditions a picture gets, their sizes and rates. Pure; called by plan.ts.
import type { Preset, VideoCodec } from '#domain/codec.ts';
import type { RenditionSpec } from '#domain/output.ts';
import type { Rational } from '#domain/source-facts.ts';
import { rateNumber } from '#media/frame-rate.ts';

export type LadderPreset = {
  /** Short side, pixels. */
  readonly height: number;
  /** bits/s of H.264 at 16:9 and up to 30 frames/s */
  readonly bitrate: number;
  readonly audioBitrate: number;
};

/** The presets by name, highest first. 1080p to 360p are the upload service's own; the others continue their line. */
const LADDER_PRESETS: Readonly<Record<string, LadderPreset>> = {
  '2160p': { height: 2160, bitrate: 16_000_000, audioBitrate: 192_000 },
  '1440p': { height: 1440, bitrate: 9_000_000, audioBitrate: 192_000 },
  '1080p': { height: 1080, bitrate: 5_800_000, audioBitrate: 128_000 },
  '720p': { height: 720, bitrate: 3_500_000, audioBitrate: 128_000 },
  '480p': { height: 480, bitrate: 1_600_000, audioBitrate: 128_000 },
  '360p': { height: 360, bitrate: 900_000, audioBitrate: 96_000 },
  '240p': { height: 240, bitrate: 400_000, audioBitrate: 64_000 },
};

const PRESETS_RISING = Object.values(LADDER_PRESETS).sort((a, b) => a.height - b.height);
const WIDE = 16 / 9;
/** A source this near to a step is of that step's class: 1920x816 and 1920x1072 are 1080p at their own size. */
const SAME_CLASS = 0.9;
const LEAST_BITRATE = 64_000;

/** Bits that other codecs need for the picture that H.264 gives, and the constant quality that is alike (x264 21, veryfast). */
const CODEC_RATES: Readonly<Record<VideoCodec, { readonly share: number; readonly crf: number }>> = {
  h264: { share: 1, crf: 21 },
  hevc: { share: 0.65, crf: 24 },
  av1: { share: 0.55, crf: 32 },
  vp9: { share: 0.6, crf: 33 },
};

export type LadderStep = {
  readonly name: string;
  /** pixels, even, upright, never above the source */
  readonly width: number;
  readonly height: number;
  /** bits/s: the average that ABR aims at */
  readonly bitrate: number;
  /** bits/s: the cap of capped CRF (1.07 × bitrate) */
  readonly maxBitrate: number;
  /** bits (1.5 × bitrate) */
  readonly bufferSize: number;
  readonly crf: number;
  readonly audioBitrate: number;
  /** Where the step has one of its own. */
  readonly preset?: Preset;
};

export type LadderWish = {
  /** Size in square pixels, upright, as the viewer should see it. */
  readonly width: number;
  readonly height: number;
  /** Of the output. */
  readonly fps: Rational;
  readonly codec: VideoCodec;
  /** Names (`720p`) or steps with their own figures, in any order. */
  readonly renditions: readonly (string | RenditionSpec)[];
};

/** `720p` → 720; null for anything that is no such name. */
export function parseRungName(name: string): number | null {
  const height = /^(\d{2,4})p$/.exec(name)?.[1];
  return height === undefined || Number(height) < 16 || Number(height) > 4320 ? null : Number(height);
}

/** A named step as a specification with the preset's rates; null where the name is none. */
export function presetRendition(name: string): RenditionSpec | null {
  const height = parseRungName(name);
  return height === null ? null : { name, height, videoBitrate: null, audioBitrate: null };
}

/**
 * The renditions of a picture, highest first: every wanted step that the source reaches, in the source's aspect and orientation.
 * The number of a step is its short side. A source of a step's class but a little smaller keeps its own size under that step's name;
 * one smaller than every step gets one rendition, at its own size. Steps of equal size are one.
 */
export function chooseLadder(wish: LadderWish): LadderStep[] {
  const wanted = wish.renditions
    .map((one) => (typeof one === 'string' ? presetRendition(one) : one))
    .filter((one) => one !== null)
    .sort((a, b) => b.height - a.height);
  const reached = wanted.filter((one) => reaches(wish, one.height));
  const lowest = wanted.at(-1);
  const short = Math.min(wish.width, wish.height);
  const chosen =
    reached.length > 0
      ? reached
      : [
          {
            name: `${Math.max(2, evenBelow(short))}p`,
            height: short,
            videoBitrate: lowest?.videoBitrate ?? null,
            audioBitrate: lowest?.audioBitrate ?? null,
            preset: lowest?.preset ?? null,
          },
        ];
  const bySize = new Map<string, LadderStep>();
  for (const one of chosen) {
    const step = ladderStep(wish, one);
    // Two steps can both end at the source's own size: the nearer name, which comes later, wins.
    bySize.set(`${step.width}x${step.height}`, step);
  }
  return [...bySize.values()];
}

/** True where the source is at least as large as a step, or of its class: nearly as high, or as wide as its 16:9 picture. */
function reaches(source: { readonly width: number; readonly height: number }, height: number): boolean {
  const [short, long] = [Math.min(source.width, source.height), Math.max(source.width, source.height)];
  return short >= height * SAME_CLASS || (long >= height * WIDE * SAME_CLASS && short >= height / 2);
}

function ladderStep(wish: LadderWish, spec: RenditionSpec): LadderStep {
  const { width, height } = scaleToShortSide(wish, spec.height);
  const usual = usualBitrate(width * height, wish.fps) * CODEC_RATES[wish.codec].share;
  const bitrate = Math.max(LEAST_BITRATE, Math.round(spec.videoBitrate ?? Math.round(usual / 1000) * 1000));
  return {
    name: spec.name,
    width,
    height,
    bitrate,
    maxBitrate: Math.round(bitrate * 1.07),
    bufferSize: Math.round(bitrate * 1.5),
    crf: CODEC_RATES[wish.codec].crf,
    audioBitrate: spec.audioBitrate ?? usualAudioBitrate(spec.height),
    ...(spec.preset ? { preset: spec.preset } : {}),
  };
}

/** Size with the wanted short side in the picture's own aspect; even, at least 2, never above the picture. */
function scaleToShortSide(
  picture: { readonly width: number; readonly height: number },
  shortSide: number,
): { width: number; height: number } {
  const short = Math.min(picture.width, picture.height);
  const factor = Math.min(1, shortSide / short);
  // Unscaled sizes only lose their odd line; scaled ones are rounded to the nearest even size.
  const fit = (side: number) =>
    Math.max(2, factor === 1 ? evenBelow(side) : Math.min(evenBelow(side), Math.round((side * factor) / 2) * 2));
  return { width: fit(picture.width), height: fit(picture.height) };
}

/**
 * bits/s of H.264 for so many pixels: the presets' points, joined by straight lines between logarithms,
 * so that a picture of any aspect gets what a 16:9 picture of equal area gets. Half as much again at 60 frames/s.
 */
export function usualBitrate(pixels: number, fps: Rational): number {
  const points = PRESETS_RISING.map((preset) => [preset.height * even(preset.height * WIDE), preset.bitrate] as const);
  let index = points.findIndex(([area]) => area >= pixels);
  if (index === -1) index = points.length - 1;
  if (index === 0) index = 1;
  const [[lowArea, lowRate], [highArea, highRate]] = [points[index - 1] ?? [1, 1], points[index] ?? [1, 1]];
  const slope = Math.log(highRate / lowRate) / Math.log(highArea / lowArea);
  const extraFrames = Math.min(Math.max(rateNumber(fps), 30), 120) / 30 - 1;
  return highRate * (pixels / highArea) ** slope * (1 + extraFrames / 2);
}

function usualAudioBitrate(height: number): number {
  const preset = PRESETS_RISING.findLast((one) => one.height <= height) ?? PRESETS_RISING[0];
  return preset?.audioBitrate ?? 128_000;
}

function even(value: number): number {
  return Math.round(value / 2) * 2;
}

function evenBelow(value: number): number {
  return Math.floor(value / 2) * 2;
}
