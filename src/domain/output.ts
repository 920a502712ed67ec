// One wanted output of a job, after validation: every unit is plain (bits/s, pixels, seconds), every name is from a closed list.
import type { AudioCodec, Container, HwaccelChoice, Preset, VideoCodec } from '#domain/codec.ts';
import type { Location } from '#domain/location.ts';
import type { Rational } from '#domain/source-facts.ts';

/** How a picture fits a wanted size: inside it, cropped to it, padded to it, or stretched. */
export const FITS = ['contain', 'cover', 'pad', 'fill'] as const;
export type Fit = (typeof FITS)[number];

/** One wanted step of a ladder. `height` is the short side of the picture: 720 of a portrait video is 720 wide. */
export type RenditionSpec = {
  readonly name: string;
  readonly height: number;
  /** Cap of the video, bits/s; null takes the preset's. */
  readonly videoBitrate: number | null;
  readonly audioBitrate: number | null;
  /** Left out, the output's. */
  readonly preset?: Preset | null;
};

export type ThumbnailSpec = {
  /** Either how many over the whole length, or one every so many seconds; null for both is the storyboard's own rule. */
  readonly count: number | null;
  readonly every: number | null;
  /** pixels */
  readonly width: number;
  readonly format: 'jpg' | 'png' | 'webp';
  /** One sheet with a WebVTT file beside it. */
  readonly sprite: boolean;
};

export const WATERMARK_POSITIONS = ['top-left', 'top-right', 'bottom-left', 'bottom-right', 'center'] as const;
export type WatermarkPosition = (typeof WATERMARK_POSITIONS)[number];

/** A picture laid over the video. */
export type WatermarkSpec = {
  readonly source: Location;
  readonly position: WatermarkPosition;
  /** 0–1 */
  readonly opacity: number;
  /** Its width as a share of the video's, 0–1. */
  readonly scale: number;
  /** Distance from the edges: below 1 a share of the video's short side, else pixels of the largest rendition. */
  readonly margin: number;
};

/** Subtitles drawn into the picture: the n-th subtitle track of the source, from 0, or the first one in a language. */
export type SubtitleSpec = { readonly burn: number | string };

export type RateControl =
  /** Constant quality under a cap: what is used unless asked otherwise. */
  | { readonly mode: 'capped-crf'; readonly crf: number | null; readonly maxBitrate: number | null }
  | { readonly mode: 'abr'; readonly bitrate: number; readonly maxBitrate: number | null }
  | { readonly mode: 'two-pass'; readonly bitrate: number; readonly maxBitrate: number | null };

/** What of a file's own metadata stays: all of it, all but places, or nothing. */
export type MetadataWish = 'none' | 'safe' | 'all';

/** Wishes for a still picture, or an animation that stays one. Left out of a spec: the format's usual quality, nothing of the metadata, one frame. */
export type PictureOptions = {
  /** 1–100; null takes the format's usual. PNG and GIF get a palette with it. */
  readonly quality: number | null;
  /** WebP and AVIF without loss. */
  readonly lossless: boolean;
  /** `#rrggbb`, laid under transparency where the format has none, and around a padded picture. */
  readonly background: string | null;
  readonly metadata: MetadataWish;
  /** All frames of an animation, where the format can. */
  readonly animated: boolean;
  /** Bytes at the most: the best quality that fits, down from `quality`. */
  readonly maxBytes: number | null;
  /** More work for fewer bytes, and never more of them than the source has. */
  readonly compress: boolean;
};

/** EBU R128: LUFS, dBTP. */
export type LoudnessTarget = { readonly integrated: number; readonly truePeak: number };

/** Wishes for a sound file. */
export type SoundOptions = {
  /** Surround sound stays where the codec can; else it becomes stereo. */
  readonly keepChannels: boolean;
  /** Packets that the container takes as they are are copied, where nothing else is asked. */
  readonly copy: boolean;
  /** Tags and cover. */
  readonly metadata: MetadataWish;
  /** null is -16 LUFS, -1.5 dBTP; only with `normalizeAudio`. */
  readonly loudness: LoudnessTarget | null;
};

