// Commands that make one file in one run: joining segments, copying, one frame. Sound files and animations stand beside it.
import type { Container } from '#domain/codec.ts';
import type { DirectPlan, PicturePreparation, Timeline } from '#domain/plan.ts';
import { type AudioFacts, type SourceFacts, soundStreams } from '#domain/source-facts.ts';
import { type LoudnessMeasure, soundEncoder } from '#media/command/audio.ts';
import { PREAMBLE } from '#media/command/chunk.ts';
import { type Drawing, overlayInputs } from '#media/command/decoration.ts';
import { mixFilters } from '#media/command/mix.ts';
import {
  drawBranch,
  flattenFilters,
  gridFilters,
  plainColour,
  seconds,
  sizeFilters,
  toneMapFilters,
  uprightFilters,
} from '#media/command/picture.ts';

const MUXERS: Readonly<Partial<Record<Container, readonly string[]>>> = {
  // faststart: the index first, so that a browser plays while it downloads.
  mp4: ['-f', 'mp4', '-movflags', '+faststart'],
  mov: ['-f', 'mov', '-movflags', '+faststart'],
  m4a: ['-f', 'ipod', '-movflags', '+faststart'],
  m4b: ['-f', 'ipod', '-movflags', '+faststart', '-brand', 'M4B '],
  webm: ['-f', 'webm', '-cues_to_front', '1'],
  mkv: ['-f', 'matroska', '-cues_to_front', '1'],
  ts: ['-f', 'mpegts', '-muxdelay', '0', '-muxpreload', '0'],
  flv: ['-f', 'flv', '-flvflags', '+add_keyframe_index'],
  '3gp': ['-f', '3gp', '-movflags', '+faststart'],
  avi: ['-f', 'avi'],
  wmv: ['-f', 'asf'],
  mpg: ['-f', 'vob'],
  ogv: ['-f', 'ogg'],
  mp3: ['-f', 'mp3', '-id3v2_version', '3'],
  aac: ['-f', 'adts'],
  ogg: ['-f', 'ogg'],
  opus: ['-f', 'opus'],
  flac: ['-f', 'flac'],
  wav: ['-f', 'wav'],
  aiff: ['-f', 'aiff', '-write_id3v2', '1'],
  ac3: ['-f', 'ac3'],
  wma: ['-f', 'asf'],
  gif: ['-f', 'gif'],
  webp: ['-f', 'webp'],
  avif: ['-f', 'avif'],
};

/** Muxer arguments and the file of a container. */
export function fileOutput(container: Container, path: string): string[] {
  return [...(MUXERS[container] ?? []), `file:${path}`];
}

export type JoinOptions = {
  readonly container: Container;
  /** Inputs in the order of their pipes: fragmented MP4, each with one track. The first is `pipe:4`. */
  readonly tracks: readonly {
    readonly kind: 'video' | 'audio';
    readonly language: string | null;
    readonly name: string;
    readonly isDefault: boolean;
  }[];
  /** WebVTT files; carried where the container can. */
  readonly subtitles: readonly { readonly path: string; readonly language: string | null; readonly name: string }[];
  readonly inputArguments: (pipe: number) => readonly string[];
  readonly path: string;
};

/** What text becomes in the containers that can carry it. */
const SUBTITLE_CODECS: Readonly<Partial<Record<Container, string>>> = {
  mp4: 'mov_text',
  mov: 'mov_text',
  mkv: 'subrip',
  webm: 'webvtt',
};

