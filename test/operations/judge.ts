// Decodes a result and holds it against its source: form, length, pictures (SSIM), sound. Nothing of the engine is used. Used by the matrix and its test.
import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { type Checked, checkFile } from '../corpus/check-output.ts';
import { checkPicture } from '../corpus/check-picture.ts';
import { comparePictures } from '../corpus/compare-pictures.ts';
import { compareSound, SILENCE } from '../corpus/compare-sound.ts';
import { type Expected, expectedOf } from '../corpus/expected.ts';
import { describeMedia, endOf, needTool, readFrames } from '../kit/decode.ts';
import type { MadeMedia } from '../media/made-media.ts';
import type { Case } from './cases.ts';

/** A palette of 256 colours and its dither are seen; two hundredths of a second are a GIF's clock. */
const LEAST_ANIMATION = 0.7;
const ANIMATION_SECONDS = 0.12;
/** Seconds of the envelope's steps and of rounding; dB of a mix to fewer channels. */
const LAG = 0.02;
const LEAST_CORRELATION = 0.9;
const LEVEL = 9;
/** LU by which a normalised sound may miss. */
const LOUDNESS_TOLERANCE = 1;
const LOUDNESS = -16;

export type Judged = { readonly case: Case; readonly file: string; readonly path: string };

/** @param media where references are made */
export async function judge(media: MadeMedia, { case: one, file, path }: Judged): Promise<Checked> {
  const expected = await reference(media, one, file);
  const checks: Checked[] = [await byKind(media, one, { expected, path })];
  if (one.size) checks.push(await checkSize(path, one.size));
  if (one.maxBytes !== undefined) {
    const { size } = await stat(path);
    const misses = size > one.maxBytes ? [`it has ${size} bytes, at most ${one.maxBytes} were wanted`] : [];
    checks.push({ misses, notes: [`${Math.round(size / 1000)} of ${one.maxBytes / 1000} kB`] });
  }
  return { misses: checks.flatMap(({ misses }) => misses), notes: checks.flatMap(({ notes }) => notes) };
}

async function byKind(
  media: MadeMedia,
  one: Case,
  { expected, path }: { expected: Expected; path: string },
): Promise<Checked> {
  switch (one.judge) {
    case 'film':
      return checkFilm(one, expected, path);
    case 'picture':
      return checkPicture(await dataUrl(path), one.format, expected);
    case 'animation':
      return checkAnimation(media, expected, path);
    case 'sound':
      return checkSound(one, expected, path);
  }
}

/** The check of pictures fetches them. */
async function dataUrl(path: string): Promise<string> {
  return `data:application/octet-stream;base64,${(await readFile(path)).toString('base64')}`;
}

const references = new Map<string, Promise<Expected>>();

/** What the result must look and sound like: the source, or what FFmpeg by itself cuts out of it, in the size that was asked for. */
function reference(media: MadeMedia, one: Case, file: string): Promise<Expected> {
  const key = JSON.stringify([file, one.part, one.size, one.judge]);
  const known = references.get(key);
  if (known) return known;
  const made = makeReference(media, one, file);
  references.set(key, made);
  return made;
}

async function makeReference(media: MadeMedia, { part, size, judge: kind }: Case, file: string): Promise<Expected> {
  // Of a film that only gives a picture, the beginning is enough.
  const expected = await expectedOf(
    part ? await cut(media, file, part) : await seenByFfmpeg(media, file),
    kind === 'picture' ? 5 : undefined,
  );
  const sized =
    size && expected.video && kind !== 'film' ? { ...expected, video: { ...expected.video, ...size } } : expected;
  return kind === 'picture' && sized.video
    ? { ...sized, isStill: true, audio: null, video: { ...sized.video, frames: sized.video.frames.slice(0, 1) } }
    : sized;
}

/** The part without loss, by FFmpeg's own filters. */
async function cut(
  media: MadeMedia,
  file: string,
  { start, duration }: { start: number; duration: number },
): Promise<string> {
  const path = media.path(`reference-${start}-${duration}-${file.slice(file.lastIndexOf('/') + 1)}.mkv`);
  const end = start + duration - 0.0005;
  await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', '-i', file],
    ...['-vf', `trim=start=${start - 0.0005}:end=${end},setpts=PTS-STARTPTS`, '-c:v', 'ffv1'],
    ...['-af', `atrim=start=${start}:end=${start + duration},asetpts=PTS-${start}/TB`, '-c:a', 'pcm_s16le', path],
  ]);
  return path;
}

