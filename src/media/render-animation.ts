// Animations that the image library reads and cannot write: their frames, through FFmpeg, as AVIF. Used by render-still.ts.
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Metadata, Sharp } from 'sharp';
import { PlatformError } from '#domain/error.ts';
import { avifArguments } from '#media/command/animation.ts';
import { fileOutput } from '#media/command/file.ts';
import { bestFit, type Encoding, tooLarge } from '#media/encode-picture.ts';
import { runMedia } from '#media/ffmpeg.ts';
import type { StillSource } from '#media/picture-readers.ts';
import type { StillSize } from '#media/still.ts';
import { rawPictureArguments } from '#media/whitelist.ts';

export type AnimationTarget = Pick<StillSource, 'tool' | 'limits' | 'signal'> &
  Pick<Encoding, 'quality' | 'lossless'> & {
    readonly output: string;
    /** Bytes at the most. */
    readonly maxBytes?: number;
    /** seconds, of each try */
    readonly timeLimit: number;
  };

/** Milliseconds of a frame that names none, or less than anybody shows: what browsers make of it. */
const USUAL_DELAY = 100;
const SHORTEST_DELAY = 10;
/** Fifty frames a second: what GIFs are shown at by the most. */
const SHORTEST_TICK = 20;

/**
 * Writes all frames of a flattened picture as a film of pictures, each as long as it was.
 * @throws PlatformError `invalid_request` where it cannot be made so small, `encode_failed`, `encode_timeout`; the library's own errors where the source is damaged
 */
export async function writeAvifAnimation(
  picture: Sharp,
  header: Pick<Metadata, 'delay' | 'pages'>,
  target: AnimationTarget,
): Promise<StillSize> {
  const { output, maxBytes, signal } = target;
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const pages = header.pages ?? 1;
  const size = { width: info.width, height: info.pageHeight ?? Math.round(info.height / pages) };
  const clock = frameTicks(Array.from({ length: pages }, (_, page) => header.delay?.[page] ?? 0));
  const encode = (quality: number | null) => encodeFrames(target, { ...size, ...clock, data, quality });
  if (maxBytes === undefined) return { ...size, size: (await encode(target.quality ?? null)).length };
  const sought = {
    format: 'avif' as const,
    ...(target.quality ? { quality: target.quality } : {}),
    ...(signal ? { signal } : {}),
  };
  const { file, fits } = await bestFit(sought, async (quality) => {
    const file = await encode(quality);
    return { file, fits: file.length <= maxBytes };
  });
  if (!fits) throw tooLarge('avif', { maxBytes, found: file.length });
  // The last try need not have been the best.
  await writeFile(output, file);
  return { ...size, size: file.length };
}

type Frames = {
  readonly width: number;
  readonly height: number;
  readonly tick: number;
  readonly ticks: readonly number[];
  /** red, green, blue of all frames, one after the other */
  readonly data: Buffer;
  readonly quality: number | null;
};

/** Leaves the file at its place, and answers it. */
async function encodeFrames(target: AnimationTarget, frames: Frames): Promise<Buffer> {
  const { tool, limits, signal, output, timeLimit, lossless = false } = target;
  const { width, height, tick, ticks, data, quality } = frames;
  const bytes = width * height * 3;
  const shown = function* () {
    for (const [page, count] of ticks.entries())
      for (let n = 0; n < count; n++) yield data.subarray(page * bytes, (page + 1) * bytes);
  };
  const run = await runMedia({
    program: tool.ffmpeg,
    args: [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-y', '-framerate', `1000/${tick}`],
      ...rawPictureArguments({ width, height, bits: 8 }),
      ...avifArguments({ quality, lossless }),
      ...fileOutput('avif', output),
    ],
    limits: limits.child,
    timeLimit,
    ...(signal ? { signal } : {}),
    stdin: (stdin) => pipeline(Readable.from(shown(), { objectMode: false }), stdin),
  });
  if (run.exitCode !== 0 || run.signal)
    throw new PlatformError('encode_failed', `The animation could not be written: ${run.tail.at(-1) ?? 'no reason'}`);
  return readFile(output);
}

/** Pictures of a steady clock: the longest step that all delays are a multiple of, and how many of it each frame lasts. Milliseconds. */
export function frameTicks(delays: readonly number[]): { tick: number; ticks: number[] } {
  const shown = delays.map((delay) => (delay > SHORTEST_DELAY ? Math.round(delay) : USUAL_DELAY));
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const tick = Math.max(SHORTEST_TICK, shown.reduce(divisor, 0));
  let end = 0;
  let last = 0;
  const ticks = shown.map((delay) => {
    end += delay;
    // Rounded on the whole clock, so that the length stays what it was; no frame is lost.
    const until = Math.max(last + 1, Math.round(end / tick));
    const count = until - last;
    last = until;
    return count;
  });
  return { tick, ticks };
}
