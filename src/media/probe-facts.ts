// Puts the facts of a source together from ffprobe's output: which stream is the film, which the sound, what cannot be used. Pure; used by probe.ts.
import type { AudioFacts, SourceFacts, SubtitleFacts, VideoFacts } from '#domain/source-facts.ts';
import { canDecode } from '#media/decoders.ts';
import { pairMono } from '#media/pair-mono.ts';
import type { ProbeOutput, RawProgram, RawStream } from '#media/probe-output.ts';
import type { StreamScan } from '#media/probe-packets.ts';
import {
  cleanText,
  field,
  hasDisposition,
  numberField,
  readAudio,
  readSubtitle,
  readVideo,
  streamTick,
} from '#media/probe-streams.ts';
import type { MediaTool } from '#media/tool.ts';

/** How a line of `warnings` begins that names a stream nobody can decode here; the doctor reads it. */
export const UNDECODABLE = 'cannot be decoded here: ';

/** How a line of `warnings` ends that counts the frames at the beginning of the video that nothing decodes. */
export const LOST_FRAMES = ' frames before the first keyframe cannot be decoded';

const PICTURE_CODECS = new Set(['mjpeg', 'png', 'bmp', 'gif', 'webp', 'tiff']);

export type FactsInput = {
  readonly output: ProbeOutput;
  readonly tool: MediaTool;
  /** bytes */
  readonly size: number;
  readonly scanned: boolean;
  readonly warnings: readonly string[];
};

export type Streams = {
  readonly video: readonly RawStream[];
  readonly audio: readonly RawStream[];
  readonly subtitles: readonly RawStream[];
  readonly coverArt: readonly RawStream[];
  /** Streams with data but without a decoder, or that no decoder made sense of. */
  readonly undecodable: readonly RawStream[];
};

/** Every stream by its use. Streams without a single packet are none. */
export function sortStreams({ output, tool, scanned }: Pick<FactsInput, 'output' | 'tool' | 'scanned'>): Streams {
  const result: Record<keyof Streams, RawStream[]> = {
    video: [],
    audio: [],
    subtitles: [],
    coverArt: [],
    undecodable: [],
  };
  for (const [index, stream] of [...output.streams].sort(([a], [b]) => a - b)) {
    const use = streamUse(stream);
    if (use === null) continue;
    if (use === 'coverArt' || isLonePicture(index, output)) result.coverArt.push(stream);
    // A track that the header names and of which no packet is shown: as if it were not there.
    else if (scanned && isEmpty(output.scans.get(index))) continue;
    else if (!isReadable(stream, tool)) result.undecodable.push(stream);
    else result[use].push(stream);
  }
  return result;
}

function streamUse(stream: RawStream): 'video' | 'audio' | 'subtitles' | 'coverArt' | null {
  switch (stream.values.get('codec_type')) {
    case 'video':
      return ['attached_pic', 'timed_thumbnails'].some((name) => hasDisposition(stream, name)) ? 'coverArt' : 'video';
    case 'audio':
      return 'audio';
    case 'subtitle':
      return 'subtitles';
    default:
      return null;
  }
}

function isEmpty(scan: StreamScan | undefined): boolean {
  return scan === undefined || scan.packets === scan.discarded;
}

/** One picture beside sound is the sound's cover, whatever the header calls it. */
function isLonePicture(index: number, output: ProbeOutput): boolean {
  const stream = output.streams.get(index);
  if (stream?.values.get('codec_type') !== 'video' || !PICTURE_CODECS.has(field(stream, 'codec_name') ?? ''))
    return false;
  const hasAudio = [...output.streams.values()].some((one) => one.values.get('codec_type') === 'audio');
  const frames = output.scans.get(index)?.packets ?? numberField(stream, 'nb_frames') ?? 0;
  return hasAudio && frames === 1;
}

/** ffprobe decodes until it knows a stream's format: where it read everything and still does not, nothing was decodable. */
function isReadable(stream: RawStream, tool: MediaTool): boolean {
  const codec = field(stream, 'codec_name');
  if (codec === null || !canDecode(codec, tool)) return false;
  switch (stream.values.get('codec_type')) {
    case 'video':
      return (
        field(stream, 'pix_fmt') !== null &&
        (numberField(stream, 'width') ?? 0) > 0 &&
        (numberField(stream, 'height') ?? 0) > 0
      );
    case 'audio':
      return (numberField(stream, 'sample_rate') ?? 0) > 0 && (numberField(stream, 'channels') ?? 0) > 0;
    default:
      return true;
  }
}

/** `stream 2: video, magicyuv`: for messages. Codec names come from FFmpeg, four-letter codes from the file: cleaned. */
export function describeStream(stream: RawStream): string {
  const tag = (field(stream, 'codec_tag_string') ?? '').replace(/[^\w-]/g, '');
  return `stream ${stream.values.get('index')}: ${stream.values.get('codec_type')}, ${field(stream, 'codec_name') ?? (tag === '' ? 'unknown codec' : tag)}`;
}

