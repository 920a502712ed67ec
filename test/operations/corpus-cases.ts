// Odd real files through the operations, where the corpus is beside the project. Used by run.ts.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './cases.ts';

export const CORPUS = join(import.meta.dirname, '../../../shared/corpus/torture');

const PICTURES = /\.(jpg|png|webp|avif|heic|bmp|gif)$/;
const SOUNDS = /\.(m4a|aac|opus|wav)$|^(audio-only|eac3-joc-atmos)\.mp4$/;
/** Hours of decoding for a check that the others make as well. */
const LONG = /6min|60s/;
/** Files without sound, or whose sound FFmpeg has no decoder for. */
const SOUNDLESS =
  /^(annex-b|no-audio|av1-bipbop|dolby-vision|fps120|hdr10|made-dnxhr|prores|rot-and-mirror|sar-2x1|tiny-1x1|vvc|vp9-alpha|vfr-cursed|one-frame)/;
/** What must be refused, and by which code. */
const REFUSED: Readonly<Record<string, string>> = {
  'jpeg-giant-20000x14000.jpg': 'media_limit',
  'vvc-h266.mp4': 'unsupported_media',
  'fragmented-gizmo.mp4': 'encrypted_media',
  'dolby-vision-p10-av1-2160p.mp4': 'unsupported_media',
};

/** None where there is no corpus. */
export function corpusCases(): Case[] {
  if (!existsSync(CORPUS)) return [];
  return readdirSync(CORPUS)
    .sort()
    .flatMap((name) => casesOf(name).map((one): Case => ({ ...one, source: `corpus/${name}`, ...refusalOf(name) })));
}

const refusalOf = (name: string): Pick<Case, 'refused'> => (REFUSED[name] ? { refused: REFUSED[name] } : {});

function casesOf(name: string): Omit<Case, 'source'>[] {
  if (name === 'gif-animated-squares.gif')
    return ['gif', 'webp', 'avif'].map((format) => ({
      operation: 'image_convert',
      parameters: { output_format: format },
      format,
      judge: 'animation',
    }));
  if (PICTURES.test(name))
    return ['jpg', 'png', 'webp'].map((format) => ({
      operation: 'image_convert',
      parameters: { output_format: format },
      format,
      judge: 'picture',
    }));
  if (SOUNDS.test(name))
    return ['mp3', 'flac', 'opus'].map((format) => ({
      operation: 'audio_convert',
      parameters: { output_format: format },
      format,
      judge: 'sound',
    }));
  const thumbnail: Omit<Case, 'source'> = {
    operation: 'video_thumbnail',
    parameters: { time: 0 },
    format: 'jpg',
    judge: 'picture',
  };
  if (LONG.test(name)) return [];
  if (SOUNDLESS.test(name)) return [thumbnail];
  const sound: Omit<Case, 'source'> = {
    operation: 'audio_extract',
    parameters: { output_format: 'm4a' },
    format: 'm4a',
    judge: 'sound',
  };
  return [thumbnail, sound];
}
