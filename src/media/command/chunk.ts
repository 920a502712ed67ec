// The command of one chunk: one decode, one split, every rendition's fragments on a pipe of its own, pictures to files.
import type { Chunk, PicturePreparation, PictureTrack, Timeline, VideoRendition } from '#domain/plan.ts';
import type { SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { type Drawing, overlayInputs } from '#media/command/decoration.ts';
import { encoderArguments } from '#media/command/encoder.ts';
import { pictureGraph, seconds } from '#media/command/picture.ts';
import { boundaryTime, frameTime } from '#media/grid.ts';

/** What every command begins with. `-nostdin`: FFmpeg must never wait for a key. Progress goes to pipe 3, twice a second. */
export const PREAMBLE: readonly string[] = [
  '-hide_banner',
  '-nostdin',
  '-y',
  '-loglevel',
  'level+warning',
  '-nostats',
  '-stats_period',
  '0.5',
  '-progress',
  'pipe:3',
];

/**
 * Nothing of what the source says of itself: an init segment would tell players the place a phone was at, and one of more than
 * 32 kB is written to the pipe before FFmpeg knows its size.
 */
export const NO_TAGS: readonly string[] = ['-map_metadata', '-1', '-map_chapters', '-1'];

/** MPEG-TS clocks begin here, so that B-frames before the first picture have positive times. Seconds. */
export const TS_OFFSET = 10;

/** The render node of most machines. */
export const FIRST_NODE = '/dev/dri/renderD128';

/** Pipe of the first sink; see ffmpeg.ts. */
const FIRST_SINK = 4;

/** Demuxers that seek by guessing byte positions: they are asked for an earlier place, and frames before the chunk are dropped. */
const ROUGH_SEEKERS = /mpegts|mpeg|flv|asf|h264|hevc|mpegvideo/;

export type ChunkCommandOptions = {
  /** Whitelists and `-i`, from whitelist.ts. */
  readonly inputArguments: readonly string[];
  readonly facts: SourceFacts;
  readonly video: VideoFacts;
  readonly preparation: PicturePreparation;
  readonly timeline: Timeline;
  readonly chunk: Chunk;
  readonly renditions: readonly VideoRendition[];
  readonly pictures: readonly PictureTrack[];
  /** What is drawn into renditions, by id. */
  readonly drawings?: ReadonlyMap<string, Drawing>;
  /** Folder for pictures, MPEG-TS segments and two-pass logs. */
  readonly scratch: string;
  readonly threads: number;
  /** Device of VAAPI's encoders. */
  readonly renderNode?: string | undefined;
  /** Reads from the beginning instead of seeking: where a seek was found to land too late. */
  readonly fromBeginning: boolean;
};

export type ChunkCommand = {
  /** One argument list a pass; all but the last only gather statistics. */
  readonly passes: readonly (readonly string[])[];
  /** CMAF renditions in the order of their pipes: the first writes to pipe 4. */
  readonly sinks: readonly VideoRendition[];
  /** Files of pictures by track, in the order of their frames. */
  readonly pictures: readonly {
    readonly track: PictureTrack;
    readonly frames: readonly number[];
    readonly pattern: string;
  }[];
};

export function chunkCommand(options: ChunkCommandOptions): ChunkCommand {
  const { renditions, chunk } = options;
  const pictures = options.pictures
    .map((track) => ({
      track,
      frames: pictureFrames(track, chunk),
      pattern: `${options.scratch}/${track.id}-%d.${pictureFormat(track)}`,
    }))
    .filter(({ frames }) => frames.length > 0);
  const sinks = renditions.filter((rendition) => rendition.segmentFormat === 'cmaf');
  const twoPass = renditions.filter((rendition) => rendition.rate.mode === 'two-pass');
  const last = [
    ...inputSide(options, renditions),
    '-filter_complex',
    graph(options, renditions, pictures),
    // FFmpeg numbers the logs of two passes by the output's place: in both passes they come first, in the same order.
    ...[...twoPass, ...renditions.filter((rendition) => !twoPass.includes(rendition))].flatMap((rendition) =>
      renditionOutput(options, {
        rendition,
        label: `v${renditions.indexOf(rendition)}`,
        pipe: FIRST_SINK + sinks.indexOf(rendition),
      }),
    ),
    ...pictures.flatMap(({ track, frames, pattern }, j) => pictureOutput({ track, frames, pattern, label: `x${j}` })),
  ];
  const first = [
    ...inputSide(options, twoPass),
    '-filter_complex',
    graph(options, twoPass, []),
    ...twoPass.flatMap((rendition, i) => firstPassOutput(options, rendition, `v${i}`)),
  ];
  return { passes: twoPass.length > 0 ? [first, last] : [last], sinks, pictures };
}

/**
 * Decodes up to a chunk's first frame, and no further: one frame comes out where the seek lands in time, none where it lands too late.
 */
export function firstFrameCommand(options: ChunkCommandOptions): string[] {
  const { video, preparation, timeline, chunk } = options;
  const frames = { startFrame: chunk.startFrame, endFrame: chunk.startFrame + 1 };
  return [
    ...inputSide(options, []),
    ...['-filter_complex', pictureGraph({ video, preparation, timeline, ...frames }, [], [['null']])],
    ...['-map', '[x0]', '-f', 'null', '-'],
  ];
}

const drawingsOf = ({ drawings }: ChunkCommandOptions, renditions: readonly VideoRendition[]): (Drawing | null)[] =>
  renditions.map(({ id }) => drawings?.get(id) ?? null);

function inputSide(options: ChunkCommandOptions, renditions: readonly VideoRendition[]): string[] {
  return [
    ...PREAMBLE,
    ...(renditions.some(({ hardware }) => hardware === 'vaapi')
      ? ['-vaapi_device', options.renderNode ?? FIRST_NODE]
      : []),
    // The source's own clock is kept: frames are placed on the grid by it. Rotation is ours to apply.
    '-copyts',
    '-noautorotate',
    ...seekArguments(options),
    ...options.inputArguments,
    ...overlayInputs(drawingsOf(options, renditions)).args,
  ];
}

/** To the keyframe at or before the chunk; exactness comes from the filter graph, not from the seek. */
function seekArguments({
  facts,
  video,
  timeline,
  chunk,
  fromBeginning,
}: Pick<ChunkCommandOptions, 'facts' | 'video' | 'timeline' | 'chunk' | 'fromBeginning'>): string[] {
  const start = timeline.sourceStart - timeline.videoShift + frameTime(chunk.startFrame, timeline.fps);
  const before = video.keyframes.filter((time) => time <= start + 1e-4);
  const keyframe = before.at(-1);
  if (fromBeginning || keyframe === undefined || before.length <= 1) return [];
  const isRough = ROUGH_SEEKERS.test(facts.container);
  // Before the beginning there is nothing to find, and FLV then ends up somewhere else.
  if (isRough && keyframe - 1 <= facts.startTime) return [];
  const next = video.keyframes[before.length] ?? video.endTime;
  // FFmpeg itself goes back by 3/23 s where there are B-frames: a little past the keyframe still finds it and not the one before.
  const target = isRough ? keyframe - 1 : keyframe + Math.min(0.25, Math.max(0, next - keyframe) / 2);
  // noaccurate: frames between the keyframe and the chunk are decoded and dropped by trim, which knows the grid.
  return ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds(target)];
}

