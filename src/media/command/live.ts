// The command of a channel: one decode, one split, every rendition as MPEG-TS on a pipe of its own. Facts in, string[] out.
import type { Hardware, Preset } from '#domain/codec.ts';
import { FIRST_NODE } from '#media/command/chunk.ts';
import { DEVICE_PRESETS, encoderName } from '#media/command/encoder.ts';
import { type LiveSource, liveInputArguments } from '#media/command/live-input.ts';
import { withoutCopy } from '#media/live-fit.ts';
import type { LivePlan, LiveRendition } from '#media/live-plan.ts';

/** Pipe of the first rendition; see ffmpeg.ts. */
const FIRST_SINK = 4;

/** What every live command begins with. Progress goes to pipe 3, twice a second; the log says what streams were found. */
export const LIVE_PREAMBLE: readonly string[] = [
  ...['-hide_banner', '-nostdin', '-y', '-loglevel', 'level+info', '-nostats', '-stats_period', '0.5'],
  ...['-progress', 'pipe:3'],
];

export type LiveCommandOptions = {
  readonly source: LiveSource;
  readonly plan: LivePlan;
  /** Seconds that all timestamps are moved by, so that time goes on where the run before ended. */
  readonly offset: number;
  /** Threads of one encoder; 0 lets it choose. */
  readonly threads: number;
  /** Device of VAAPI's encoders. */
  readonly renderNode?: string | undefined;
};

export function liveCommand({ source, plan: wanted, offset, threads, renderNode }: LiveCommandOptions): string[] {
  // A picture of our own is not encoded yet: there is nothing to copy.
  const own = isOurs(source);
  const renditions = wanted.renditions.map((one) => withoutCopy(one, { video: own, audio: own }));
  const plan = { ...wanted, renditions };
  const encoded = renditions.filter(isEncoded);
  return [
    ...LIVE_PREAMBLE,
    ...(encoded.some(({ hardware }) => hardware === 'vaapi') ? ['-vaapi_device', renderNode ?? FIRST_NODE] : []),
    ...liveInputArguments(source),
    ...(encoded.length > 0 ? ['-filter_complex', graph(source, plan, encoded)] : []),
    ...renditions.flatMap((rendition, i) => [
      ...video(rendition, { source, plan, threads, label: `v${encoded.indexOf(rendition)}` }),
      ...audio(rendition),
      ...transport(offset),
      `pipe:${FIRST_SINK + i}`,
    ]),
  ];
}

const isOurs = ({ kind }: LiveSource): boolean => kind === 'test' || kind === 'slate';

const isEncoded = ({ video }: LiveRendition): boolean => video !== 'copy' && video !== 'none';

function graph(source: LiveSource, { frameRate }: LivePlan, encoded: readonly LiveRendition[]): string {
  const shared = [
    // Broadcasts are interlaced more often than not; whole frames pass untouched.
    ...(isOurs(source) ? [] : ['yadif=mode=send_frame:deint=interlaced']),
    ...(frameRate === null ? [] : [`fps=${frameRate}`]),
    `split=${encoded.length}`,
  ];
  const branches = encoded.map((rendition, i) => `[s${i}]${size(rendition)}[v${i}]`);
  return `[0:v:0]${shared.join(',')}${encoded.map((_, i) => `[s${i}]`).join('')};${branches.join(';')}`;
}

function size({ width, height, hardware }: LiveRendition): string {
  const scaled =
    width !== null && height !== null
      ? // The whole picture, with bars where its shape is another.
        `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`
      : height !== null
        ? `scale=-2:${height}`
        : 'scale=trunc(iw/2)*2:trunc(ih/2)*2';
  return `${scaled},setsar=1,${hardware === null ? 'format=yuv420p' : DEVICE_PICTURES[hardware]}`;
}

/** VAAPI encodes surfaces, not memory; QSV takes no other layout. */
const DEVICE_PICTURES = {
  nvenc: 'format=yuv420p',
  qsv: 'format=nv12',
  vaapi: 'format=nv12,hwupload',
  videotoolbox: 'format=yuv420p',
} as const satisfies Record<Hardware, string>;

