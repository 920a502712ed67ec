// Encoder arguments of one rendition: codec, speed, rate, keyframes. Facts in, string[] out.
import type { Hardware, Preset, VideoCodec } from '#domain/codec.ts';
import type { EncodeRate, Timeline, VideoRendition } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';
import { frameTime } from '#media/grid.ts';

const SOFTWARE: Readonly<Record<VideoCodec, string>> = {
  h264: 'libx264',
  hevc: 'libx265',
  av1: 'libsvtav1',
  vp9: 'libvpx-vp9',
};

/** FFmpeg's name of the encoder that serves a codec: software, or of the given hardware. */
export function encoderName(codec: VideoCodec, hardware: Hardware | null): string {
  return hardware ? `${codec}_${hardware}` : SOFTWARE[codec];
}

/** SVT-AV1 presets beside x264's: p10 costs about what faster x264 does, and halves the bits: measured. */
const SVT_PRESETS: Readonly<Record<Preset, number>> = {
  ultrafast: 12,
  superfast: 11,
  veryfast: 10,
  faster: 9,
  fast: 8,
  medium: 7,
  slow: 6,
  slower: 5,
  veryslow: 4,
};
/** libvpx -cpu-used; from 6 on only in realtime mode. */
const VPX_SPEEDS: Readonly<Record<Preset, number>> = {
  ultrafast: 8,
  superfast: 7,
  veryfast: 6,
  faster: 5,
  fast: 4,
  medium: 3,
  slow: 2,
  slower: 1,
  veryslow: 0,
};
const NVENC_PRESETS: Readonly<Record<Preset, string>> = {
  ultrafast: 'p1',
  superfast: 'p1',
  veryfast: 'p2',
  faster: 'p3',
  fast: 'p4',
  medium: 'p4',
  slow: 'p5',
  slower: 'p6',
  veryslow: 'p7',
};
const QSV_PRESETS: Readonly<Record<Preset, string>> = {
  ultrafast: 'veryfast',
  superfast: 'veryfast',
  veryfast: 'veryfast',
  faster: 'faster',
  fast: 'fast',
  medium: 'medium',
  slow: 'slow',
  slower: 'slower',
  veryslow: 'veryslow',
};

/** What x264's presets are called by the encoders of devices that have any. */
export const DEVICE_PRESETS = { nvenc: NVENC_PRESETS, qsv: QSV_PRESETS } as const;

export type EncoderOptions = {
  readonly rendition: VideoRendition;
  readonly timeline: Timeline;
  /** Frames of the timeline that this run encodes. */
  readonly startFrame: number;
  readonly endFrame: number;
  /** Threads; 0 lets the encoder choose. */
  readonly threads: number;
  /** Pass of a two-pass encode with its log file; null for one pass. */
  readonly pass: { readonly number: 1 | 2; readonly logFile: string } | null;
};

/** `-c:v …` and everything that belongs to it. The same for every chunk of a rendition, so that one init segment serves all. */
export function encoderArguments(options: EncoderOptions): string[] {
  const { rendition, threads } = options;
  return [
    '-c:v',
    encoderName(rendition.codec, rendition.hardware),
    ...(threads > 0 ? ['-threads', String(threads)] : []),
    ...(rendition.hardware ? hardwareArguments(rendition, rendition.hardware) : softwareArguments(options)),
    ...passArguments(options),
    ...keyframeArguments(options),
    // Frames come counted and paced out of the filter graph: none may be added or dropped after it.
    '-fps_mode',
    'passthrough',
    // Said, not taken over: -1 means the source's own clock, and Matroska's milliseconds would put the frames of a chunk beside the grid.
    '-enc_time_base',
    `${options.timeline.fps.den}:${options.timeline.fps.num}`,
  ];
}

function softwareArguments({ rendition, pass }: EncoderOptions): string[] {
  const { codec, preset, rate } = rendition;
  switch (codec) {
    case 'h264':
      return ['-preset', preset, '-profile:v', 'high', ...rateArguments(rate)];
    case 'hevc':
      // hvc1: Apple's players refuse hev1. Headers live in the init segment, not in every keyframe.
      return [
        '-preset',
        preset,
        '-tag:v',
        'hvc1',
        ...rateArguments(rate),
        '-x265-params',
        'log-level=error:open-gop=0:scenecut=0:repeat-headers=0',
      ];
    case 'av1':
      return ['-preset', String(SVT_PRESETS[preset]), ...rateArguments(rate)];
    case 'vp9': {
      // Realtime gathers no statistics: a second pass would find none and not begin.
      const speed = pass ? Math.min(5, VPX_SPEEDS[preset]) : VPX_SPEEDS[preset];
      const mode = speed >= 6 ? 'realtime' : 'good';
      return ['-deadline', mode, '-cpu-used', String(speed), '-row-mt', '1', '-tile-columns', '2', ...vpxRate(rate)];
    }
  }
}

