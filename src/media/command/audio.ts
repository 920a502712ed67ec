// Commands of sound: segments of a timeline's tracks in one run, a single sound file, and the loudness measurement before either.
import type { AudioCodec } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { LoudnessTarget } from '#domain/output.ts';
import type { AudioRendition, Timeline } from '#domain/plan.ts';
import type { AudioFacts } from '#domain/source-facts.ts';
import { NO_TAGS, PREAMBLE, transportSegments } from '#media/command/chunk.ts';
import { LAYOUTS, mixFilters } from '#media/command/mix.ts';
import { seconds } from '#media/command/picture.ts';
import { boundaryTimes } from '#media/grid.ts';

const ENCODERS: Readonly<Record<AudioCodec, string>> = {
  aac: 'aac',
  opus: 'libopus',
  mp3: 'libmp3lame',
  flac: 'flac',
  wav: 'pcm_s16le',
  pcm_s24le: 'pcm_s24le',
  vorbis: 'libvorbis',
  alac: 'alac',
  ac3: 'ac3',
  wma: 'wmav2',
  mp2: 'mp2',
  pcm_s16be: 'pcm_s16be',
  pcm_s24be: 'pcm_s24be',
};

/** Integrated loudness, true peak and range that "normalised" means (EBU R128 as streaming services use it). LUFS, dBTP, LU. */
export const LOUDNESS = { integrated: -16, truePeak: -1.5, range: 11 } as const;

/** What the first pass of loudnorm measured, as FFmpeg's names have it. */
export type LoudnessMeasure = {
  readonly integrated: number;
  readonly truePeak: number;
  readonly range: number;
  readonly threshold: number;
  readonly offset: number;
  /** What it was measured for, where that is not the usual loudness. */
  readonly target?: LoudnessTarget;
};

/** Seconds of sound in one fragment: segments are cut at the fragment nearest to the grid. */
const FRAGMENT_SECONDS = 0.25;

/** How the sound of one track is made to fit a span of time. */
export type SoundSpan = {
  /** Seconds on the source's own clock where the result's zero is. */
  readonly start: number;
  /** seconds */
  readonly duration: number;
};

/** Measuring, for the usual loudness or for another. */
export type Measuring = 'measure' | { readonly measureFor: LoudnessTarget };

/** Where a loudness is named, quiet passages stay quiet: the whole is raised or lowered. LU. */
const NAMED_RANGE = 20;

/** loudnorm's aims. */
function loudnessAim(target: LoudnessTarget | undefined): string {
  const { integrated, truePeak, range } = target ? { ...target, range: NAMED_RANGE } : LOUDNESS;
  return `I=${integrated}:TP=${truePeak}:LRA=${range}`;
}

/** FFmpeg makes 2.1 of three channels and 4.0 of four, which Opus (RFC 7845 §5.1.1.2) does not know. */
const OPUS_LAYOUTS = { 3: '3.0', 4: 'quad' } as const;

/** A track and the channels that will be heard of it. */
export type HeardSound = { readonly track: AudioFacts | undefined; readonly channels: number };

/** Seconds that sound may be off its clock before it is put right: the clocks of many recorders stagger. */
const OFF_CLOCK = 0.1;
/** Less than a frame, where the packets tell of a good clock and of lost sound. */
const OFF_GOOD_CLOCK = 0.01;

/** One stream of the source, its span, and how it is heard. */
export type WantedSound = {
  readonly streamIndex: number;
  readonly span: SoundSpan;
  readonly heard: HeardSound;
  readonly loudness: LoudnessMeasure | Measuring | null;
};

/**
 * Takes a sound through its filters; of two mono tracks both sides are joined first.
 * @param name of the sound among those of its command
 */
