// Turns one stream of ffprobe's output into facts: header fields and what the packets said. Pure; used by probe-facts.ts.
import {
  type AudioFacts,
  FIELD_ORDERS,
  type FieldOrder,
  type Rational,
  type SubtitleFacts,
  type VideoFacts,
} from '#domain/source-facts.ts';
import { readDisplayMatrix, UPRIGHT } from '#media/display-matrix.ts';
import { rateNumber, snapRate } from '#media/frame-rate.ts';
import { readPixelFormat } from '#media/pixel-format.ts';
import type { RawStream } from '#media/probe-output.ts';
import type { StreamScan } from '#media/probe-packets.ts';

const SQUARE: Rational = { num: 1, den: 1 };
/** Below this distance from square, a sample aspect is the rest of rounding a size to even (1280:1281). */
const NEARLY_SQUARE = 0.005;
/** Real anamorphic pictures lie within; beyond is a broken header. */
const EXTREME_ASPECT = 4;
const TEXT_SUBTITLES = new Set([
  'subrip',
  'srt',
  'ass',
  'ssa',
  'webvtt',
  'mov_text',
  'text',
  'sami',
  'stl',
  'microdvd',
  'eia_608',
]);
const BITMAP_SUBTITLES = new Set(['hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle', 'xsub']);

/** A field's text; null where ffprobe has nothing to say. */
export function field(stream: RawStream, name: string): string | null {
  const value = stream.values.get(name);
  return value === undefined || value === '' || value === 'N/A' || value === 'unknown' || value === 'unspecified'
    ? null
    : value;
}