/** FFmpeg reads no animated WebP, and FFmpeg 5.1 not where AVIF's item lies: the image library unpacks them. */
async function seenByFfmpeg(media: MadeMedia, file: string): Promise<string> {
  const copy = media.path(`seen-${crypto.randomUUID()}`);
  const isUnread = file.endsWith('.avif') && !(await describeMedia(file)).streams.some(({ width }) => width > 0);
  if (isUnread) {
    await sharp(file).png().toFile(`${copy}.png`);
    return `${copy}.png`;
  }
  if (!file.endsWith('.webp')) return file;
  const { pages = 1 } = await sharp(file).metadata();
  if (pages === 1) return file;
  await sharp(file, { animated: true }).gif({ effort: 3 }).toFile(`${copy}.gif`);
  return `${copy}.gif`;
}

/** They have no edit list: there the picture waits for the sound's encoder, or sound for the picture's, and both are late together. */
const WAITING = ['mkv', 'wmv', 'mpg', 'ts', 'flv'];
/** Clocks that do not begin at zero. */
const LATE_CLOCKS = ['mpg', 'ts', 'flv'];

async function checkFilm(one: Case, expected: Expected, file: string): Promise<Checked> {
  const path = LATE_CLOCKS.includes(one.format) ? await withoutPreload(file) : file;
  const checked = await checkFile(path, expected);
  const stream = (await describeMedia(path)).streams.find(({ type }) => type === 'video');
  const [first] = stream ? await readFrames(path, stream, 1) : [];
  const shift = WAITING.includes(one.format) ? (first?.time ?? 0) : 0;
  const slack = LAG + wmaDelay(one) + (one.format === 'avi' ? MP3_DELAY : 0);
  const lateness = (miss: string) => Number(/^the sound is (-?\d+) ms late$/.exec(miss)?.[1] ?? Number.NaN) / 1000;
  return { ...checked, misses: checked.misses.filter((miss) => !(Math.abs(lateness(miss) - shift) <= slack)) };
}

/** Seconds: AVI counts frames from zero, and has no place for the delay of MP3's encoder. */
const MP3_DELAY = 1105 / 44_100;

/** The clock of MPEG begins half a second in, when a player's buffer is full; FFmpeg takes that away from what it copies. */
async function withoutPreload(file: string): Promise<string> {
  const path = `${file}.mkv`;
  await needTool('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', file, '-c', 'copy', path]);
  return path;
}

async function checkAnimation(media: MadeMedia, expected: Expected, path: string): Promise<Checked> {
  const seen = await seenByFfmpeg(media, path);
  const stream = (await describeMedia(seen)).streams.find(({ type }) => type === 'video');
  if (!stream || !expected.video) return { misses: ['there is no animation'], notes: [] };
  const frames = await readFrames(seen, stream);
  const length = endOf(frames);
  const { mean } = await comparePictures(expected.file, expected.video, { url: seen, stream, frames });
  const misses = [
    ...(frames.length < 2 ? ['it does not move'] : []),
    ...(Math.abs(length - expected.duration) > ANIMATION_SECONDS
      ? [`it lasts ${length.toFixed(2)} s instead of ${expected.duration.toFixed(2)}`]
      : []),
    ...(mean < LEAST_ANIMATION ? [`it does not look like the source (SSIM ${mean.toFixed(3)})`] : []),
  ];
  return { misses, notes: [`${frames.length} frames, ${stream.width}x${stream.height} SSIM ${mean.toFixed(3)}`] };
}

