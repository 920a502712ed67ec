// Pictures taken from the decode that runs anyway: poster, storyboard, thumbnails.
import type { OutputSpec } from '#domain/output.ts';
import type { PictureTrack, Timeline } from '#domain/plan.ts';
import { even } from '#media/command/picture.ts';
import { toNumber } from '#media/grid.ts';
import type { Draft } from '#media/plan-draft.ts';

/** Long side of a storyboard tile, pixels. */
const TILE = 160;
/** Tiles of one sheet at the most; a longer film has them further apart. */
const MOST_TILES = 400;
const POSTER_WIDTH = 1280;
/** A poster is the most typical of so many pictures, one a second. */
const POSTER_CANDIDATES = 10;

/** Seconds between two tiles: the longer the film, the wider. */
function storyboardGap(duration: number): number {
  const usual = duration <= 120 ? 2 : duration <= 600 ? 5 : duration <= 1800 ? 10 : duration <= 3600 ? 20 : 30;
  return Math.max(usual, Math.ceil(duration / MOST_TILES));
}

/** Adds the picture tracks of an output to the plan; their ids. */
export function planPictures(
  draft: Draft,
  { spec, index, timeline }: { spec: OutputSpec; index: number; timeline: Timeline },
): string[] {
  const ids: string[] = [];
  const adaptive = spec.container === 'hls' || spec.container === 'dash';
  if (adaptive && spec.storyboard) {
    ids.push(poster(draft, timeline, index), storyboard(draft, timeline, index));
  }
  if (spec.thumbnails) ids.push(thumbnails(draft, { spec, index, timeline }));
  return ids;
}

/** One poster and one storyboard serve all outputs of a timeline. */
function add(draft: Draft, track: PictureTrack): string {
  if (!draft.pictures.some(({ id }) => id === track.id)) draft.pictures.push(track);
  return track.id;
}

function sized(draft: Draft, width: number): { width: number; height: number } {
  const { video } = draft.facts;
  if (!video) return { width: 2, height: 2 };
  const scale = Math.min(1, width / video.displayWidth);
  return { width: even(video.displayWidth * scale), height: even(video.displayHeight * scale) };
}

function poster(draft: Draft, timeline: Timeline, output: number): string {
  const every = Math.max(1, Math.round(toNumber(timeline.fps)));
  const firstChunk = timeline.chunks[0]?.endFrame ?? timeline.frames;
  const count = Math.max(1, Math.min(POSTER_CANDIDATES, Math.floor(firstChunk / every)));
  return add(draft, {
    id: `poster${timeline.id}`,
    timeline: timeline.id,
    output,
    kind: 'poster',
    first: 0,
    every,
    count,
    ...sized(draft, POSTER_WIDTH),
    spec: { count: 1, every: null, width: POSTER_WIDTH, format: 'jpg', sprite: false },
  });
}

function storyboard(draft: Draft, timeline: Timeline, output: number): string {
  const { video } = draft.facts;
  const aspect = video ? video.displayWidth / video.displayHeight : 1;
  const width = aspect >= 1 ? TILE : even(TILE * aspect);
  const gap = storyboardGap(timeline.duration);
  return add(draft, {
    id: `storyboard${timeline.id}`,
    timeline: timeline.id,
    output,
    kind: 'storyboard',
    ...spread(timeline, gap),
    ...sized(draft, width),
    spec: { count: null, every: gap, width, format: 'jpg', sprite: true },
  });
}

function thumbnails(
  draft: Draft,
  { spec, index, timeline }: { spec: OutputSpec; index: number; timeline: Timeline },
): string {
  const wanted = spec.thumbnails;
  if (!wanted) return '';
  const positions =
    wanted.count === null
      ? spread(timeline, wanted.every ?? storyboardGap(timeline.duration))
      : inCount(timeline, wanted.count);
  return add(draft, {
    id: `t${index}`,
    timeline: timeline.id,
    output: index,
    kind: 'thumbnails',
    ...positions,
    ...sized(draft, wanted.width),
    spec: wanted,
  });
}

/** One picture every so many seconds, from the beginning. */
function spread(timeline: Timeline, seconds: number): Pick<PictureTrack, 'first' | 'every' | 'count'> {
  const every = Math.max(1, Math.round(seconds * toNumber(timeline.fps)));
  return { first: 0, every, count: Math.ceil(timeline.frames / every) };
}

/** So many pictures, each from the middle of its share. */
function inCount(timeline: Timeline, count: number): Pick<PictureTrack, 'first' | 'every' | 'count'> {
  const possible = Math.min(count, timeline.frames);
  const every = Math.max(1, Math.floor(timeline.frames / possible));
  return { first: Math.floor(every / 2), every, count: possible };
}
