// The original of a video as a download. Called by the stream routes.
import type { Video } from '#domain/video.ts';
import type { ServedFile } from '#workflows/read-package.ts';

const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  mkv: 'video/x-matroska',
  webm: 'video/webm',
  avi: 'video/x-msvideo',
  ts: 'video/mp2t',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  '3gp': 'video/3gpp',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  flac: 'audio/flac',
  wav: 'audio/wav',
};

/** Null until it is whole. What its name ends in tells the type: it is saved, never shown. */
export function originalFile({ storageKey, size, filename }: Video): ServedFile | null {
  if (storageKey === null || size === null) return null;
  const extension = /\.([A-Za-z0-9]{1,5})$/.exec(filename)?.[1]?.toLowerCase() ?? '';
  const mediaType = TYPES[extension] ?? 'application/octet-stream';
  return { kind: 'object', key: storageKey, size, mediaType, name: 'original' };
}