/** Joins segments to one file by stream copy: nothing is decoded. */
export function joinCommand({ container, tracks, subtitles, inputArguments, path }: JoinOptions): string[] {
  const subtitleCodec = SUBTITLE_CODECS[container];
  const carried = subtitleCodec ? subtitles : [];
  return [
    ...PREAMBLE,
    // Otherwise FFmpeg moves each input to its own zero, and sound comes late by its encoder's priming (AAC: 23 ms).
    '-copyts',
    ...tracks.flatMap((_, i) => inputArguments(4 + i)),
    ...carried.flatMap((track) => ['-protocol_whitelist', 'file', '-f', 'webvtt', '-i', `file:${track.path}`]),
    ...tracks.flatMap((_, i) => ['-map', `${i}:0`]),
    ...carried.flatMap((_, i) => ['-map', `${tracks.length + i}:0`]),
    '-c',
    'copy',
    ...(carried.length > 0 && subtitleCodec ? ['-c:s', subtitleCodec] : []),
    ...trackMetadata(
      tracks.filter((track) => track.kind === 'audio'),
      'a',
    ),
    ...trackMetadata(carried, 's'),
    // Languages and names are ours; nothing else of the source (location, device) is carried over.
    '-map_metadata',
    '-1',
    '-map_chapters',
    '-1',
    ...fileOutput(container, path),
  ];
}

/** Languages of the tracks of a kind, and which of several sounds is the one that plays. */
export function trackMetadata(
  tracks: readonly { readonly language: string | null; readonly isDefault?: boolean }[],
  kind: 'a' | 's',
): string[] {
  return tracks.flatMap((track, i) => [
    ...(track.language && /^[A-Za-z]{2,3}$/.test(track.language)
      ? [`-metadata:s:${kind}:${i}`, `language=${track.language}`]
      : []),
    ...(kind === 'a' && tracks.length > 1 ? [`-disposition:a:${i}`, track.isDefault ? 'default' : '0'] : []),
  ]);
}

export type DirectOptions = {
  readonly container: Container;
  readonly direct: DirectPlan;
  readonly facts: SourceFacts;
  readonly preparation: PicturePreparation;
  readonly timeline: Timeline;
  readonly inputArguments: readonly string[];
  readonly loudness: LoudnessMeasure | null;
  /** What is drawn into an animation or a picture. */
  readonly drawing: Drawing | null;
  readonly path: string;
};

/** The source's own packets in another container; cut at keyframes where a part is wanted. */
export function copyCommand({ container, direct, facts, inputArguments, path }: DirectOptions): string[] {
  const trimmed = direct.start > facts.startTime + 0.001;
  const whole = !trimmed && direct.duration >= facts.duration - 0.001;
  const subtitleCodec = SUBTITLE_CODECS[container];
  const chosen = facts.audio.filter(({ streamIndex }) => direct.audioStreams.includes(streamIndex));
  const codec = direct.audioCodec === 'copy' ? null : direct.audioCodec;
  // The packets of two mono tracks stay in two.
  const audio =
    codec === null
      ? chosen.flatMap((track) => soundStreams(track).map((streamIndex) => ({ ...track, streamIndex })))
      : chosen;
  const texts = whole && subtitleCodec ? facts.subtitles.filter(({ kind }) => kind === 'text') : [];
  return [
    ...PREAMBLE,
    ...(trimmed ? ['-seek_timestamp', '1', '-ss', seconds(direct.start)] : []),
    ...inputArguments,
    ...(direct.videoStream === null ? [] : ['-map', `0:${direct.videoStream}`]),
    ...(codec === null
      ? audio.flatMap(({ streamIndex }) => ['-map', `0:${streamIndex}`])
      : audio.flatMap((track, i) => mixArguments(track, i, direct.channels))),
    ...texts.flatMap(({ streamIndex }) => ['-map', `0:${streamIndex}`]),
    ...(whole ? [] : ['-t', seconds(direct.duration)]),
    '-c:v',
    'copy',
    ...(codec === null ? ['-c:a', 'copy'] : soundEncoder({ ...direct, codec, bitrate: direct.audioBitrate })),
    ...(subtitleCodec && texts.length > 0 ? ['-c:s', subtitleCodec] : []),
    ...trackMetadata(audio, 'a'),
    ...trackMetadata(texts, 's'),
    ...(facts.video?.codec === 'hevc' && (container === 'mp4' || container === 'mov') ? ['-tag:v', 'hvc1'] : []),
    // No -avoid_negative_ts: make_zero moves the picture by its B-frames' delay and lets the sound's priming be heard; edit lists hide both.
    '-map_metadata',
    '-1',
    ...fileOutput(container, path),
  ];
}

