// Finds out what a source is: by headers and index where the container has one, else by one ffprobe run whose packets are reduced while they pass. Called by the workflows and the CLI.
import { PlatformError } from '#domain/error.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { ArrivingSource } from '#media/arriving-source.ts';
import { canDecode } from '#media/decoders.ts';
import { explainUnreadable } from '#media/explain-unreadable.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { lookAtFields } from '#media/look-at-fields.ts';
import { isMotionJpeg } from '#media/motion-jpeg.ts';
import { inspectMp4 } from '#media/mp4-boxes.ts';
import { clockJumps, describeStream, makeFacts, type Streams, sortStreams } from '#media/probe-facts.ts';
import { scanIndex } from '#media/probe-index.ts';
import { ProbeLog } from '#media/probe-log.ts';
import { outputArguments, ProbeOutput } from '#media/probe-output.ts';
import { field } from '#media/probe-streams.ts';
import { refuseScrambled } from '#media/scrambled.ts';
import { type Content, HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
import { openSourceIndex, type SourceIndex } from '#media/source-index.ts';
import { findParts } from '#media/source-parts.ts';
import { probeStill } from '#media/still.ts';
import type { MediaInput, MediaLimits, MediaTool } from '#media/tool.ts';
import { inputArguments, MOTION_JPEG, PASSING_OVER, TRANSPORT_STREAM } from '#media/whitelist.ts';

export type ProbeOptions = {
  readonly tool: MediaTool;
  readonly input: MediaInput;
  readonly limits: MediaLimits;
  readonly signal?: AbortSignal;
  /** The container's index where it is open already; null has ffprobe read every packet, whatever an index says. */
  readonly index?: SourceIndex | null;
  /** Only a beginning is there, and it ends anywhere. */
  readonly isCutOff?: boolean;
};

type Run = {
  readonly output: ProbeOutput;
  readonly log: ProbeLog;
  readonly failed: boolean;
  readonly scanned: boolean;
  /** track_ID by stream index, where the packets were taken from the container's index. */
  readonly indexed?: Readonly<Record<number, number>>;
};

/** Where ffprobe's usual 5 MB and 5 s do not reach a picture (a broadcast cut between far keyframes, a picture that comes long after the sound), these do. */
const DEEP_SEARCH = ['-probesize', '100M', '-analyzeduration', '3600M'];
/** Bytes that a container without an index writes around a packet, at the most (FLV: header, codec, length). */
const TAG = 20;

/**
 * Everything the doctor and the plan need to know of a source. Packets are all read unless that takes longer than
 * `limits.probeTimeLimit`; then the headers are believed and `scanned` is false.
 * @throws PlatformError `empty_source`, `not_media`, `unsupported_media`, `encrypted_media`, `corrupt_media`, `media_limit`, `source_not_found`
 */
export async function probeSource(options: ProbeOptions): Promise<SourceFacts> {
  await using bytes = await openSourceBytes(options.input, options.signal);
  if (bytes.size === 0) throw new PlatformError('empty_source', 'The source is empty: it has no bytes.');
  const content = await recogniseContent(bytes);
  if (content.kind === 'foreign') throw new PlatformError('not_media', `The file is ${content.what}.`);
  // Awaited, or the file would be closed while it is read.
  if (content.kind === 'still') return await probeStill({ ...options, format: content.format, bytes });
  const container = content.kind === 'media' ? (NAMES[content.what] ?? null) : null;
  const run = (await readIndexed(options, bytes)) ?? (await runProbe({ ...options, container }));
  if (run.failed || run.output.streams.size === 0) throw await explainUnreadable({ content, log: run.log, bytes });
  const facts = (await passOver(options, { run, content, bytes })) ?? (await judge(options, { run, content, bytes }));
  if (facts.container === 'gif' && facts.video?.frames === 1)
    return await probeStill({ ...options, format: 'gif', bytes });
  refuseBeyondLimits(facts, options.limits);
  return lookAtFields(options, facts);
}

const MOTION = 'motion JPEG';
/** FFmpeg's names of containers that are opened by them. */
const NAMES: Readonly<Record<string, string>> = { 'MPEG-TS': TRANSPORT_STREAM, [MOTION]: MOTION_JPEG };

async function recogniseContent(bytes: SourceBytes): Promise<Content> {
  const content = sniffContent(await bytes.read(0, HEAD_BYTES), bytes.size);
  const isFilm = content.kind === 'still' && content.format === 'jpeg' && (await isMotionJpeg(bytes));
  return isFilm ? { kind: 'media', what: MOTION } : content;
}

/**
 * The same of a source that still arrives, whose index is there already: what will be found when it is whole. Null where what has come
 * does not tell enough yet.
 * @throws PlatformError as probeSource does
 */
export async function probeArriving(
  options: Omit<ProbeOptions, 'index'>,
  { bytes, index }: Pick<ArrivingSource, 'bytes' | 'index'>,
): Promise<SourceFacts | null> {
  const content = sniffContent(await bytes.read(0, HEAD_BYTES), bytes.size);
  const run = content.kind === 'media' ? await readIndexed({ ...options, index }, bytes) : null;
  if (!run) return null;
  const facts = await judge(options, { run, content, bytes });
  refuseBeyondLimits(facts, options.limits);
  return facts;
}

type Found = { readonly run: Run; readonly content: Content; readonly bytes: SourceBytes };

/** What is found where the part of the container that hides the picture is passed over; null where nothing hides it, or nothing is behind. */
async function passOver(options: ProbeOptions, { run, content, bytes }: Found): Promise<SourceFacts | null> {
  const what = hidingPart(run.output);
  if (what === null) return null;
  const other = await runOnce(options, 'everything', PASSING_OVER[what]);
  if (other.failed || hidingPart(other.output) !== null) return null;
  return { ...(await judge(options, { run: other, content, bytes })), clock: 'jumps', passedOver: what };
}

/** An index of an AVI by which nothing is found; an edit list by which nothing of the picture is shown. */
function hidingPart({ format, streams, scans }: ProbeOutput): keyof typeof PASSING_OVER | null {
  const container = format.get('format_name') ?? '';
  const films = [...streams]
    .filter(([, { values }]) => values.get('codec_type') === 'video')
    .map(([at]) => scans.get(at));
  if (container === 'avi') return films.some((scan) => (scan?.packets ?? 0) > 1) ? null : 'index';
  const isHidden =
    films.length > 0 && films.every((scan) => scan && scan.packets > 1 && scan.packets === scan.discarded);
  return container.startsWith('mov,') && isHidden ? 'edits' : null;
}

async function judge(options: ProbeOptions, { run, content, bytes }: Found): Promise<SourceFacts> {
  const { output } = run;
  if (output.streams.size > options.limits.maxStreams)
    throw overLimit('number of streams', output.streams.size, options.limits.maxStreams);
  await refuseEncrypted(run, bytes);
  const input = { output, tool: options.tool, size: bytes.size, scanned: run.scanned, warnings: run.log.complaints };
  const streams = sortStreams(input);
  if (isUnusable(streams)) await refuseScrambled(content, bytes);
  refuseUnusable(streams, { content, output, tool: options.tool });
  const facts = makeFacts(input, streams);
  // The index told of every byte.
  if (run.indexed) return { ...facts, indexed: run.indexed };
  const unread =
    bytes.size - [...output.scans.values()].reduce((sum, scan) => sum + scan.bytes + TAG * scan.packets, 0);
  const search = { container: facts.container, jumps: clockJumps(input, streams), unread };
  const parts = run.scanned ? await findParts(bytes, search) : [];
  return parts.length > 0 ? { ...facts, clock: 'jumps', parts } : facts;
}

/**
 * Headers by ffprobe and packets by the index: the time this takes does not grow with the film. Null where there is no index, or where the two contradict each other.
 */
async function readIndexed(options: ProbeOptions, bytes: SourceBytes): Promise<Run | null> {
  if (options.index === null) return null;
  const index = options.index ?? (await openSourceIndex(bytes));
  if (!index) return null;
  const run = await readHeaders(options);
  if (run.failed || run.log.hasUnclearStream) return null;
  const indexed = await scanIndex(index, run.output, bytes.size);
  return indexed && { ...run, scanned: true, indexed };
}

/** What is known of the source before it is opened: see inputArguments. */
type Opening = ProbeOptions & { readonly container?: string | null };

async function runProbe(options: Opening): Promise<Run> {
  let run: Run;
  try {
    run = await runOnce(options, 'everything', []);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'encode_timeout') throw error;
    return readHeaders(options, error);
  }
  return !run.failed && run.log.hasUnclearStream ? runOnce(options, 'everything', DEEP_SEARCH) : run;
}