function rateArguments(rate: EncodeRate): string[] {
  const cap = ['-maxrate', String(rate.maxBitrate), '-bufsize', String(rate.bufferSize)];
  return rate.mode === 'capped-crf' ? ['-crf', String(rate.crf), ...cap] : ['-b:v', String(rate.bitrate), ...cap];
}

/** libvpx's capped quality is -crf beside a target rate; -maxrate alone does nothing there (FFmpeg wiki, Encode/VP9). */
function vpxRate(rate: EncodeRate): string[] {
  return rate.mode === 'capped-crf' ? ['-crf', String(rate.crf), '-b:v', String(rate.maxBitrate)] : rateArguments(rate);
}

function hardwareArguments(rendition: VideoRendition, hardware: Hardware): string[] {
  const { preset, rate, codec } = rendition;
  const tag = codec === 'hevc' ? ['-tag:v', 'hvc1'] : [];
  const cap = ['-maxrate', String(rate.maxBitrate), '-bufsize', String(rate.bufferSize)];
  const quality = rate.mode === 'capped-crf' ? rate.crf : null;
  switch (hardware) {
    case 'nvenc':
      return [
        '-preset',
        DEVICE_PRESETS.nvenc[preset],
        '-no-scenecut',
        '1',
        '-forced-idr',
        '1',
        ...tag,
        ...(quality === null
          ? ['-b:v', String(targetRate(rate))]
          : ['-rc', 'vbr', '-cq', String(quality), '-b:v', '0']),
        ...cap,
      ];
    case 'qsv':
      return [
        '-preset',
        DEVICE_PRESETS.qsv[preset],
        '-forced_idr',
        '1',
        ...tag,
        ...(quality === null ? ['-b:v', String(targetRate(rate))] : ['-global_quality', String(quality)]),
        ...cap,
      ];
    case 'vaapi':
      return [
        ...tag,
        ...(quality === null
          ? ['-b:v', String(targetRate(rate))]
          : ['-rc_mode', 'QVBR', '-global_quality', String(quality), '-b:v', String(rate.maxBitrate)]),
        ...cap,
      ];
    case 'videotoolbox':
      // No quality mode on every chip: the cap, taken as target, is the mode that always works.
      return ['-realtime', '0', '-allow_sw', '0', ...tag, '-b:v', String(targetRate(rate)), ...cap];
  }
}

const targetRate = (rate: EncodeRate): number =>
  rate.mode === 'capped-crf' ? Math.round(rate.maxBitrate / 1.07) : rate.bitrate;

function passArguments({ rendition, pass }: EncoderOptions): string[] {
  if (!pass) return [];
  // x265 takes its pass from its own parameters; the others from FFmpeg's options.
  if (rendition.codec === 'hevc' && !rendition.hardware)
    return ['-x265-params', `log-level=error:open-gop=0:scenecut=0:pass=${pass.number}:stats=${pass.logFile}`];
  return ['-pass', String(pass.number), '-passlogfile', pass.logFile];
}

function keyframeArguments({ rendition, timeline, startFrame, endFrame }: EncoderOptions): string[] {
  if (timeline.gopFrames !== null) {
    const gop = String(timeline.gopFrames);
    // A chunk begins on a segment boundary, segments are whole GOPs: a plain GOP length puts keyframes on the grid.
    return ['-g', gop, '-keyint_min', gop, ...sceneCut(rendition)];
  }
  const wanted = (timeline.keyframes ?? timeline.boundaries).filter((frame) => frame >= startFrame && frame < endFrame);
  // Where the top rendition is copied, keyframes stand where the source has them.
  return [
    '-g',
    '9999',
    '-keyint_min',
    '1',
    ...sceneCut(rendition),
    '-forced-idr',
    '1',
    '-force_key_frames',
    forcedTimes(wanted, startFrame, timeline.fps),
  ];
}

/** Only x264 listens to -sc_threshold; a scene cut would put keyframes off the grid and spend bits twice. */
function sceneCut(rendition: VideoRendition): string[] {
  return rendition.codec === 'h264' && !rendition.hardware ? ['-sc_threshold', '0'] : [];
}

function forcedTimes(frames: readonly number[], startFrame: number, fps: Rational): string {
  return frames.map((frame) => frameTime(frame - startFrame, fps).toFixed(6)).join(',');
}
