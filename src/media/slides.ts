// Bitmap subtitles as pictures with times: read from what FFmpeg says, cut for one chunk, laid on a picture. Pure; used by the workflows.
import type { Fit } from '#domain/output.ts';
import type { VideoFacts } from '#domain/source-facts.ts';
import type { Box, Size } from '#media/watermark.ts';

/** What is shown from a time on, seconds on the source's own clock: the name of a PNG, or nothing. */
export type Slide = { readonly at: number; readonly picture: string | null };
export type Slides = { readonly canvas: Size; readonly slides: readonly Slide[] };

/** Milliseconds: what lasts longer has no end of its own (PGS writes the highest number there is). */
const LONGEST_SHOWN = 600_000;

/**
 * @param files names of PNGs: `1240.png` begins at 1.24 s
 * @param times ffprobe's lines: `pts_time=1.24|start_display_time=0|end_display_time=2000|num_rects=1`
 */
export function readSlides(files: readonly string[], times: readonly string[]): Slide[] {
  const shown = files
    .filter((name) => /^-?\d+\.png$/.test(name))
    .map((picture): Slide => ({ at: Number.parseInt(picture, 10) / 1000, picture }))
    .sort((a, b) => a.at - b.at);
  const ends = times.flatMap((line): Slide[] => {
    const fields = new Map(line.split('|').map((part) => part.split('=') as [string, string]));
    const begin = Number(fields.get('pts_time'));
    const length = Number(fields.get('end_display_time'));
    if (!(Number(fields.get('num_rects')) > 0) || !Number.isFinite(begin) || !(length > 0 && length < LONGEST_SHOWN))
      return [];
    const at = begin + length / 1000;
    // The next picture ends it as well.
    const isReplaced = shown.some((slide) => slide.at > begin + 0.002 && slide.at <= at);
    return isReplaced ? [] : [{ at, picture: null }];
  });
  return [...shown, ...ends].sort((a, b) => a.at - b.at);
}

/** A slide as one run of FFmpeg shows it, seconds from the run's beginning. */
export type ShownSlide = { readonly from: number; readonly until: number; readonly picture: string | null };

/** What is shown between two times of the source's clock: without a gap, from 0. */
export function slidesBetween(slides: readonly Slide[], start: number, end: number): ShownSlide[] {
  const before = slides.findLast(({ at }) => at <= start);
  const inside = slides.filter(({ at }) => at > start && at < end);
  const all = [{ at: start, picture: before?.picture ?? null }, ...inside];
  return all
    .map(({ at, picture }, i) => ({ from: at - start, until: (all[i + 1]?.at ?? end) - start, picture }))
    .filter(({ from, until }) => until - from > 0.0005);
}

/** The list by which FFmpeg's concat demuxer shows them. Names are ours; `blank` stands for nothing. */
export function slideList(shown: readonly ShownSlide[], blank: string): string {
  // A picture alone has 25 frames a second, and its times would be rounded to those.
  const lines = shown.flatMap(({ from, until, picture }) => [
    `file '${picture ?? blank}'`,
    'option framerate 1000',
    `duration ${(until - from).toFixed(3)}`,
  ]);
  return ['ffconcat version 1.0', ...lines, ''].join('\n');
}

/**
 * Where a canvas lies on a picture of that size: one made for the stored picture is stretched with it, another keeps its own
 * aspect and lies wholly inside, so that no text is cut.
 */
export function canvasBox(picture: Size & { readonly fit: Fit }, canvas: Size, video: VideoFacts): Box {
  const isStored = canvas.width === video.width && canvas.height === video.height;
  if (isStored && (picture.fit === 'contain' || picture.fit === 'fill'))
    return { width: picture.width, height: picture.height, x: 0, y: 0 };
  const aspect = isStored ? video.displayWidth / video.displayHeight : canvas.width / canvas.height;
  const width = Math.min(picture.width, Math.round((picture.height * aspect) / 2) * 2);
  const height = Math.min(picture.height, Math.round(width / aspect / 2) * 2);
  const middle = (side: number, own: number) => Math.floor((side - own) / 4) * 2;
  return { width, height, x: middle(picture.width, width), y: middle(picture.height, height) };
}