function mixArguments(track: AudioFacts, i: number, channels: number): string[] {
  const filters = mixFilters(track, channels);
  const { streamIndex, right } = track;
  if (right !== undefined) {
    const joined = ['join=inputs=2:channel_layout=stereo', ...filters].join(',');
    return ['-filter_complex', `[0:${streamIndex}][0:${right}]${joined}[a${i}]`, '-map', `[a${i}]`];
  }
  return ['-map', `0:${streamIndex}`, ...(filters.length > 0 ? [`-filter:a:${i}`, filters.join(',')] : [])];
}

/** What stands before the graph of a picture or a film: its part of the source, and what is drawn on it. */
export function sceneInputs({ facts, direct, inputArguments, drawing }: DirectOptions): string[] {
  return [
    ...PREAMBLE,
    '-copyts',
    '-noautorotate',
    ...seekFor(facts, direct),
    ...inputArguments,
    ...overlayInputs([drawing]).args,
  ];
}

/** One frame as PNG, upright and SDR; the image library makes the wanted format of it. */
export function frameCommand(options: DirectOptions): string[] {
  const { facts, direct, path } = options;
  // The image library lays transparency on a colour, or keeps it.
  const format = direct.picture && facts.video?.hasAlpha ? 'rgba' : 'rgb24';
  const graph = `${frameChain(options, 0, 1)},format=${format}[v]`;
  return [
    ...sceneInputs(options),
    '-filter_complex',
    graph,
    '-map',
    '[v]',
    '-frames:v',
    '1',
    '-c:v',
    'png',
    '-f',
    'image2',
    '-update',
    '1',
    `file:${path}`,
  ];
}

export type FrameOptions = Pick<DirectOptions, 'direct' | 'facts' | 'preparation' | 'timeline' | 'drawing'> & {
  /** `0xRRGGBB`, laid under transparency that the format cannot hold. */
  readonly ground?: string | null;
};

export function frameChain(options: FrameOptions, startFrame: number, endFrame: number): string {
  const { direct, facts, preparation, timeline, drawing } = options;
  const { video } = facts;
  if (!video) throw new TypeError('a frame needs a video');
  const size = { width: direct.width ?? video.displayWidth, height: direct.height ?? video.displayHeight };
  const [inputs = []] = overlayInputs([drawing]).numbers;
  const prepared = { video, preparation, timeline, startFrame, endFrame, drawings: [drawing && { drawing, inputs }] };
  const filters = [
    ...gridFilters(prepared),
    ...uprightFilters(preparation),
    ...(preparation.toneMap ? toneMapFilters(preparation.toneMap, size) : plainColour(video)),
    ...(options.ground ? [flattenFilters(options.ground, 'bg')] : []),
    ...sizeFilters(
      { ...size, fit: direct.fit, pixelFormat: 'yuv420p' },
      { fullRange: preparation.fullRange && !preparation.toneMap, square: null },
    ).filter((filter) => drawing || !filter.startsWith('format=')),
  ];
  return `[0:${video.streamIndex}]${drawBranch(prepared, { filters, pixelFormat: 'yuv420p', index: 0 })}`;
}

/** Asks for frames from the last keyframe before a place. */
function seekFor(facts: SourceFacts, direct: DirectPlan): string[] {
  const keyframe = facts.video?.keyframes.filter((time) => time <= direct.start + 1e-4).at(-1);
  const first = facts.video?.keyframes[0];
  // Before the beginning there is nothing to find, and FLV then ends up somewhere else.
  return keyframe === undefined || keyframe === first || keyframe - 1 <= facts.startTime
    ? []
    : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds(keyframe - 1)];
}

/** All text tracks of a timeline as WebVTT files, in one run. */
export function subtitlesCommand(options: {
  inputArguments: readonly string[];
  streams: readonly { streamIndex: number; path: string }[];
}): string[] {
  return [
    ...PREAMBLE,
    ...options.inputArguments,
    ...options.streams.flatMap(({ streamIndex, path }) => [
      '-map',
      `0:${streamIndex}`,
      '-c:s',
      'webvtt',
      '-f',
      'webvtt',
      `file:${path}`,
    ]),
  ];
}
