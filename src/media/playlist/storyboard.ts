// The storyboard's sheet and its WebVTT file: where each tile lies and when it is shown. Pure.
import type { PictureTrack, Timeline } from '#domain/plan.ts';
import { frameTime } from '#media/grid.ts';

export type Sheet = {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
};

/** A sheet of `count` tiles, about square in tiles; pixels. */
export function sheetOf(track: Pick<PictureTrack, 'width' | 'height'>, count: number): Sheet {
  const columns = Math.max(1, Math.min(10, Math.ceil(Math.sqrt(count))));
  const rows = Math.max(1, Math.ceil(count / columns));
  return { columns, rows, width: columns * track.width, height: rows * track.height };
}

/** Left and top of tile i on its sheet, pixels. */
export function tilePlace(
  track: Pick<PictureTrack, 'width' | 'height'>,
  sheet: Sheet,
  i: number,
): { left: number; top: number } {
  return { left: (i % sheet.columns) * track.width, top: Math.floor(i / sheet.columns) * track.height };
}

/** `00:01:02.500` (WebVTT §3.3) */
function vttTime(seconds: number): string {
  const total = Math.max(0, Math.round(seconds * 1000));
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${two(total / 3_600_000)}:${two((total / 60_000) % 60)}:${two((total / 1000) % 60)}.${String(total % 1000).padStart(3, '0')}`;
}

/** Cues from each tile's frame to the next; the first begins at 0. */
export function storyboardVtt(options: {
  track: PictureTrack;
  timeline: Timeline;
  frames: readonly number[];
  sheetName: string;
}): string {
  const { track, timeline, frames, sheetName } = options;
  const sheet = sheetOf(track, frames.length);
  const cues = frames.map((frame, i) => {
    const { left, top } = tilePlace(track, sheet, i);
    const from = i === 0 ? 0 : frameTime(frame, timeline.fps);
    const next = frames[i + 1];
    const to = next === undefined ? timeline.duration : frameTime(next, timeline.fps);
    return `${vttTime(from)} --> ${vttTime(to)}\n${sheetName}#xywh=${left},${top},${track.width},${track.height}\n`;
  });
  return `WEBVTT\n\n${cues.join('\n')}`;
}
