// What must be true of an output, given what FFmpeg sees in its source: each miss as a sentence. Used by the corpus matrix and its own test.
import {
  describeMedia,
  endOf,
  type Frame,
  type Master,
  type MediaDescription,
  readFrames,
  readMaster,
  readMediaPlaylist,
  type StreamDescription,
} from '../kit/decode.ts';
import { comparePictures } from './compare-pictures.ts';
import { compareSound, SILENCE } from './compare-sound.ts';
import type { Expected } from './expected.ts';

/** Seconds that an output may be longer or shorter than its source. */
const DURATION_TOLERANCE = 0.1;
const LAG_TOLERANCE = 0.02;
const LEAST_CORRELATION = 0.9;
/** SSIM: of the worst moment, and on the average. */
const LEAST_SSIM = { worst: 0.8, mean: 0.85 };
/** Tone mapping is a matter of taste: structure must be the same, brightness need not. */
const LEAST_HDR_SSIM = { worst: 0.5, mean: 0.6 };
/** Steps of 255 by which mean colours may differ. */
const COLOUR_TOLERANCE = 8;
/** A picture that is as short as a still is shown for so long, seconds. */
export const STILL_SECONDS = 5;

export type Checked = {
  readonly misses: readonly string[];
  /** Figures of what was seen, for the table. */
  readonly notes: readonly string[];
};

/** A single file with picture, sound or both. */
export async function checkFile(url: string, expected: Expected): Promise<Checked> {
  const media = await describeMedia(url);
  const track = { url, media, zero: await zeroOf([url]) };
  const video = expected.video ? await checkVideo(track, expected) : NONE;
  const audio = expected.audio ? await checkAudio(track, expected) : NONE;
  const surplus = surplusStreams(media, expected);
  return joinChecks([video, audio, { misses: surplus, notes: [] }]);
}

type Track = {
  readonly url: string;
  readonly media: MediaDescription /** Seconds on its clock where the output begins. */;
  readonly zero: number;
};

const NONE: Checked = { misses: [], notes: [] };

/** An HLS master playlist with all its renditions. */
export async function checkStream(master: string, expected: Expected): Promise<Checked> {
  const { variants, audio } = await readMaster(master);
  if (variants.length === 0) return { misses: ['the master playlist names no rendition'], notes: [] };
  const checks: Checked[] = [];
  const wanted = expectedDuration(expected);
  for (const url of new Set([...variants.map((variant) => variant.url), ...audio])) {
    const { seconds, ended } = await readMediaPlaylist(url);
    const misses = [
      ...(ended ? [] : ['a playlist is not ended']),
      ...(Math.abs(seconds - wanted) > DURATION_TOLERANCE
        ? [`a playlist adds up to ${seconds.toFixed(3)} s instead of ${wanted.toFixed(3)}`]
        : []),
    ];
    checks.push({ misses, notes: [] });
  }
  const sound = audio[0] ?? variants[0]?.url ?? master;
  const zero = await zeroOf([...(variants[0] ? [variants[0].url] : []), ...(audio[0] ? [audio[0]] : [])]);
  if (expected.video) checks.push(...(await checkVariants({ variants, zero }, expected)));
  if (expected.audio) checks.push(await checkAudio({ url: sound, media: await describeMedia(sound), zero }, expected));
  return joinChecks(checks);
}

async function checkVariants(
  { variants, zero }: { variants: Master['variants']; zero: number },
  expected: Expected,
): Promise<Checked[]> {
  const checks: Checked[] = [];
  for (const variant of variants) {
    const media = await describeMedia(variant.url);
    const found = await checkVideo({ url: variant.url, media, zero }, expected);
    const stream = videoOf(media);
    const lies = stream && (stream.width !== variant.width || stream.height !== variant.height);
    checks.push(
      lies ? { ...found, misses: [...found.misses, `RESOLUTION says ${variant.width}x${variant.height}`] } : found,
    );
  }
  return checks;
}