/** Wishes for an animation made of a film. */
export type AnimationOptions = {
  /** Of the palette, 2–256. */
  readonly colors: number;
  readonly dither: 'bayer' | 'floyd_steinberg' | 'none';
  /** How often it is played; 0 is for ever. */
  readonly loop: number;
};

export type OutputSpec = {
  readonly container: Container;
  /** null takes the container's default codec. */
  readonly videoCodec: VideoCodec | 'copy' | 'none' | null;
  readonly audioCodec: AudioCodec | 'copy' | 'none' | null;
  /** pixels, upright; one alone keeps the aspect */
  readonly width: number | null;
  readonly height: number | null;
  readonly fit: Fit;
  /** frames/s; null keeps the source's */
  readonly fps: Rational | null;
  readonly rate: RateControl;
  readonly preset: Preset | null;
  readonly hwaccel: HwaccelChoice;
  readonly audioBitrate: number | null;
  readonly audioChannels: number | null;
  /** Hz */
  readonly audioSampleRate: number | null;
  /** EBU R128, to `loudness` */
  readonly normalizeAudio: boolean;
  /** Left out, -16 LUFS and -1.5 dBTP; only with `normalizeAudio`. */
  readonly loudness?: LoudnessTarget;
  /** seconds from the beginning of the source */
  readonly start: number;
  /** seconds; null goes to the end */
  readonly duration: number | null;
  /** hls and dash: the ladder; null takes the preset ladder of the settings. */
  readonly renditions: readonly RenditionSpec[] | null;
  readonly segmentFormat: 'cmaf' | 'ts';
  /** auto copies a standard source as the top rendition. */
  readonly passthrough: 'auto' | 'never';
  readonly thumbnails: ThumbnailSpec | null;
  readonly watermark: WatermarkSpec | null;
  readonly subtitles: SubtitleSpec | null;
  /** Poster and storyboard: made for adaptive outputs unless switched off. */
  readonly storyboard: boolean;
  /** Playable as soon as can be: where nothing can be copied, a quick first segment is made alone before the ladder. */
  readonly instant: boolean;
  /** At a destination of its own, playlists appear and grow while the rest is made; else they come last. */
  readonly growing?: boolean;
  /** HLS in MPEG-TS at a destination of its own: the one sound track lies inside of every rendition's segments; several are a group beside them. */
  readonly soundInside?: boolean;
  /** The destination's folder is this output's alone: what an earlier one left there under the same kinds of names is removed at the end. */
  readonly ownsFolder?: boolean;
  /** null is managed storage. */
  readonly destination: Location | null;
  /** A size above the source's is meant; left out, nothing is made larger than it is. */
  readonly enlarge?: boolean;
  /** Share of the duration, 0–1, at which it begins, added to `start`. */
  readonly startShare?: number;
  /** Bytes of the whole file: a film is encoded in two passes to this size, and not above it. */
  readonly targetSize?: number;
  /** smaller: not above the source's own bitrates · full: the quality that `crf` says, whatever it takes. */
  readonly economy?: 'smaller' | 'full';
  readonly picture?: PictureOptions;
  readonly sound?: SoundOptions;
  readonly animation?: AnimationOptions;
};

/** What holds where nobody says otherwise: every wish left to the engine. */
export const OUTPUT_DEFAULTS = {
  videoCodec: null,
  audioCodec: null,
  width: null,
  height: null,
  fit: 'contain',
  fps: null,
  rate: { mode: 'capped-crf', crf: null, maxBitrate: null },
  preset: null,
  hwaccel: 'auto',
  audioBitrate: null,
  audioChannels: null,
  audioSampleRate: null,
  normalizeAudio: false,
  start: 0,
  duration: null,
  renditions: null,
  segmentFormat: 'cmaf',
  passthrough: 'auto',
  thumbnails: null,
  watermark: null,
  subtitles: null,
  storyboard: false,
  instant: false,
  destination: null,
} as const satisfies Omit<OutputSpec, 'container'>;

/** An output that leaves everything to the engine but what is said. */
export const outputSpec = (said: Partial<OutputSpec> & Pick<OutputSpec, 'container'>): OutputSpec => ({
  ...OUTPUT_DEFAULTS,
  ...said,
});