export function makeFacts(input: FactsInput, all: Streams): SourceFacts {
  const { output, size, scanned, warnings } = input;
  const declared = positive(output.format.get('duration'));
  const scanOf = (stream: RawStream) => output.scans.get(Number(stream.values.get('index')));
  const allVideos = all.video.map((stream) => ({ stream, facts: readVideo(stream, scanOf(stream), declared) }));
  allVideos.sort((a, b) => preference(b) - preference(a));
  const choice = chooseProgram(output.programs, all, allVideos[0]?.facts.streamIndex);
  const streams = choice?.streams ?? all;
  const videos = allVideos.filter(({ stream }) => streams.video.includes(stream));
  const video = videos[0]?.facts ?? null;
  const sounds = streams.audio.map((stream) => ({ stream, facts: readAudio(stream, scanOf(stream), declared) }));
  const audio = sortAudio(pairMono(output.format.get('format_name') ?? '', sounds));
  const spans = [video, ...audio].filter((one) => one !== null);
  const startTime = spans.length > 0 ? Math.min(...spans.map((one) => one.startTime)) : 0;
  const duration = spans.length > 0 ? round(Math.max(...spans.map((one) => one.endTime)) - startTime) : (declared ?? 0);
  const lost = video === null ? 0 : (output.scans.get(video.streamIndex)?.undecodable ?? 0);
  const subtitles: SubtitleFacts[] = streams.subtitles.map(readSubtitle).filter((one) => one !== null);
  return {
    container: output.format.get('format_name') ?? 'unknown',
    ...brandOf(output),
    size,
    declaredDuration: declared,
    duration,
    startTime,
    bitrate: duration > 0 ? Math.round((size * 8) / duration) : 0,
    streams: output.streams.size,
    isStill: false,
    video,
    ...(choice ? { program: choice.program } : {}),
    otherVideoStreams: Math.max(0, videos.length - 1),
    audio,
    subtitles,
    coverArt: streams.coverArt[0] ? Number(streams.coverArt[0].values.get('index')) : null,
    scanned,
    ...clockOf(input, streams),
    warnings: [
      ...streams.undecodable.map((stream) => UNDECODABLE + describeStream(stream)),
      ...(lost > 0 ? [lost + LOST_FRAMES] : []),
      ...warnings,
    ].slice(0, 20),
  };
}

type Choice = { readonly program: NonNullable<SourceFacts['program']>; readonly streams: Streams };

/**
 * Of several programs the one with the picture that was chosen, or the first with sound, and what it shares with nobody else or with all.
 * Null where at most one has anything to show.
 */
function chooseProgram(programs: readonly RawProgram[], all: Streams, videoIndex: number | undefined): Choice | null {
  const index = (stream: RawStream) => Number(stream.values.get('index'));
  const useful = programs.filter((one) =>
    [...all.video, ...all.audio].some((stream) => one.streams.has(index(stream))),
  );
  const wanted = videoIndex ?? all.audio.map(index).find((one) => useful.some(({ streams }) => streams.has(one)));
  const taken = useful.find(({ streams }) => wanted !== undefined && streams.has(wanted));
  if (!taken || useful.length < 2) return null;
  // What no program names belongs to whichever is there.
  const isOurs = (stream: RawStream) =>
    taken.streams.has(index(stream)) || programs.every(({ streams }) => !streams.has(index(stream)));
  const name = cleanText(taken.values.get('tag:service_name'));
  return {
    program: { number: Number(taken.values.get('program_num')) || 0, name, others: useful.length - 1 },
    streams: {
      ...all,
      video: all.video.filter(isOurs),
      audio: all.audio.filter(isOurs),
      subtitles: all.subtitles.filter(isOurs),
    },
  };
}

/** Containers whose clocks may begin anew on the way, by their specifications: players go on, and so does FFmpeg where it is let. */
const REJOINED = /^(mpegts|mpeg|ogg)$/;
/** Seconds. A picture that is stored before one that it is shown after lies less far back; pauses of a camera are shorter. */
const STEP_BACK = 1;
const STEP_AHEAD = 60;

function clockOf(input: FactsInput, streams: Streams): Pick<SourceFacts, 'clock'> {
  return REJOINED.test(input.output.format.get('format_name') ?? '') && clockJumps(input, streams)
    ? { clock: 'jumps' }
    : {};
}

/** Whether the packets of any stream go back in time, or far ahead. */
export function clockJumps({ output }: Pick<FactsInput, 'output'>, { video, audio }: Streams): boolean {
  return [...video, ...audio].some((stream) => {
    const scan = output.scans.get(Number(stream.values.get('index')));
    const { num, den } = streamTick(stream);
    const second = den / num;
    return scan && (scan.longestStepBack > STEP_BACK * second || scan.longestStepAhead > STEP_AHEAD * second);
  });
}

/** Four letters of the file: cleaned. */
function brandOf({ format }: ProbeOutput): { brand?: string } {
  const brand = (format.get('tag:major_brand') ?? '').replace(/[^\w ]/g, '').trim();
  return brand === '' ? {} : { brand: brand.slice(0, 4) };
}

/** The film among several videos: the default one, then the largest picture, then the first. */
function preference({ stream, facts }: { stream: RawStream; facts: VideoFacts }): number {
  return (hasDisposition(stream, 'default') ? 1e12 : 0) + facts.width * facts.height - facts.streamIndex / 1000;
}

/** The main track first: a default one that is no commentary, else the one with the most channels; the others as they stand. */
function sortAudio(tracks: readonly { readonly stream: RawStream; readonly facts: AudioFacts }[]): AudioFacts[] {
  const value = ({ stream, facts }: (typeof tracks)[number]) =>
    (hasDisposition(stream, 'comment') || hasDisposition(stream, 'visual_impaired') ? -1000 : 0) +
    (facts.isDefault ? 100 : 0) +
    Math.min(facts.channels, 8);
  const main = [...tracks].sort((a, b) => value(b) - value(a))[0];
  return [...tracks.filter((one) => one === main), ...tracks.filter((one) => one !== main)].map((one) => one.facts);
}

function positive(text: string | undefined): number | null {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
