// What a command of an operation is, and the wishes it starts from. Used by the commands beside this file.
import type { VideoCodec } from '#domain/codec.ts';
import type { Operation, ValuesOf } from '#domain/operations/definition.ts';
import type { SoundFormat } from '#domain/operations/sound-options.ts';
import type { MetadataWish, OutputSpec, PictureOptions, SoundOptions } from '#domain/output.ts';

/** What is known of the uploaded file when the job is made. */
export type OperationInput = {
  /** By content: what recognizeFormat (domain/operations/formats.ts) calls it. */
  readonly format: string;
};

/** From validated parameters to what the engine is to make, in the engine's own words. */
export type Command<O> =
  O extends Operation<infer P> ? (values: ValuesOf<P>, input: OperationInput) => readonly OutputSpec[] : never;

export function pictureOptions(changes: Partial<PictureOptions>): PictureOptions {
  return {
    quality: null,
    lossless: false,
    background: null,
    metadata: 'none',
    animated: true,
    maxBytes: null,
    compress: false,
    ...changes,
  };
}

export function soundOptions(metadata: MetadataWish, changes: Partial<SoundOptions> = {}): SoundOptions {
  return { keepChannels: true, copy: false, loudness: null, metadata, ...changes };
}

/** A sound format in the engine's words: ALAC lies in an M4A. */
export const soundTarget = (format: SoundFormat): Pick<OutputSpec, 'container' | 'audioCodec'> =>
  format === 'alac' ? { container: 'm4a', audioCodec: 'alac' } : { container: format, audioCodec: null };

/** Constant quality that looks like x264's from 18 to 28 (the codecs' usual 21, 24, 32, 33 are alike: media/ladder.ts). */
const SCALES: Readonly<Record<VideoCodec, readonly [at18: number, perStep: number]>> = {
  h264: [18, 1],
  hevc: [20, 1.1],
  av1: [26, 1.8],
  vp9: [27, 1.8],
};

export function crfFor(codec: VideoCodec, quality: number): number {
  const [first, step] = SCALES[codec];
  return Math.round(first + (quality - 18) * step);
}

const FILM_FORMATS: Readonly<Record<string, 'mp4' | 'mov' | 'mkv' | 'webm'>> = {
  mov: 'mov',
  mkv: 'mkv',
  webm: 'webm',
};

/** The format a film keeps where none is named. */
export const ownFilmFormat = ({ format }: OperationInput): 'mp4' | 'mov' | 'mkv' | 'webm' =>
  FILM_FORMATS[format] ?? 'mp4';

/** The codec that is encoded for a film in a format. */
export const filmCodec = (container: string): VideoCodec => (container === 'webm' ? 'vp9' : 'h264');

const PICTURE_FORMATS = ['jpg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;

/** The format a picture keeps where none is named. */
export function ownPictureFormat({ format }: OperationInput): (typeof PICTURE_FORMATS)[number] {
  return PICTURE_FORMATS.find((one) => one === format) ?? (format === 'bmp' ? 'png' : 'jpg');
}