export function numberField(stream: RawStream, name: string): number | null {
  const value = Number(field(stream, name) ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}

/** `30000/1001` or `64:45`; null for 0/0, 0:1 and what is no fraction. */
function readRational(text: string | null): Rational | null {
  const match = /^(\d+)[/:](\d+)$/.exec(text ?? '');
  const [num, den] = [Number(match?.[1]), Number(match?.[2])];
  return num > 0 && den > 0 ? { num, den } : null;
}

export function hasDisposition(stream: RawStream, name: string): boolean {
  return stream.values.get(`disposition:${name}`) === '1';
}

/** Microseconds are as exact as any container's clock needs; more digits would only be floating noise. */
function seconds(ticks: number, tick: Rational): number {
  return Math.round(((ticks * tick.num) / tick.den) * 1e6) / 1e6;
}

export function streamTick(stream: RawStream): Rational {
  return readRational(field(stream, 'time_base')) ?? { num: 1, den: 1000 };
}

export type Span = { readonly startTime: number; readonly endTime: number };

/** Presentation start and end in seconds: by the packets where they were read, else by the header. */
function streamSpan(stream: RawStream, scan: StreamScan | undefined, declaredDuration: number | null): Span {
  const tick = streamTick(stream);
  if (scan && scan.shown > 0) {
    const [first, end] = [seconds(scan.start, tick), seconds(scan.end, tick)];
    const own = numberField(stream, 'duration');
    const told = own === null ? declaredDuration : first + own;
    // A last packet that does not say how long it is ends where the header does, if that is in it.
    const isInside = told !== null && told < end && told > end - seconds(scan.unsaid, tick);
    return { startTime: first, endTime: isInside ? told : end };
  }
  const startTime = numberField(stream, 'start_time') ?? 0;
  return { startTime, endTime: startTime + Math.max(0, numberField(stream, 'duration') ?? declaredDuration ?? 0) };
}

function bitrateOf(stream: RawStream, scan: StreamScan | undefined, { startTime, endTime }: Span): number {
  if (!scan || scan.packets === 0) return numberField(stream, 'bit_rate') ?? 0;
  return endTime > startTime ? Math.round((scan.bytes * 8) / (endTime - startTime)) : 0;
}

export function readVideo(
  stream: RawStream,
  scan: StreamScan | undefined,
  declaredDuration: number | null,
): VideoFacts {
  const pixelFormat = field(stream, 'pix_fmt');
  const pixels = readPixelFormat(pixelFormat);
  const matrix = stream.sideData.find((data) => data.get('side_data_type') === 'Display Matrix')?.get('displaymatrix');
  const orientation = matrix === undefined ? UPRIGHT : readDisplayMatrix(matrix);
  const [width, height] = [numberField(stream, 'width') ?? 0, numberField(stream, 'height') ?? 0];
  const claimed = readRational(field(stream, 'sample_aspect_ratio'));
  const sampleAspectRatio = soundAspect(claimed);
  const dolbyVision = stream.sideData.find((data) => data.has('dv_profile'))?.get('dv_profile');
  const range = field(stream, 'color_range');
  const color = {
    primaries: field(stream, 'color_primaries'),
    transfer: field(stream, 'color_transfer'),
    matrix: field(stream, 'color_space'),
    range: pixels.fullRange || range === 'pc' ? ('pc' as const) : range === 'tv' ? ('tv' as const) : null,
  };
  return {
    streamIndex: Number(stream.values.get('index')),
    codec: field(stream, 'codec_name') ?? 'unknown',
    profile: field(stream, 'profile'),
    level: positive(numberField(stream, 'level')),
    pixelFormat,
    bitDepth: pixels.bitDepth,
    chroma: pixels.chroma,
    hasAlpha: pixels.hasAlpha || stream.values.get('tag:alpha_mode') === '1',
    width,
    height,
    sampleAspectRatio,
    ...(isAbsurd(claimed) ? { absurdAspect: true as const } : {}),
    ...orientation,
    ...displaySize({ width, height, sampleAspectRatio, rotation: orientation.rotation }),
    fieldOrder: fieldOrder(stream, height),
    color,
    hdr: readHdr(color.transfer, pixels.bitDepth),
    dolbyVisionProfile: dolbyVision === undefined ? null : Number(dolbyVision),
    ...frameFacts(stream, scan, declaredDuration),
  };
}

/** Size in square pixels, upright: the height stays, the width carries the aspect. */
function displaySize(
  picture: Pick<VideoFacts, 'width' | 'height' | 'sampleAspectRatio' | 'rotation'>,
): Pick<VideoFacts, 'displayWidth' | 'displayHeight'> {
  const square = Math.max(1, Math.round(picture.width * rateNumber(picture.sampleAspectRatio)));
  const turned = picture.rotation === 90 || picture.rotation === 270;
  return turned
    ? { displayWidth: picture.height, displayHeight: square }
    : { displayWidth: square, displayHeight: picture.height };
}

function soundAspect(ratio: Rational | null): Rational {
  const value = ratio === null ? 1 : rateNumber(ratio);
  return ratio !== null && Math.abs(value - 1) >= NEARLY_SQUARE && !isAbsurd(ratio) ? ratio : SQUARE;
}

function isAbsurd(ratio: Rational | null): boolean {
  const value = ratio === null ? 1 : rateNumber(ratio);
  return value > EXTREME_ASPECT || value < 1 / EXTREME_ASPECT;
}

/**
 * BT.2100 defines PQ and HLG for 10 and 12 bits only. An 8-bit picture with such a tag is SDR that some software labelled wrongly
 * (seen: a screen composition tagged HLG, whose white turns skin-coloured when it is tone-mapped).
 */
function readHdr(transfer: string | null, bitDepth: number): VideoFacts['hdr'] {
  if (bitDepth < 10) return null;
  return transfer === 'smpte2084' ? 'pq' : transfer === 'arib-std-b67' ? 'hlg' : null;
}

/** DV has fields, the lower one first (IEC 61834-2), whether or not a container says so; of the formats that came after it 720 lines have none. */
function fieldOrder(stream: RawStream, height: number): FieldOrder {
  const text = field(stream, 'field_order');
  const usual = field(stream, 'codec_name') === 'dvvideo' && height !== 720 ? 'bb' : 'unknown';
  return FIELD_ORDERS.find((order) => order === text) ?? usual;
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

type FrameFacts = Pick<
  VideoFacts,
  | 'averageFrameRate'
  | 'nominalFrameRate'
  | 'constantFrameRate'
  | 'skipsFrames'
  | 'frames'
  | 'startTime'
  | 'endTime'
  | 'bitrate'
  | 'keyframes'
  | 'longestGop'
  | 'hasBFrames'
  | 'hasOpenGops'
  | 'jumpsBack'
>;

function frameFacts(stream: RawStream, scan: StreamScan | undefined, declaredDuration: number | null): FrameFacts {
  const declared = readRational(field(stream, 'r_frame_rate')) ?? readRational(field(stream, 'avg_frame_rate'));
  if (!scan?.clock || scan.packets === 0) return headerFrames(stream, declared, declaredDuration);
  if (scan.shown === 0) return clocklessFrames(scan, declared ?? { num: 25, den: 1 });
  const tick = streamTick(stream);
  const clock = scan.clock.finish(tick, declared);
  // A container that gives the last frame no duration (Matroska) still shows it for one interval.
  const lastEnd = scan.lastDuration > 0 ? scan.end : scan.end + clock.interval;
  const end = scan.isUnplaced ? Math.max(lastEnd, scan.start + scan.decodeSpan + clock.interval) : lastEnd;
  const span = { startTime: seconds(scan.start, tick), endTime: seconds(end, tick) };
  const last = scan.lastKeyframe;
  return {
    averageFrameRate: clock.average,
    nominalFrameRate: clock.nominal,
    constantFrameRate: clock.constant,
    ...(clock.skips ? { skipsFrames: true as const } : {}),
    frames: scan.shown,
    ...span,
    bitrate: bitrateOf(stream, scan, span),
    keyframes: scan.keyframes.map((time) => seconds(time, tick)),
    longestGop: seconds(last === null ? end - scan.start : Math.max(scan.longestGop, end - last), tick),
    hasBFrames: scan.hasReordering,
    hasOpenGops: scan.hasOpenGops,
    ...(scan.jumpsBack ? { jumpsBack: true as const } : {}),
  };
}

/** A raw stream without any timestamps (`.h264`): frames follow each other at the declared rate. */
function clocklessFrames(scan: StreamScan, rate: Rational): FrameFacts {
  const frames = scan.packets - scan.undecodable;
  const span = { startTime: 0, endTime: frames / rateNumber(rate) };
  return {
    averageFrameRate: snapRate(rate),
    nominalFrameRate: snapRate(rate),
    constantFrameRate: true,
    frames,
    ...span,
    bitrate: span.endTime > 0 ? Math.round((scan.bytes * 8) / span.endTime) : 0,
    keyframes: [],
    longestGop: span.endTime,
    hasBFrames: false,
    hasOpenGops: false,
  };
}

/** Where the packets were not read: what the header claims. */
function headerFrames(stream: RawStream, declared: Rational | null, declaredDuration: number | null): FrameFacts {
  const average = readRational(field(stream, 'avg_frame_rate')) ?? declared;
  const span = streamSpan(stream, undefined, declaredDuration);
  const frames =
    numberField(stream, 'nb_frames') ??
    (average === null ? 0 : Math.round((span.endTime - span.startTime) * rateNumber(average)));
  return {
    averageFrameRate: average === null ? null : snapRate(average),
    nominalFrameRate: declared === null ? null : snapRate(declared),
    constantFrameRate:
      average !== null && declared !== null && rateNumber(snapRate(average)) === rateNumber(snapRate(declared)),
    frames,
    ...span,
    bitrate: numberField(stream, 'bit_rate') ?? 0,
    keyframes: [],
    longestGop: span.endTime - span.startTime,
    hasBFrames: (numberField(stream, 'has_b_frames') ?? 0) > 0,
    // Not known from the header; such a source counts as unread anyway.
    hasOpenGops: false,
  };
}

/** Encoder delay before the first real sample is at most this long: four AAC frames (two of HE-AAC), or seconds where that is more (Opus). */
const PRIMING_SAMPLES = 4096;
const PRIMING_SECONDS = 0.2;

export function readAudio(
  stream: RawStream,
  scan: StreamScan | undefined,
  declaredDuration: number | null,
): AudioFacts {
  const span = streamSpan(stream, scan, declaredDuration);
  // The header's start already leaves out the priming samples that the first packets still carry.
  const header = numberField(stream, 'start_time') ?? span.startTime;
  const sampleRate = numberField(stream, 'sample_rate') ?? 0;
  const priming = Math.max(PRIMING_SECONDS, sampleRate > 0 ? PRIMING_SAMPLES / sampleRate : 0);
  const startTime = header > span.startTime && header - span.startTime < priming ? header : span.startTime;
  return {
    streamIndex: Number(stream.values.get('index')),
    codec: field(stream, 'codec_name') ?? 'unknown',
    profile: field(stream, 'profile'),
    sampleRate,
    channels: numberField(stream, 'channels') ?? 0,
    channelLayout: field(stream, 'channel_layout'),
    ...labels(stream),
    isDefault: hasDisposition(stream, 'default'),
    startTime,
    endTime: span.endTime,
    bitrate: bitrateOf(stream, scan, span),
    ...(scan?.hasHoles ? { hasHoles: true as const } : {}),
    ...sampleDepth(stream),
  };
}

const LOSSLESS = /^(pcm_|flac$|alac$|wavpack$|tta$|ape$|tak$|truehd$|mlp$)/;

/** Lossy codecs decode to floats, which says nothing of their source. */
function sampleDepth(stream: RawStream): { bitDepth?: number } {
  if (!LOSSLESS.test(field(stream, 'codec_name') ?? '')) return {};
  const bits = numberField(stream, 'bits_per_raw_sample') || numberField(stream, 'bits_per_sample') || 16;
  return bits > 16 ? { bitDepth: Math.min(32, bits) } : {};
}

export function readSubtitle(stream: RawStream): SubtitleFacts | null {
  const codec = field(stream, 'codec_name') ?? 'unknown';
  const kind = TEXT_SUBTITLES.has(codec) ? 'text' : BITMAP_SUBTITLES.has(codec) ? 'bitmap' : null;
  if (kind === null) return null;
  return {
    streamIndex: Number(stream.values.get('index')),
    codec,
    kind,
    ...labels(stream),
    isDefault: hasDisposition(stream, 'default'),
    isForced: hasDisposition(stream, 'forced'),
  };
}

/** Tags are a stranger's text: only what looks like a language tag is one, and a title is cut. */
function labels(stream: RawStream): { language: string | null; title: string | null } {
  const language = field(stream, 'tag:language');
  return {
    language:
      language !== null && language !== 'und' && /^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(language) ? language : null,
    title: cleanText(field(stream, 'tag:title') ?? undefined),
  };
}

/** A stranger's text on one line, of 200 characters at the most; null where nothing is left. */
export function cleanText(text: string | undefined): string | null {
  const clean = text
    ?.replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 200);
  return clean ? clean : null;
}
