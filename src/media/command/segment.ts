// FFmpeg's arguments for one segment on its way out: another container, or a picture of it; or the picture that sound carries. Used by workflows/videos.
import { PREAMBLE, TS_OFFSET } from '#media/command/chunk.ts';
import { seconds } from '#media/command/picture.ts';

/** One picture on standard output. */
const JPEG = ['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '4', '-f', 'image2pipe', 'pipe:1'];
const SEGMENT = ['-protocol_whitelist', 'pipe', '-f', 'mp4', '-i', 'pipe:0'];

/** Init and segment on standard input, a whole MPEG-TS segment on standard output; nothing is encoded. */
export function transmuxCommand(): string[] {
  return [
    ...PREAMBLE,
    // Its own times, moved by as much as every segment: B-frames are decoded before zero, which MPEG-TS has no number for.
    '-copyts',
    ...SEGMENT,
    '-map',
    '0:0',
    '-c',
    'copy',
    '-output_ts_offset',
    seconds(TS_OFFSET),
    '-muxdelay',
    '0',
    '-muxpreload',
    '0',
    // The counters of each segment start anew.
    '-mpegts_flags',
    '+initial_discontinuity',
    '-f',
    'mpegts',
    'pipe:1',
  ];
}

/** The same in, a JPEG of the first picture from `time` on out. @param time seconds on the timeline */
export function posterCommand({ time, width }: { readonly time: number; readonly width: number }): string[] {
  return [
    ...PREAMBLE,
    '-copyts',
    ...SEGMENT,
    '-map',
    '0:v:0',
    '-vf',
    `select='gte(t,${seconds(time)})',scale='min(${width},iw)':-2`,
    '-fps_mode',
    'passthrough',
    ...JPEG,
  ];
}

/** The cover of a sound file as a JPEG. @param inputArguments the original, whitelisted @param stream its index in it */
export function coverCommand(cover: {
  readonly inputArguments: readonly string[];
  readonly stream: number;
  readonly width: number;
}): string[] {
  return [
    ...PREAMBLE,
    ...cover.inputArguments,
    '-map',
    `0:${cover.stream}`,
    '-vf',
    `scale='min(${cover.width},iw)':-2`,
    ...JPEG,
  ];
}
