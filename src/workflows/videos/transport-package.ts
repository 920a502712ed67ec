// A package as MPEG-TS: the same segments under other names, as large as they may become on the way out. Used by read-stream.ts.
import type { Package, PackagedTrack } from '#media/package.ts';

/** Bytes that MPEG-TS adds at the most: 4 of every 188, a packet begun for each sample with its headers, and tables ten times a second. */
const TS_HEADERS = 188 / 184;
const TS_SAMPLE = 230;
const TS_SECOND = 4000;

export function transportTrack<T>(track: PackagedTrack<T>): PackagedTrack<T> {
  const segments = track.segments.map((segment) => ({
    ...segment,
    init: null,
    name: segment.name.replace(/\.m4s$/, '.ts'),
    size: Math.ceil(
      segment.size * TS_HEADERS + segment.samples * TS_SAMPLE + (segment.duration / track.timescale + 1) * TS_SECOND,
    ),
  }));
  return { ...track, extension: 'ts', segments };
}

export const asTransport = (whole: Package): Package => ({
  ...whole,
  video: whole.video.map(transportTrack),
  audio: whole.audio.map(transportTrack),
});

export const inFolder = (whole: Package, folder: string): Package => ({
  ...whole,
  video: whole.video.map((track) => ({ ...track, folder: folder + track.folder })),
  audio: whole.audio.map((track) => ({ ...track, folder: folder + track.folder })),
  texts: whole.texts.map((one) => ({ ...one, folder: folder + one.folder })),
});