async function readHeaders(options: Opening, cause?: PlatformError): Promise<Run> {
  try {
    return await runOnce(options, 'headers', []);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'encode_timeout') throw error;
    const limit = options.limits.probeTimeLimit;
    throw new PlatformError(
      'media_limit',
      `Reading the header of the file took longer than ${limit} s (PROBE_TIMEOUT_SECONDS).`,
      { cause: cause ?? error },
    );
  }
}

async function runOnce(
  { tool, input, limits, signal, isCutOff = false, container = null }: Opening,
  what: 'everything' | 'headers',
  search: readonly string[],
): Promise<Run> {
  const [output, log] = [new ProbeOutput(isCutOff, limits.maxStreams), new ProbeLog()];
  const result = await runMedia({
    program: tool.ffprobe,
    args: [
      ...['-hide_banner', '-v', 'level+warning', ...search],
      ...outputArguments(what),
      ...inputArguments(input, container),
    ],
    limits: limits.child,
    timeLimit: limits.probeTimeLimit,
    ...(signal ? { signal } : {}),
    onStdout: (stdout) => output.read(stdout),
    onLog: (line) => log.add(line),
  });
  // The system that was short of memory, or its administrator: nothing is known of the file, and it may be read the next time.
  if (result.signal === 'SIGKILL') throw new PlatformError('encode_failed', 'ffprobe was killed from outside');
  return { output, log, failed: result.exitCode !== 0, scanned: what === 'everything' };
}