function graph(
  options: ChunkCommandOptions,
  renditions: readonly VideoRendition[],
  pictures: ChunkCommand['pictures'],
): string {
  const { video, preparation, timeline, chunk } = options;
  const extras = pictures.map(({ track, frames }) => pictureFilters(options, track, frames));
  const wanted = drawingsOf(options, renditions);
  const { numbers } = overlayInputs(wanted);
  const drawings = wanted.map((drawing, i) => drawing && { drawing, inputs: numbers[i] ?? [] });
  const { startFrame, endFrame } = chunk;
  const text = pictureGraph({ video, preparation, timeline, startFrame, endFrame, drawings }, renditions, extras);
  // VAAPI encodes surfaces, not memory.
  return renditions.reduce(
    (whole, rendition, i) =>
      rendition.hardware === 'vaapi'
        ? whole.replace(`format=${rendition.pixelFormat}[v${i}]`, `format=nv12,hwupload[v${i}]`)
        : whole,
    text,
  );
}

type RenditionOutput = { readonly rendition: VideoRendition; readonly label: string; readonly pipe: number };

function renditionOutput(options: ChunkCommandOptions, { rendition, label, pipe }: RenditionOutput): string[] {
  const { timeline, chunk, threads, scratch } = options;
  const pass =
    rendition.rate.mode === 'two-pass' ? ({ number: 2, logFile: `${scratch}/${rendition.id}-pass` } as const) : null;
  const encode = encoderArguments({
    rendition,
    timeline,
    startFrame: chunk.startFrame,
    endFrame: chunk.endFrame,
    threads,
    pass,
  });
  const muxer =
    rendition.segmentFormat === 'ts'
      ? transportMuxer(options, rendition)
      : [...fragmentMuxer(timeline), `pipe:${pipe}`];
  return ['-map', `[${label}]`, ...encode, ...muxer];
}

function firstPassOutput(options: ChunkCommandOptions, rendition: VideoRendition, label: string): string[] {
  const { timeline, chunk, threads, scratch } = options;
  const pass = { number: 1, logFile: `${scratch}/${rendition.id}-pass` } as const;
  const encode = encoderArguments({
    rendition,
    timeline,
    startFrame: chunk.startFrame,
    endFrame: chunk.endFrame,
    threads,
    pass,
  });
  return ['-map', `[${label}]`, ...encode, '-f', 'null', '-'];
}

