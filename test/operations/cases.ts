// The matrix: every operation with every input and output format, and what must be true of each result. Used by run.ts and the thin test.
import { PICTURE_FORMATS } from '#domain/operations/image-size.ts';
import { SOUND_FORMATS, type SoundFormat } from '#domain/operations/sound-options.ts';
import { FILMS, PICTURES, SOUNDS } from './sources.ts';

export type Case = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Name of a made source. */
  readonly source: string;
  readonly format: string;
  /** What the result is held to. */
  readonly judge: 'film' | 'picture' | 'sound' | 'animation';
  /** Part of the source that it must be, seconds. */
  readonly part?: { readonly start: number; readonly duration: number };
  /** Size that it must have, where that is another than the source's. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Form of the sound that it must have, where it is judged by its sound. */
  readonly sound?: { readonly channels: number; readonly sampleRate: number };
  /** Loudness is changed on purpose. */
  readonly louder?: boolean;
  /** Code that it must be refused with. */
  readonly refused?: string;
  /** bytes at the most */
  readonly maxBytes?: number;
};

const FILM_FORMATS = ['mp4', 'webm', 'mov', 'mkv'];
/** What only older players need. */
const OLDER_FORMATS = ['ts', 'flv', '3gp', 'avi', 'wmv', 'mpg', 'ogv'];
const films = [...Object.keys(FILMS), 'turned.mp4'];
const plainFilms = films.filter(
  (name) => !['surround.mp4', 'silent.mp4', 'variable.mkv', 'hdr.mp4', 'turned.mp4'].includes(name),
);
const soundless = ['silent.mp4', 'variable.mkv', 'hdr.mp4'];

/** Each source in each format. */
const converted = (sources: readonly string[], formats: readonly string[]): Case[] =>
  sources.flatMap((source) =>
    formats.map((format) => ({
      operation: 'video_convert',
      parameters: { output_format: format },
      source,
      format,
      judge: 'film',
    })),
  );

function filmCases(): Case[] {
  const older = ['mp4.mp4', 'surround.mp4', 'silent.mp4', 'turned.mp4', 'hdr.mp4', 'ts.ts', 'webm.webm'];
  const convert = [...converted(films, FILM_FORMATS), ...converted(older, OLDER_FORMATS)];
  const named = films.map(
    (source): Case => ({
      operation: 'video_convert',
      parameters: { output_format: 'mp4', quality: 'high' },
      source,
      format: 'mp4',
      judge: 'film',
    }),
  );
  const gif = plainFilms.map(
    (source): Case => ({
      operation: 'video_convert',
      parameters: { output_format: 'gif' },
      source,
      format: 'gif',
      judge: 'animation',
    }),
  );
  const compress = films.map(
    (source): Case => ({ operation: 'video_compress', parameters: {}, source, format: 'mp4', judge: 'film' }),
  );
  const sized: Case[] = ['mov', 'mkv'].map((format) => ({
    operation: 'video_compress',
    parameters: { target_size_mb: 0.15, output_format: format },
    source: 'mp4.mp4',
    format,
    judge: 'film',
    maxBytes: 150_000,
  }));
  return [...convert, ...named, ...gif, ...compress, ...sized, ...shapedFilms()];
}

function shapedFilms(): Case[] {
  const own = (name: string) => FILM_FORMATS.find((format) => name.startsWith(`${format}.`)) ?? 'mp4';
  const size = { width: 160, height: 90 };
  const resize = plainFilms.map(
    (source): Case => ({
      operation: 'video_resize',
      parameters: { width: 160 },
      source,
      format: own(source),
      judge: 'film',
      size,
    }),
  );
  const part = { start: 0.52, duration: 1.48 };
  const trim = plainFilms.map(
    (source): Case => ({
      operation: 'video_trim',
      parameters: { start: 0.52, end: 2 },
      source,
      format: own(source),
      judge: 'film',
      part,
    }),
  );
  const copied: Case = {
    operation: 'video_trim',
    parameters: { start: 1, duration: 1, mode: 'copy' },
    source: 'mp4.mp4',
    format: 'mp4',
    judge: 'film',
    part: { start: 1, duration: 1 },
  };
  const thumbnails = [...plainFilms, 'turned.mp4'].map(
    (source): Case => ({
      operation: 'video_thumbnail',
      parameters: { time: 1 },
      source,
      format: 'jpg',
      judge: 'picture',
      part: { start: 1, duration: 0.04 },
    }),
  );
  const formats = ['png', 'webp', 'avif'].map(
    (format): Case => ({
      operation: 'video_thumbnail',
      parameters: { time: 1, output_format: format },
      source: 'mp4.mp4',
      format,
      judge: 'picture',
      part: { start: 1, duration: 0.04 },
    }),
  );
  const animations = ['gif', 'webp'].flatMap((format) =>
    plainFilms.map(
      (source): Case => ({
        operation: 'video_to_gif',
        parameters: { start: 0.5, duration: 1, width: 160, output_format: format },
        source,
        format,
        judge: 'animation',
        part: { start: 0.5, duration: 1 },
        size,
      }),
    ),
  );
  return [...resize, ...trim, copied, ...thumbnails, ...formats, ...animations];
}