/** Encrypted samples can be read and give garbage, so that their signs are looked for: on packets, in tags, in the index. */
async function refuseEncrypted({ output, log }: Run, bytes: SourceBytes): Promise<void> {
  const scans = [...output.scans.values()].filter((scan) => scan.type === 'video' || scan.type === 'audio');
  const marked = scans.some((scan) => scan.encrypted > 0 && scan.encrypted * 2 >= scan.packets);
  const named = [...output.streams.values()].some((stream) => stream.values.has('tag:enc_key_id'));
  const hinted =
    log.mentionsEncryption ||
    [...output.streams.values()].some((stream) =>
      stream.sideData.some((data) => data.get('side_data_type')?.startsWith('Encryption')),
    );
  if (marked || named || (hinted && (await inspectMp4(bytes)).isEncrypted)) {
    throw new PlatformError(
      'encrypted_media',
      'The media is encrypted (DRM): its pictures and sound cannot be read without a key.',
    );
  }
}

const isUnusable = ({ video, audio }: Streams): boolean => video.length === 0 && audio.length === 0;

/** @throws PlatformError where there is neither picture nor sound to work with; cover art alone is none. */
function refuseUnusable(
  streams: Streams,
  { content, output, tool }: { readonly content: Content; readonly output: ProbeOutput; readonly tool: MediaTool },
): void {
  if (!isUnusable(streams)) return;
  const readable = content.kind === 'media' ? ` (${content.what})` : '';
  if (streams.undecodable.length > 0) {
    const list = streams.undecodable.map(describeStream).join('; ');
    // The decoder is there, so that it was the data that made no sense to it.
    const garbled = streams.undecodable.some((stream) => canDecode(field(stream, 'codec_name') ?? '', tool));
    if (garbled)
      throw new PlatformError('corrupt_media', `The file${readable} opens, but nothing in it can be decoded: ${list}.`);
    throw new PlatformError(
      'unsupported_media',
      `The file${readable} holds nothing that can be decoded here: ${list}.`,
    );
  }
  const empty = [...output.streams.values()].filter((stream) =>
    ['video', 'audio'].includes(stream.values.get('codec_type') ?? ''),
  );
  if (empty.length > 0)
    throw new PlatformError(
      'corrupt_media',
      `The file${readable} names streams but holds no data of them: ${empty.map(describeStream).join('; ')}.`,
    );
  throw new PlatformError('not_media', `The file${readable} holds neither video nor audio.`);
}

function refuseBeyondLimits(facts: SourceFacts, limits: MediaLimits): void {
  // The length of one whose clock jumps is known when it is straightened.
  if (facts.clock !== 'jumps' && facts.duration > limits.maxDuration)
    throw overLimit('duration', `${Math.round(facts.duration)} s`, `${limits.maxDuration} s`);
  if (!facts.video) return;
  const { width, height } = facts.video;
  // A portrait video may be as high as a landscape one is wide.
  const [long, short] = [Math.max(limits.maxWidth, limits.maxHeight), Math.min(limits.maxWidth, limits.maxHeight)];
  if (Math.max(width, height) > long || Math.min(width, height) > short)
    throw overLimit('picture size', `${width}x${height}`, `${limits.maxWidth}x${limits.maxHeight}`);
}

function overLimit(what: string, found: string | number, allowed: string | number): PlatformError {
  const settings: Readonly<Record<string, string>> = {
    'number of streams': 'MAX_STREAMS',
    duration: 'MAX_DURATION_SECONDS',
    'picture size': 'MAX_VIDEO_WIDTH, MAX_VIDEO_HEIGHT',
  };
  return new PlatformError(
    'media_limit',
    `The ${what} of the source is ${found}; at most ${allowed} is allowed (${settings[what]}).`,
  );
}