function joinChecks(checks: readonly Checked[]): Checked {
  return {
    misses: [...new Set(checks.flatMap((one) => one.misses))],
    notes: [...new Set(checks.flatMap((one) => one.notes))],
  };
}

function videoOf(media: MediaDescription): StreamDescription | undefined {
  return media.streams.find((stream) => stream.type === 'video');
}

function surplusStreams(media: MediaDescription, expected: Expected): string[] {
  const has = (type: string) => media.streams.some((stream) => stream.type === type);
  return [
    ...(!expected.video && has('video') ? ['there is a picture that the source does not have'] : []),
    ...(!expected.audio && has('audio') ? ['there is sound that the source does not have'] : []),
  ];
}

export function expectedDuration(expected: Expected): number {
  return expected.isStill ? STILL_SECONDS : expected.duration;
}

async function checkVideo({ url, media, zero }: Track, expected: Expected): Promise<Checked> {
  const stream = videoOf(media);
  const { video } = expected;
  if (!stream || !video) return { misses: ['the picture is missing'], notes: [] };
  const frames = await readFrames(url, stream);
  if (frames.length === 0) return { misses: ['the picture cannot be decoded'], notes: [] };
  const length = endOf(frames) - zero;
  const wanted = expectedDuration(expected);
  const likeness = await comparePictures(expected.file, heldFrames(expected), {
    url,
    stream,
    frames: frames.map((frame) => ({ ...frame, time: frame.time - zero })),
  });
  const least = video.isHdr ? LEAST_HDR_SSIM : LEAST_SSIM;
  const misses = [
    ...formOf(stream, video),
    ...unevenGaps(frames),
    ...(Math.abs(length - wanted) > DURATION_TOLERANCE
      ? [`the picture lasts ${length.toFixed(3)} s instead of ${wanted.toFixed(3)}`]
      : []),
    ...(likeness.worst < least.worst || likeness.mean < least.mean
      ? [
          `${stream.width}x${stream.height} does not look like the source (SSIM ${likeness.mean.toFixed(3)}, worst ${likeness.worst.toFixed(3)})`,
        ]
      : []),
    ...(!video.isHdr && !video.isCmyk && likeness.colour > COLOUR_TOLERANCE
      ? [`${stream.width}x${stream.height}: colours are off by ${likeness.colour.toFixed(1)} of 255`]
      : []),
  ];
  return {
    misses,
    notes: [`${stream.width}x${stream.height} SSIM ${likeness.mean.toFixed(3)} ΔRGB ${likeness.colour.toFixed(1)}`],
  };
}

/** A still is one frame that lasts. */
function heldFrames({ video, isStill }: Expected): NonNullable<Expected['video']> {
  if (!video) throw new TypeError('no picture is expected');
  return isStill ? { ...video, frames: [{ ticks: 0, time: 0, duration: STILL_SECONDS }] } : video;
}

/** Where an output's time begins, picture and sound together: 0 in MP4 and CMAF; MPEG-TS clocks begin anywhere. */
async function zeroOf(urls: readonly string[]): Promise<number> {
  const starts: number[] = [];
  for (const url of urls) {
    for (const stream of (await describeMedia(url)).streams) {
      const [first] = ['video', 'audio'].includes(stream.type) ? await readFrames(url, stream, 1) : [];
      if (first) starts.push(first.time);
    }
  }
  const earliest = Math.min(...starts);
  return Number.isFinite(earliest) && earliest > 1 ? earliest : 0;
}

