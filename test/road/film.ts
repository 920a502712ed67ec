// Films made for the tests of the road: moving pictures that carry their own frame number, and sound without a pause.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { needTool } from '../kit/decode.ts';

/** Bits of a frame number, each a square of the top left edge: white is 1. */
const BITS = 14;
/** Pixels of one square in the made film. */
const SQUARE = 8;

export type Film = {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** As FFmpeg writes it: `30000/1001`. */
  readonly fps: string;
  readonly seconds: number;
  /** lavfi source without size and rate; testsrc2 where left out */
  readonly picture?: string;
  /** Filters after the number is drawn: dropping frames, turning. */
  readonly filters?: string;
  readonly silent?: boolean;
  /** Codec, keyframes, muxer. */
  readonly output: readonly string[];
};

const rateOf = (fps: string): number => {
  const [num = 0, den = 1] = fps.split('/').map(Number);
  return num / den;
};

/** Makes a film of H.264 and AAC unless `output` says otherwise. */
export async function makeFilm(film: Film): Promise<void> {
  const { path, width, height, fps, seconds, picture = 'testsrc2', filters, silent, output } = film;
  const frames = Math.round(seconds * rateOf(fps));
  const sized = `${picture}${picture.includes('=') ? ':' : '='}s=${width}x${height}:r=${fps}`;
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:beep_factor=4:sample_rate=48000:duration=${seconds}`];
  const args = [
    ...['-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', sized],
    ...['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${BITS * SQUARE}x${SQUARE}`, '-r', fps, '-i', 'pipe:0'],
    ...(silent ? [] : sound),
    '-filter_complex',
    `[0:v]format=yuv420p[p];[p][1:v]overlay=0:0:shortest=1${filters ? `,${filters}` : ''}[v]`,
    ...['-map', '[v]', ...(silent ? [] : ['-map', '2:a', '-c:a', 'aac', '-b:a', '96k'])],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12', '-pix_fmt', 'yuv420p', ...output, path],
  ];
  const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const ended = once(child, 'close');
  await pipeline(Readable.from(numberStrips(frames)), child.stdin);
  const [code] = await ended;
  if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')}\n${said}`);
}

/** One strip of squares a frame. */
function* numberStrips(frames: number): Generator<Buffer> {
  for (let frame = 0; frame < frames; frame++) {
    const row = Buffer.alloc(BITS * SQUARE);
    for (let bit = 0; bit < BITS; bit++) row.fill((frame >> bit) & 1 ? 255 : 0, bit * SQUARE, (bit + 1) * SQUARE);
    yield Buffer.concat(Array<Buffer>(SQUARE).fill(row));
  }
}

/**
 * The source's frame number in every frame of a video, in the order they are shown.
 * @param scale width of the video ÷ width of the made film
 */
export async function readNumbers(url: string, scale: number): Promise<number[]> {
  const strip = `crop=${Math.round(BITS * SQUARE * scale)}:${Math.round(SQUARE * scale)}:0:0:exact=1,scale=${BITS}:1:flags=area,format=gray`;
  const { stdout } = await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', url, '-map', '0:v:0', '-fps_mode', 'passthrough'],
    ...['-vf', strip, '-f', 'rawvideo', '-'],
  ]);
  return Array.from({ length: stdout.length / BITS }, (_, i) =>
    stdout.subarray(i * BITS, (i + 1) * BITS).reduce((sum, level, bit) => sum + (level > 128 ? 1 << bit : 0), 0),
  );
}

export type Packet = {
  /** When it is shown or heard. */
  readonly seconds: number;
  /** ticks */
  readonly pts: number;
  readonly dts: number;
  readonly duration: number;
  readonly key: boolean;
};

/** Packets of one stream in the order of storage. @param stream as ffprobe selects it: `v:0` */
export async function readPackets(url: string, stream: string): Promise<Packet[]> {
  const { stdout } = await needTool('ffprobe', [
    ...[
      '-v',
      'error',
      '-select_streams',
      stream,
      '-show_entries',
      'packet=pts_time,pts,dts,duration,flags',
      '-of',
      'csv=p=0',
      url,
    ],
  ]);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pts = '', seconds = '', dts = '', duration = '', flags = ''] = line.split(',');
      return {
        seconds: Number(seconds),
        pts: Number(pts),
        dts: Number(dts),
        duration: Number(duration),
        key: flags.startsWith('K'),
      };
    });
}

/** Likeness (SSIM, all planes) of every frame of a video to the same frame of another, which is brought to its size. */
export async function readLikeness(url: string, reference: string): Promise<number[]> {
  const { stdout } = await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', url, '-i', reference, '-filter_complex'],
    // By their place in the film, not by their time: clocks may begin elsewhere.
    '[0:v]setpts=N/25/TB[a];[1:v]setpts=N/25/TB[r];[r][a]scale2ref=flags=bicubic[b][c];[c][b]ssim=stats_file=-',
    ...['-f', 'null', '-'],
  ]);
  return [...stdout.toString().matchAll(/All:([\d.]+)/g)].map((match) => Number(match[1]));
}
