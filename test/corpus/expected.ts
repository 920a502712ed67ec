// The oracle: what FFmpeg's own default decode of a source shows, without any of our code. Used by the checks of the corpus matrix.
import {
  describeMedia,
  endOf,
  type Frame,
  needTool,
  ownChoice,
  readFrames,
  runTool,
  type StreamDescription,
  usualGap,
} from '../kit/decode.ts';
import { unpackHeic } from './unpack-heic.ts';

export type ExpectedVideo = {
  readonly stream: StreamDescription;
  /** Upright and in square pixels; not rounded. */
  readonly width: number;
  readonly height: number;
  /** Times in seconds from the start of the media. */
  readonly frames: readonly Frame[];
  /** PQ or HLG with the ten bits these need. */
  readonly isHdr: boolean;
  readonly hasAlpha: boolean;
  /** A JPEG of four inks, which FFmpeg takes for colours with transparency: its structure is right, its colours are not. */
  readonly isCmyk: boolean;
  readonly isInterlaced: boolean;
};

export type ExpectedAudio = {
  readonly stream: StreamDescription;
  /** Seconds from the start of the media. */
  readonly start: number;
  readonly end: number;
};

export type Expected = {
  readonly file: string;
  /** FFmpeg gives out at least one frame of picture or sound. */
  readonly isDecodable: boolean;
  readonly isStill: boolean;
  /** Seconds from the first to the end of the last thing shown or heard; 0 for a still. */
  readonly duration: number;
  readonly video: ExpectedVideo | null;
  readonly audio: ExpectedAudio | null;
};

const NOTHING = { isDecodable: false, isStill: false, duration: 0, video: null, audio: null };
const PICTURE_BRANDS = new Set(['avif', 'avis', 'mif1', 'heic', 'heix', 'msf1']);

/** @param seconds of the beginning are looked at; left out, everything */
export async function expectedOf(file: string, seconds?: number): Promise<Expected> {
  const media = await describeMedia(file);
  if (media.streams.length === 0) {
    const unpacked = await unpackHeic(file);
    return unpacked === null ? { file, ...NOTHING } : await expectedOf(unpacked, seconds);
  }
  const choice = await ownChoice(file);
  const chosen = (index: number | null) =>
    media.streams.find((stream) => stream.index === index && !stream.isAttachedPicture) ?? null;
  const [video, audio] = [chosen(choice.video), chosen(choice.audio)];
  // One picture beside sound whose length is that of the sound's header is a cover, not a film; a picture codec says so.
  const pictures = video ? await readFrames(file, video, seconds) : [];
  const sounds = audio ? await readFrames(file, audio, seconds) : [];
  const size = video && pictures.length > 0 ? await uprightSize(file, video) : null;
  if (!size && sounds.length === 0) return { file, ...NOTHING };
  const isStill = sounds.length === 0 && pictures.length === 1 && isPicture(media.format, media.brand);
  const others = await otherSounds({
    file,
    streams: media.streams,
    audio,
    ...(seconds === undefined ? {} : { seconds }),
  });
  const used = [...(size ? [pictures] : []), sounds, ...others].filter((frames) => frames.length > 0);
  const start = Math.min(...used.flatMap((frames) => frames.map((frame) => frame.time)));
  const end = Math.min(Math.max(...used.map(endOf)), start + (seconds ?? Number.POSITIVE_INFINITY));
  return {
    file,
    isDecodable: true,
    isStill,
    duration: isStill ? 0 : end - start,
    video:
      video && size ? { ...examine(video), ...size, stream: video, frames: fromStart(pictures, start, end) } : null,
    audio:
      audio && sounds.length > 0
        ? { stream: audio, start: (sounds[0]?.time ?? start) - start, end: Math.min(endOf(sounds), end) - start }
        : null,
  };
}

type Others = {
  readonly file: string;
  readonly streams: readonly StreamDescription[];
  readonly audio: StreamDescription | null;
  readonly seconds?: number;
};

/** Frames of the other sound tracks: they are carried too, and the media lasts as long as the longest. */
async function otherSounds({ file, streams, audio, seconds }: Others): Promise<Frame[][]> {
  const tracks = streams.filter((stream) => stream.type === 'audio' && stream !== audio);
  const found: Frame[][] = [];
  for (const track of audio ? tracks : []) found.push(await readFrames(file, track, seconds));
  return found;
}

export function isTransparent({ alphaMode, pixelFormat }: StreamDescription): boolean {
  return alphaMode || /^(yuva|gbrap|rgba|bgra|argb|abgr|ya\d|pal8)/.test(pixelFormat);
}

function isPicture(format: string, brand: string): boolean {
  return format === 'image2' || format.endsWith('_pipe') || format === 'gif' || PICTURE_BRANDS.has(brand);
}

function examine(stream: StreamDescription): Pick<ExpectedVideo, 'isHdr' | 'hasAlpha' | 'isCmyk' | 'isInterlaced'> {
  const isDeep = /1[0246](le|be)?$|p01\d/.test(stream.pixelFormat);
  return {
    isHdr: isDeep && ['smpte2084', 'arib-std-b67'].includes(stream.transfer),
    hasAlpha: isTransparent(stream),
    isCmyk: stream.codec === 'mjpeg' && /^(yuva|gbrap)/.test(stream.pixelFormat),
    isInterlaced: ['tt', 'bb', 'tb', 'bt'].includes(stream.fieldOrder),
  };
}

function fromStart(frames: readonly Frame[], start: number, end: number): Frame[] {
  const gap = usualGap(frames);
  return frames
    .filter((frame) => frame.time < end - 1e-6)
    .map((frame, i) => ({
      ...frame,
      time: frame.time - start,
      duration: (frames[i + 1]?.time ?? frame.time + (frame.duration || gap)) - frame.time,
    }))
    .sort((a, b) => a.time - b.time);
}

/** Size of the first frame after FFmpeg's own turning, its pixels made square. PNG carries it (bytes 16–23). */
async function uprightSize(file: string, stream: StreamDescription): Promise<{ width: number; height: number } | null> {
  // A sample aspect that is the rest of rounding a size is none; beyond 4 it is a broken header (players ignore both).
  const aspect = 'if(gt(sar,4)+lt(sar,0.25)+lt(abs(sar-1),0.005),1,sar)';
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-i',
    file,
    '-map',
    `0:${stream.index}`,
    '-vf',
    `scale='max(1,round(iw*${aspect}))':ih,setsar=1`,
  ];
  const run = await runTool('ffmpeg', [...args, '-frames:v', '1', '-c:v', 'png', '-f', 'image2pipe', '-'], 120);
  if (run.stdout.length < 24) return null;
  return { width: run.stdout.readUInt32BE(16), height: run.stdout.readUInt32BE(20) };
}

/** Root mean square of the first minute of a sound, 0–1. */
export async function loudness(file: string, index: number): Promise<number> {
  const { stdout } = await needTool('ffmpeg', [
    '-v',
    'error',
    '-nostdin',
    '-i',
    file,
    '-map',
    `0:${index}`,
    '-t',
    '60',
    '-ac',
    '1',
    '-ar',
    '8000',
    '-f',
    's16le',
    '-',
  ]);
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
  return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / Math.max(1, samples.length)) / 32_768;
}