type VideoOptions = {
  readonly source: LiveSource;
  readonly plan: LivePlan;
  readonly threads: number;
  readonly label: string;
};

function video(rendition: LiveRendition, { source, plan, threads, label }: VideoOptions): string[] {
  if (rendition.video === 'none') return ['-vn'];
  if (rendition.video === 'copy') return ['-map', '0:v:0', '-c:v', 'copy', ...describedOnce(source)];
  const { videoBitrate, bufferSize, hardware, preset } = rendition;
  return [
    ...['-map', `[${label}]`, '-c:v', encoderName(rendition.video, hardware)],
    ...(threads > 0 ? ['-threads', String(threads)] : []),
    ...speed(rendition.video, hardware, preset),
    // A target and a cap: a line must carry it at any moment.
    ...[
      '-b:v',
      String(videoBitrate),
      '-maxrate',
      String(Math.round(videoBitrate * 1.07)),
      '-bufsize',
      String(bufferSize),
    ],
    // Keyframes at the same instants in all renditions, and nowhere else: segments are cut there.
    ...['-force_key_frames', keyframes(plan), '-g', '9999'],
  ];
}

/** Beside a stream that is copied they stand where the source has its own. */
const keyframes = ({ renditions, gopSeconds }: LivePlan): string =>
  renditions.some((rendition) => rendition.video === 'copy') ? 'source' : `expr:gte(t,n_forced*${gopSeconds})`;

function speed(codec: 'h264' | 'hevc', hardware: Hardware | null, preset: Preset): string[] {
  switch (hardware) {
    case null:
      return codec === 'h264'
        ? ['-preset', preset, '-profile:v', 'high', '-sc_threshold', '0', '-forced-idr', '1']
        : [
            '-preset',
            preset,
            '-forced-idr',
            '1',
            '-x265-params',
            'log-level=error:open-gop=0:scenecut=0:repeat-headers=1',
          ];
    case 'nvenc':
      return [
        '-preset',
        DEVICE_PRESETS.nvenc[preset],
        '-tune',
        'll',
        '-rc',
        'cbr',
        '-no-scenecut',
        '1',
        '-forced-idr',
        '1',
      ];
    case 'qsv':
      return ['-preset', DEVICE_PRESETS.qsv[preset], '-forced_idr', '1'];
    case 'vaapi':
      return ['-rc_mode', 'CBR'];
    case 'videotoolbox':
      return ['-realtime', '1', '-allow_sw', '0'];
  }
}

function audio({ audio: codec, audioBitrate }: LiveRendition): string[] {
  if (codec === 'none') return ['-an'];
  // The question mark: a source may have no sound.
  const map = ['-map', '0:a:0?'];
  if (codec === 'copy') return [...map, '-c:a', 'copy'];
  return [
    ...map,
    ...['-c:a', codec === 'mp3' ? 'libmp3lame' : 'aac', '-b:a', String(audioBitrate), '-ar', '48000', '-ac', '2'],
    // Holes of a bad line are filled with silence, or sound would run ahead of the picture.
    ...['-af', 'aresample=async=1000'],
  ];
}

function transport(offset: number): string[] {
  return [
    ...['-f', 'mpegts', '-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1'],
    // Renditions must not be moved against each other: encoders with and without B-frames begin at different times.
    ...['-avoid_negative_ts', 'disabled', '-output_ts_offset', offset.toFixed(3)],
  ];
}

/** Follows an input without decoding it: to see whether it is sound, and where it is kept, as MPEG-TS for an encoder that begins later. */
export function standbyCommand(source: LiveSource, isKept: boolean): string[] {
  return [
    ...LIVE_PREAMBLE,
    ...liveInputArguments(source),
    ...['-map', '0:v:0?', '-map', '0:a:0?', '-c', 'copy', ...describedOnce(source)],
    ...(isKept ? [...transport(0), `pipe:${FIRST_SINK}`] : ['-f', 'null', '-']),
  ];
}

/** RTSP describes a stream when it is opened, and maybe never again: MPEG-TS wants that at each keyframe. */
const describedOnce = ({ kind }: LiveSource): string[] =>
  kind === 'rtsp' ? ['-bsf:v', 'dump_extra=freq=keyframe'] : [];