const MOVING = ['moving.gif', 'moving.webp'];
/** What an animation stays one in. */
const moves = (source: string, format: string): boolean =>
  MOVING.includes(source) && ['gif', 'webp', 'avif'].includes(format);

function pictureCases(): Case[] {
  const pictures = Object.keys(PICTURES);
  const convert = pictures.flatMap((source) =>
    PICTURE_FORMATS.map(
      (format): Case => ({
        operation: 'image_convert',
        parameters: { output_format: format },
        source,
        format,
        judge: moves(source, format) ? 'animation' : 'picture',
      }),
    ),
  );
  const own = (name: string) => {
    const format = name.slice(name.lastIndexOf('.') + 1);
    return format === 'bmp' ? 'png' : format === 'heic' ? 'jpg' : format;
  };
  const resize = pictures.map((source): Case => {
    const isMoving = MOVING.includes(source);
    return {
      operation: 'image_resize',
      parameters: { width: isMoving ? 80 : 200 },
      source,
      format: own(source),
      judge: isMoving ? 'animation' : 'picture',
      size: isMoving ? { width: 80, height: 60 } : { width: 200, height: 150 },
    };
  });
  const compress = pictures.map(
    (source): Case => ({
      operation: 'image_compress',
      parameters: {},
      source,
      format: own(source),
      judge: MOVING.includes(source) ? 'animation' : 'picture',
    }),
  );
  const sized = ['jpg', 'png', 'webp', 'avif'].map(
    (format): Case => ({
      operation: 'image_compress',
      parameters: { target_size_kb: 20, output_format: format },
      source: 'png.png',
      format,
      judge: 'picture',
      maxBytes: 20_000,
    }),
  );
  return [...convert, ...resize, ...compress, ...sized];
}

type Form = { readonly channels: number; readonly sampleRate: number };

const FORMS: Readonly<Record<string, Form>> = {
  'mono-8k.wav': { channels: 1, sampleRate: 8000 },
  'deep-96k.flac': { channels: 2, sampleRate: 96_000 },
  'surround.wav': { channels: 6, sampleRate: 44_100 },
  'surround.mp4': { channels: 6, sampleRate: 44_100 },
  'flv.flv': { channels: 2, sampleRate: 44_100 },
  '3gp.3gp': { channels: 1, sampleRate: 16_000 },
};
const STEREO: Form = { channels: 2, sampleRate: 48_000 };

/** ALAC lies in an M4A. */
const endingOf = (format: SoundFormat): string => (format === 'alac' ? 'm4a' : format);

/** What a format can hold of a source: written down here by hand, from the formats' own standards. */
function formIn(format: SoundFormat, source: string): Form {
  const { channels, sampleRate } = FORMS[source] ?? STEREO;
  if (format === 'opus') return { channels, sampleRate: 48_000 };
  const most = ['mp3', 'ogg', 'ac3', 'wma'].includes(format) ? 48_000 : 192_000;
  if (format === 'mp3' || format === 'wma')
    return { channels: Math.min(2, channels), sampleRate: Math.min(most, sampleRate) };
  if (format === 'ac3') return { channels, sampleRate: Math.min(most, Math.max(32_000, sampleRate)) };
  return { channels, sampleRate: Math.min(most, sampleRate) };
}

function soundCases(): Case[] {
  const convert = Object.keys(SOUNDS).flatMap((source) =>
    SOUND_FORMATS.map(
      (format): Case => ({
        operation: 'audio_convert',
        parameters: { output_format: format },
        source,
        format: endingOf(format),
        judge: 'sound',
        sound: formIn(format, source),
      }),
    ),
  );
  const formed: Case[] = [
    {
      parameters: { output_format: 'mp3', channels: 'mono', sample_rate: 22_050, bitrate: '64k' },
      format: 'mp3',
      sound: { channels: 1, sampleRate: 22_050 },
    },
    {
      parameters: { output_format: 'wav', channels: 'mono', sample_rate: 16_000 },
      format: 'wav',
      sound: { channels: 1, sampleRate: 16_000 },
    },
    {
      parameters: { output_format: 'ogg', sample_rate: 8000 },
      format: 'ogg',
      sound: { channels: 2, sampleRate: 8000 },
    },
    {
      parameters: { output_format: 'm4a', channels: '5.1' },
      format: 'm4a',
      sound: { channels: 6, sampleRate: 48_000 },
    },
  ].map((one) => ({ ...one, operation: 'audio_convert', source: 'flac.flac', judge: 'sound' }));
  const extract = films
    .filter((source) => !soundless.includes(source))
    .flatMap((source) =>
      SOUND_FORMATS.map(
        (format): Case => ({
          operation: 'audio_extract',
          parameters: { output_format: format },
          source,
          format: endingOf(format),
          judge: 'sound',
          sound: formIn(format, source),
        }),
      ),
    );
  const normalize = Object.keys(SOUNDS).map((source): Case => {
    const own = SOUND_FORMATS.find((format) => source.endsWith(`.${format}`)) ?? 'mp3';
    return {
      operation: 'audio_normalize',
      parameters: {},
      source,
      format: own,
      judge: 'sound',
      sound: formIn(own, source),
      louder: true,
    };
  });
  return [...convert, ...formed, ...extract, ...normalize];
}

export const CASES: readonly Case[] = [...filmCases(), ...pictureCases(), ...soundCases()];