export function takeSound(wanted: WantedSound, name = 'a0'): string[] {
  const { streamIndex, span, heard, loudness } = wanted;
  const right = heard.track?.right;
  if (right === undefined) return ['-map', `0:${streamIndex}`, '-af', soundFilters(span, heard, loudness).join(',')];
  const sides = [streamIndex, right].map((stream, i) => {
    // To its end: where one side ends, the whole would.
    const filters = [...clockFilters(span, heard), ...lengthFilters(span)];
    return `[0:${stream}]${filters.join(',')}[${name}s${i}]`;
  });
  const { track, channels } = heard;
  const whole = [
    'join=inputs=2:channel_layout=stereo',
    ...mixFilters(track, channels, loudness === null),
    ...loudnessFilters(channels, loudness),
  ];
  return [
    ...['-filter_complex', `${sides.join(';')};[${name}s0][${name}s1]${whole.join(',')}[${name}]`],
    ...['-map', `[${name}]`],
  ];
}

/** Filters that put sound on a span: from its zero, without gaps, exactly as long; normalised in the channels that will be heard. */
export function soundFilters(
  span: SoundSpan,
  heard: HeardSound,
  loudness: LoudnessMeasure | Measuring | null,
): string[] {
  const { track, channels } = heard;
  return [
    ...clockFilters(span, heard),
    // What is normalised is limited by that.
    ...mixFilters(track, channels, loudness === null),
    ...lengthFilters(span),
    ...loudnessFilters(channels, loudness),
  ];
}

const clockFilters = ({ start }: SoundSpan, { track }: HeardSound): string[] => [
  `asetpts=PTS-(${seconds(start)})/TB`,
  'atrim=start=0',
  // Gaps are filled with silence and overlaps dropped; sound that comes late is preceded by silence.
  `aresample=async=1:min_hard_comp=${track?.hasHoles ? OFF_GOOD_CLOCK : OFF_CLOCK}:first_pts=0`,
];

const lengthFilters = ({ duration }: SoundSpan): string[] => [
  `apad=whole_dur=${seconds(duration)}`,
  `atrim=end=${seconds(duration)}`,
];

const loudnessFilters = (channels: number, loudness: WantedSound['loudness']): string[] =>
  loudness === null ? [] : [`aformat=channel_layouts=${LAYOUTS[channels - 1] ?? 'stereo'}`, loudnorm(loudness)];

function loudnorm(loudness: LoudnessMeasure | Measuring): string {
  if (loudness === 'measure') return `loudnorm=${loudnessAim(undefined)}:print_format=json`;
  if ('measureFor' in loudness) return `loudnorm=${loudnessAim(loudness.measureFor)}:print_format=json`;
  const { integrated, truePeak, range, threshold, offset, target } = loudness;
  return `loudnorm=${loudnessAim(target)}:measured_I=${integrated}:measured_TP=${truePeak}:measured_LRA=${range}:measured_thresh=${threshold}:offset=${offset}:linear=true`;
}

/** Codec arguments of one sound track. */
export function soundEncoder(sound: Pick<AudioRendition, 'codec' | 'bitrate' | 'channels' | 'sampleRate'>): string[] {
  const { codec, bitrate, channels, sampleRate } = sound;
  return [
    '-c:a',
    ENCODERS[codec],
    ...(bitrate > 0 ? ['-b:a', String(bitrate)] : []),
    '-ac',
    String(channels),
    ...(codec === 'opus' && channels in OPUS_LAYOUTS ? ['-channel_layout', OPUS_LAYOUTS[channels as 3]] : []),
    // Opus knows 48 kHz and its divisors only.
    '-ar',
    String(codec === 'opus' ? 48_000 : sampleRate),
    ...(codec === 'flac' ? ['-strict', '-2'] : []),
  ];
}

/** Asks for sound from a place: sound has no keyframes, a second of lead is enough for any codec's priming. */
export function soundSeek(span: SoundSpan, sourceStart: number): string[] {
  return span.start - sourceStart > 2
    ? ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds(span.start - 1)]
    : [];
}

export type AudioCommandOptions = {
  readonly inputArguments: readonly string[];
  readonly timeline: Timeline;
  /** Seconds on the source's clock where the source begins. */
  readonly sourceStart: number;
  /** Of the source. */
  readonly tracks: readonly AudioFacts[];
  readonly renditions: readonly AudioRendition[];
  /** Measured loudness by rendition id, for those that are normalised. */
  readonly loudness: ReadonlyMap<string, LoudnessMeasure>;
  readonly scratch: string;
};