/**
 * Fragments at keyframes, decode times from zero; fragments.ts moves them to their place. The delay of B-frames stands in an edit list
 * (delay_moov): with negative offsets instead, FFmpeg's own demuxer shows the picture late by that delay.
 */
export function fragmentMuxer(timeline: Timeline): string[] {
  return [
    // One frame is a whole number of ticks, and every chunk has the same timescale.
    '-video_track_timescale',
    String(videoTimescale(timeline)),
    ...NO_TAGS,
    '-f',
    'mp4',
    '-movflags',
    '+frag_keyframe+empty_moov+delay_moov+default_base_moof+skip_trailer',
  ];
}

/** ticks/s: a multiple of the frame rate's numerator, fine enough for any sound edit. */
export function videoTimescale({ fps }: Pick<Timeline, 'fps'>): number {
  return fps.num * Math.max(1, Math.ceil(10_000 / fps.num));
}

function transportMuxer({ timeline, chunk, scratch }: ChunkCommandOptions, rendition: VideoRendition): string[] {
  const inner = timeline.boundaries.slice(chunk.firstSegment + 1, chunk.firstSegment + chunk.segments);
  return transportSegments({
    start: boundaryTime(timeline, chunk.startFrame),
    cuts: inner.map((boundary) => boundaryTime(timeline, boundary)),
    first: chunk.firstSegment,
    path: `${scratch}/${rendition.id}-%05d.ts`,
  });
}

export type TransportSegments = {
  /** Seconds on the timeline, as the cuts are. */
  readonly start: number;
  readonly cuts: readonly number[];
  /** Number of the first one. */
  readonly first: number;
  readonly path: string;
};

/** Whole MPEG-TS segments, cut at the given times; each begins with its tables and says that its counters start anew. */
export function transportSegments({ start, cuts, first, path }: TransportSegments): string[] {
  return [
    ...NO_TAGS,
    '-output_ts_offset',
    seconds(start + TS_OFFSET),
    '-muxdelay',
    '0',
    '-muxpreload',
    '0',
    '-f',
    'segment',
    '-segment_format',
    'mpegts',
    // A hair early: times are compared after rounding to microseconds.
    ...(cuts.length > 0
      ? ['-segment_times', cuts.map((time) => seconds(time + TS_OFFSET - 0.001)).join(',')]
      : ['-segment_time', '99999']),
    '-segment_format_options',
    'mpegts_flags=+initial_discontinuity',
    '-segment_start_number',
    String(first),
    path,
  ];
}

const pictureFormat = (track: PictureTrack): 'jpg' | 'png' =>
  track.kind === 'thumbnails' && track.spec.format !== 'jpg' ? 'png' : 'jpg';

/** Frame numbers of a track's pictures that lie in a chunk. */
function pictureFrames(track: PictureTrack, chunk: Pick<Chunk, 'startFrame' | 'endFrame'>): number[] {
  const frames = Array.from({ length: track.count }, (_, k) => track.first + k * track.every);
  const inside = frames.filter((frame) => frame >= chunk.startFrame && frame < chunk.endFrame);
  // A poster is one picture, chosen among all of its candidates.
  return track.kind === 'poster' ? inside.slice(0, 1) : inside;
}

function pictureFilters(options: ChunkCommandOptions, track: PictureTrack, frames: readonly number[]): string[] {
  const { chunk, preparation } = options;
  const first = (frames[0] ?? 0) - chunk.startFrame;
  const range = preparation.fullRange && !preparation.toneMap ? ':in_range=pc:out_range=pc' : ':out_range=pc';
  const candidates = Math.min(track.count, Math.ceil((chunk.endFrame - chunk.startFrame) / track.every));
  return [
    `select='gte(n,${first})*not(mod(n-${first},${track.every}))'`,
    `scale=${track.width}:${track.height}:flags=bicubic${range}`,
    'setsar=1',
    // The most typical of its candidates: no black, no flash.
    ...(track.kind === 'poster' && candidates > 1 ? [`thumbnail=n=${candidates}`] : []),
    pictureFormat(track) === 'jpg' ? 'format=yuvj420p' : 'format=rgb24',
  ];
}

type PictureOutput = {
  readonly track: PictureTrack;
  readonly frames: readonly number[];
  readonly pattern: string;
  readonly label: string;
};

function pictureOutput({ track, frames, pattern, label }: PictureOutput): string[] {
  const codec =
    pictureFormat(track) === 'jpg'
      ? ['-c:v', 'mjpeg', '-q:v', track.kind === 'storyboard' ? '4' : '2']
      : ['-c:v', 'png'];
  return [
    '-map',
    `[${label}]`,
    ...codec,
    '-frames:v',
    String(frames.length),
    '-fps_mode',
    'passthrough',
    '-f',
    'image2',
    '-start_number',
    '0',
    pattern,
  ];
}
