// Which files an operation takes, as far as a name and a browser's guess tell: the server looks at the content and has the last word.
import type { Definition, MediaType } from '../../api/types.ts';

/** Endings that browsers know no type of, or that are written in another way. */
const ENDINGS: Readonly<Record<string, string>> = {
  mpeg: 'mpg',
  oga: 'ogg',
  tif: 'tiff',
  aif: 'aiff',
  heif: 'heic',
  mts: 'ts',
  m2ts: 'ts',
};
const VIDEO = ['mp4', 'mov', 'avi', 'mkv', 'webm', 'wmv', 'flv', 'm4v', '3gp', 'ts', 'mpg', 'ogv', 'mxf'];
const IMAGE = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'bmp', 'avif', 'heic', 'tiff'];
const AUDIO = ['mp3', 'wav', 'aac', 'm4a', 'ogg', 'flac', 'opus', 'wma', 'aiff', 'amr', 'ac3', 'mka', 'weba'];

export function endingOf(name: string): string {
  const ending = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return ENDINGS[ending] ?? ending;
}

/** null where nothing tells. */
export function mediaTypeOf({ name, type }: Pick<File, 'name' | 'type'>): MediaType | null {
  const ending = endingOf(name);
  if (VIDEO.includes(ending)) return 'video';
  if (IMAGE.includes(ending)) return 'image';
  if (AUDIO.includes(ending)) return 'audio';
  const family = type.split('/')[0];
  return family === 'video' || family === 'image' || family === 'audio' ? family : null;
}

/** A file that says nothing about itself is let through: its content decides. */
export function takes(
  { input_formats }: Pick<Definition, 'input_formats'>,
  file: Pick<File, 'name' | 'type'>,
): boolean {
  const ending = endingOf(file.name);
  if (input_formats.includes(ending)) return true;
  const isKnown = VIDEO.includes(ending) || IMAGE.includes(ending) || AUDIO.includes(ending);
  return !isKnown && mediaTypeOf(file) === null;
}

/** What most of the files are. */
export function mainType(files: readonly Pick<File, 'name' | 'type'>[]): MediaType | null {
  const counts = new Map<MediaType, number>();
  for (const file of files) {
    const type = mediaTypeOf(file);
    if (type) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}