/** Upright, the source's aspect, even, square pixels, never larger, 8-bit 4:2:0 SDR, progressive. */
function formOf(stream: StreamDescription, video: NonNullable<Expected['video']>): string[] {
  const { width, height } = stream;
  const name = `${width}x${height}`;
  // Rounding to even sizes moves each side by a pixel at the most, or by one line that is cut.
  const widthFor = (h: number) => (h * video.width) / video.height;
  const off = width < widthFor(Math.max(0, height - 2)) - 2 || width > widthFor(height + 2) + 2;
  return [
    ...(width % 2 !== 0 || height % 2 !== 0 ? [`${name} is odd`] : []),
    ...(off ? [`${name} has another aspect than ${video.width}x${video.height}`] : []),
    ...(width > Math.max(2, video.width) || height > Math.max(2, video.height)
      ? [`${name} is larger than the source`]
      : []),
    ...(Math.abs(stream.pixelAspect - 1) > 0.005 ? [`${name} has pixels of ${stream.pixelAspect.toFixed(3)}`] : []),
    ...stream.sideData
      .filter((data) => /matrix|mastering|light|dovi|dolby/i.test(data))
      .map((data) => `${name} still carries "${data}"`),
    ...(stream.pixelFormat !== 'yuv420p' ? [`${name} is ${stream.pixelFormat}`] : []),
    ...(['smpte2084', 'arib-std-b67'].includes(stream.transfer) || stream.matrix.startsWith('bt2020')
      ? [`${name} is tagged HDR`]
      : []),
    ...(['progressive', 'unknown', ''].includes(stream.fieldOrder) ? [] : [`${name} is interlaced`]),
  ];
}

/** One gap between any two frames, to a tick. */
function unevenGaps(frames: readonly Frame[]): string[] {
  const gaps = frames
    .slice(1)
    .map((frame, i) => frame.ticks - (frames[i]?.ticks ?? 0))
    .sort((a, b) => a - b);
  const [least = 0, usual = 0, most = 0] = [gaps[0], gaps[gaps.length >> 1], gaps.at(-1)];
  if (gaps.length === 0) return [];
  if (least <= 0) return ['timestamps do not grow'];
  return usual - least > 1 || most - usual > 1 ? [`the frame rate varies: gaps of ${least} to ${most} ticks`] : [];
}

async function checkAudio({ url, media, zero }: Track, expected: Expected): Promise<Checked> {
  const stream = media.streams.find((one) => one.type === 'audio');
  const { audio } = expected;
  if (!stream || !audio) return { misses: ['the sound is missing'], notes: [] };
  const frames = await readFrames(url, stream);
  if (frames.length === 0) return { misses: ['the sound cannot be decoded'], notes: [] };
  const length = endOf(frames) - zero;
  const sourceFrames = await readFrames(expected.file, audio.stream, 1);
  const sourceZero = (sourceFrames[0]?.time ?? 0) - audio.start;
  const likeness = await compareSound(
    { url: expected.file, stream: audio.stream, zero: sourceZero, duration: expected.duration },
    { url, stream, zero, duration: expected.duration },
  );
  const isSilent = likeness.sourceLevel < SILENCE;
  const ratio = 20 * Math.log10(Math.max(likeness.outputLevel, 1e-6) / Math.max(likeness.sourceLevel, 1e-6));
  const misses = [
    ...(length < audio.end - DURATION_TOLERANCE || length > expected.duration + DURATION_TOLERANCE
      ? [`the sound lasts ${length.toFixed(3)} s instead of ${audio.end.toFixed(3)}`]
      : []),
    ...(isSilent && likeness.outputLevel > SILENCE * 4 ? ['the sound of a silent source is loud'] : []),
    ...(!isSilent && Math.abs(ratio) > 9 ? [`the sound is ${ratio.toFixed(0)} dB louder than the source`] : []),
    ...(!isSilent && likeness.correlation < LEAST_CORRELATION
      ? [`the sound is another one (correlation ${likeness.correlation.toFixed(2)})`]
      : []),
    ...(!isSilent && likeness.correlation >= LEAST_CORRELATION && Math.abs(likeness.lag) > LAG_TOLERANCE
      ? [`the sound is ${(likeness.lag * 1000).toFixed(0)} ms late`]
      : []),
  ];
  return {
    misses,
    notes: [
      `sound ${(likeness.lag * 1000).toFixed(0)} ms, r ${likeness.correlation.toFixed(2)}${isSilent ? ', silent' : ''}`,
    ],
  };
}