export type AudioCommand = { readonly args: readonly string[]; readonly sinks: readonly AudioRendition[] };

/** All sound of a timeline in one run: sound is never chunked, encoder priming would add frames at every seam. */
export function audioCommand(options: AudioCommandOptions): AudioCommand {
  const { timeline, renditions, scratch, sourceStart } = options;
  const span = { start: timeline.sourceStart, duration: timeline.duration };
  const sinks = renditions.filter((rendition) => rendition.segmentFormat === 'cmaf');
  const outputs = renditions.flatMap((rendition) => {
    const { id, streamIndex, channels } = rendition;
    const track = options.tracks.find((one) => one.streamIndex === streamIndex);
    const loudness = options.loudness.get(id) ?? null;
    const sound = takeSound({ streamIndex, span, heard: { track, channels }, loudness }, id);
    const muxer =
      rendition.segmentFormat === 'ts'
        ? transportMuxer(timeline, rendition.id, scratch)
        : [...fragmentMuxer(rendition.codec), `pipe:${4 + sinks.indexOf(rendition)}`];
    return [...sound, ...soundEncoder(rendition), ...muxer];
  });
  return {
    args: [...PREAMBLE, '-copyts', ...soundSeek(span, sourceStart), ...options.inputArguments, ...outputs],
    sinks,
  };
}

/** Small fragments that are grouped to the grid; the encoder's delay stands in an edit list (delay_moov), so that sound stays in step. */
function fragmentMuxer(codec: AudioCodec): string[] {
  return [
    ...NO_TAGS,
    '-f',
    // FFmpeg 5.1 knows PCM in QuickTime alone; for the reader both are one format.
    codec === 'wav' || codec === 'pcm_s24le' ? 'mov' : 'mp4',
    '-movflags',
    '+empty_moov+default_base_moof+delay_moov+skip_trailer',
    '-frag_duration',
    String(FRAGMENT_SECONDS * 1e6),
  ];
}

function transportMuxer(timeline: Timeline, id: string, scratch: string): string[] {
  const cuts = boundaryTimes(timeline).slice(1, -1);
  return transportSegments({ start: 0, cuts, first: 0, path: `${scratch}/${id}-%05d.ts` });
}

/** Measures the loudness of one stream over a span; loudnorm prints JSON to stderr at its end. */
export function loudnessCommand(options: {
  inputArguments: readonly string[];
  streamIndex: number;
  span: SoundSpan;
  sourceStart: number;
  heard: HeardSound;
  target?: LoudnessTarget | null;
}): string[] {
  const { inputArguments, streamIndex, span, sourceStart, heard, target } = options;
  const preamble = PREAMBLE.map((word) => (word === 'level+warning' ? 'info' : word));
  const loudness = target ? { measureFor: target } : 'measure';
  return [
    ...preamble,
    '-copyts',
    ...soundSeek(span, sourceStart),
    ...inputArguments,
    ...takeSound({ streamIndex, span, heard, loudness }),
    '-f',
    'null',
    '-',
  ];
}

/**
 * Reads loudnorm's JSON out of FFmpeg's last lines. Null where there is nothing to normalise: silence measures -inf.
 * @throws PlatformError `encode_failed` where FFmpeg printed none.
 */
export function parseLoudness(lines: readonly string[]): LoudnessMeasure | null {
  const text = lines.join('\n');
  const json = text.slice(text.lastIndexOf('{'), text.lastIndexOf('}') + 1);
  if (!json) throw new PlatformError('encode_failed', 'FFmpeg measured no loudness');
  const values = JSON.parse(json) as Record<string, string>;
  const measure = {
    integrated: Number(values.input_i),
    truePeak: Number(values.input_tp),
    range: Number(values.input_lra),
    threshold: Number(values.input_thresh),
    offset: Number(values.target_offset),
  };
  return Object.values(measure).every((value) => Number.isFinite(value)) ? measure : null;
}
