// Commands that take subtitles out of a source before they are burnt into its picture. Used by prepare-burn.ts.
import { PREAMBLE } from '#media/command/chunk.ts';
import { seconds } from '#media/command/picture.ts';
import { ownInputArguments } from '#media/whitelist.ts';

export type Extraction = { readonly inputArguments: readonly string[]; readonly streamIndex: number };

/** One text track as ASS. Its times count from `zero`, seconds on the source's own clock: FFmpeg writes none of ten hours and more. */
export const textExtraction = ({
  inputArguments,
  streamIndex,
  zero,
  path,
}: Extraction & { readonly zero: number; readonly path: string }): string[] => [
  ...PREAMBLE,
  ...['-copyts', '-itsoffset', seconds(-zero)],
  ...inputArguments,
  ...['-map', `0:${streamIndex}`, '-c:s', 'ass', '-f', 'ass', `file:${path}`],
];

/**
 * One bitmap track as PNGs of its whole canvas, one for each change, named after their time on the source's own clock in milliseconds.
 * No other stream is read: with one, FFmpeg would repeat the picture at each of its packets.
 */
export const bitmapExtraction = ({
  inputArguments,
  streamIndex,
  folder,
}: Extraction & { readonly folder: string }): string[] => [
  ...PREAMBLE,
  '-copyts',
  ...inputArguments,
  ...['-filter_complex', `[0:${streamIndex}]settb=1/1000,format=rgba[s]`, '-map', '[s]'],
  ...['-fps_mode', 'passthrough', '-enc_time_base', '1/1000', '-c:v', 'png', '-compression_level', '1'],
  ...['-f', 'image2', '-frame_pts', '1', `${folder}/%d.png`],
];

/** ffprobe's arguments: when each bitmap is shown, and for how long. */
export const bitmapTimes = ({ inputArguments, streamIndex }: Extraction): string[] => [
  ...['-v', 'error', '-select_streams', String(streamIndex)],
  ...['-show_entries', 'frame=pts_time,start_display_time,end_display_time,num_rects', '-of', 'compact=p=0'],
  ...inputArguments,
];

/** Opens a list of PNGs in the working directory, each shown for a while. */
export const slidesInput = (path: string): string[] => ['-safe', '0', ...ownInputArguments(path, 'concat')];
