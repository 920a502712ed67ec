// Sends a segment with its init through one short FFmpeg, few at a time. Called by transmux-file.ts and make-poster.ts.
import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { PlatformError } from '#domain/error.ts';
import { runMedia } from '#media/ffmpeg.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';
import type { ServedFile } from '#workflows/read-package.ts';

/** Seconds; a copied segment takes a tenth of one. */
const TIME_LIMIT = 30;
/** Processes of this server at once: players must not be able to start any number. */
const AT_ONCE = Math.max(2, availableParallelism());
/** Who finds so many before him is told to come again. */
const MOST_WAITING = 200;

let running = 0;
const waiting: (() => void)[] = [];

/** No parts: the arguments name what is read. */
export type Piping = { readonly parts: readonly ServedFile[]; readonly args: readonly string[] };

/** @throws PlatformError `rate_limited` where too many wait, `encode_failed` */
export async function pipeSegment(platform: Platform, { parts, args }: Piping): Promise<Buffer> {
  await take();
  try {
    const input = await Promise.all(parts.map((part) => bytesOf(platform, part)));
    let output = Buffer.alloc(0);
    const { exitCode, tail } = await runMedia({
      program: platform.tool.ffmpeg,
      args,
      limits: platform.limits.child,
      timeLimit: TIME_LIMIT,
      stdin: async (stdin) => {
        for (const part of input) stdin.write(part);
        stdin.end();
      },
      onStdout: async (stdout) => {
        output = await buffer(stdout);
      },
    });
    if (exitCode !== 0 || output.length === 0)
      throw new PlatformError(
        'encode_failed',
        `A segment could not be converted: ${tail.at(-1) ?? 'nothing came out'}`,
      );
    return output;
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function take(): Promise<void> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MOST_WAITING)
      throw new PlatformError('rate_limited', 'Too many segments are being converted; try again in a second');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running += 1;
}