async function checkSound(one: Case, expected: Expected, path: string): Promise<Checked> {
  const stream = (await describeMedia(path)).streams.find(({ type }) => type === 'audio');
  const { audio } = expected;
  if (!stream || !audio) return { misses: ['there is no sound'], notes: [] };
  const frames = await readFrames(path, stream);
  // MP3 says that it begins after its encoder's delay, and players leave that out.
  const zero = one.format === 'mp3' ? (frames[0]?.time ?? 0) : 0;
  const length = endOf(frames) - zero;
  const [first] = await readFrames(expected.file, audio.stream, 1);
  const source = {
    url: expected.file,
    stream: audio.stream,
    zero: (first?.time ?? 0) - audio.start,
    duration: expected.duration,
  };
  const seen = await compareSound(source, { url: path, stream, zero, duration: expected.duration });
  const slack = slackOf(one, stream.sampleRate);
  const isSilent = seen.sourceLevel < SILENCE;
  const ratio = 20 * Math.log10(Math.max(seen.outputLevel, 1e-6) / Math.max(seen.sourceLevel, 1e-6));
  const loudness = one.louder ? await integratedLoudness(path) : null;
  const { channels, sampleRate } = one.sound ?? stream;
  const misses = [
    ...(length < audio.end - 0.1 || length > expected.duration + 0.1 + 2 * slack
      ? [`it lasts ${length.toFixed(3)} s instead of ${audio.end.toFixed(3)}`]
      : []),
    ...(!isSilent && seen.correlation < LEAST_CORRELATION
      ? [`it sounds different (r ${seen.correlation.toFixed(2)})`]
      : []),
    ...(!isSilent && Math.abs(seen.lag) > LAG + slack ? [`it is ${(seen.lag * 1000).toFixed(0)} ms late`] : []),
    ...(isSilent && seen.outputLevel > 4 * SILENCE ? ['a silent source is heard'] : []),
    ...(!isSilent && !one.louder && Math.abs(ratio) > LEVEL ? [`it is ${ratio.toFixed(1)} dB louder`] : []),
    ...(stream.channels !== channels || stream.sampleRate !== sampleRate
      ? [`it has ${stream.channels} channels at ${stream.sampleRate} Hz instead of ${channels} at ${sampleRate}`]
      : []),
    ...(loudness !== null && Math.abs(loudness - LOUDNESS) > LOUDNESS_TOLERANCE ? [`it is at ${loudness} LUFS`] : []),
  ];
  const notes = [
    `${stream.codec} ${stream.channels} ch ${stream.sampleRate} Hz`,
    isSilent ? 'silent' : `r ${seen.correlation.toFixed(2)}, ${(seen.lag * 1000).toFixed(0)} ms`,
    ...(loudness === null ? [] : [`${loudness} LUFS`]),
  ];
  return { misses, notes };
}

/** FFmpeg's WMA encoder begins with two frames that decode to nothing; FFmpeg leaves them out, we keep their time. */
const wmaDelay = ({ source }: Case): number => (source.startsWith('wm') ? 4096 / 48_000 + 0.005 : 0);

/**
 * Seconds that a format makes sound late by itself: raw AAC has no place to say how long its encoder's delay is, and neither has WMA.
 */
function slackOf(one: Case, sampleRate: number): number {
  return (one.format === 'aac' ? 1024 / sampleRate : one.format === 'wma' ? 2048 / sampleRate : 0) + wmaDelay(one);
}

/** By FFmpeg's own meter (ITU-R BS.1770). */
async function integratedLoudness(path: string): Promise<number> {
  const { stderr } = await needTool('ffmpeg', [
    '-nostdin',
    '-hide_banner',
    '-i',
    path,
    '-af',
    'ebur128',
    '-f',
    'null',
    '-',
  ]);
  const summary = stderr.slice(stderr.lastIndexOf('Summary:'));
  return Number(/I:\s+(-?[\d.]+) LUFS/.exec(summary)?.[1] ?? Number.NaN);
}

async function checkSize(path: string, size: { width: number; height: number }): Promise<Checked> {
  const found = /\.(jpg|png|webp|avif|gif|tiff)$/.test(path)
    ? await sharp(path)
        .metadata()
        .then(({ width, height, pageHeight }) => ({ width, height: pageHeight ?? height }))
    : (await describeMedia(path)).streams.find(({ type }) => type === 'video');
  const text = `${found?.width}x${found?.height}`;
  const wanted = `${size.width}x${size.height}`;
  return { misses: text === wanted ? [] : [`it is ${text} instead of ${wanted}`], notes: [] };
}
