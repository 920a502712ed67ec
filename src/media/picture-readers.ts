// Makes a picture readable for the image library: most are already; BMP goes through FFmpeg first. Used by still.ts.
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { openSourceBytes } from '#media/source-bytes.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { pictureArguments } from '#media/whitelist.ts';

export type StillSource = {
  readonly tool: MediaTool;
  readonly limits: MediaLimits;
  readonly path: string;
  readonly signal?: AbortSignal;
};

/** seconds; a picture takes a fraction of one */
const CONVERT_LIMIT = 60;

/** The path itself, or the picture as PNG in memory. */
export async function readablePicture(source: StillSource): Promise<string | Buffer> {
  await using bytes = await openSourceBytes({ kind: 'file', path: source.path });
  const content = sniffContent(await bytes.read(0, HEAD_BYTES), bytes.size);
  if (content.kind === 'foreign') throw new PlatformError('not_media', `The file is ${content.what}.`);
  if (content.kind !== 'still' || content.format !== 'bmp') return source.path;
  const { width, height } = readBmpSize(await bytes.read(0, 64));
  if (width * height > source.limits.maxImagePixels)
    throw new PlatformError('media_limit', `The picture is ${width}x${height}: more than MAX_IMAGE_PIXELS allows.`);
  return convertBmp(source);
}

async function convertBmp({ path, tool, limits, signal }: StillSource): Promise<Buffer> {
  const parts: Buffer[] = [];
  const onStdout = async (stdout: Readable) => {
    for await (const bytes of stdout) parts.push(bytes as Buffer);
  };
  const run = await runMedia({
    program: tool.ffmpeg,
    args: [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-max_pixels', String(limits.maxImagePixels)],
      ...pictureArguments(path, 'bmp'),
      ...['-frames:v', '1', '-c:v', 'png', '-f', 'image2pipe', 'pipe:1'],
    ],
    limits: limits.child,
    timeLimit: CONVERT_LIMIT,
    ...(signal ? { signal } : {}),
    onStdout,
  });
  if (run.exitCode !== 0 || parts.length === 0)
    throw new PlatformError('corrupt_media', 'The BMP picture is damaged: it cannot be decoded.');
  return Buffer.concat(parts);
}

/** Width and height of a BMP's header (BITMAPCOREHEADER has 16-bit fields, all others 32-bit; a negative height is stored top down). */
export function readBmpSize(head: Buffer): { width: number; height: number } {
  if (head.length < 26) throw new PlatformError('corrupt_media', 'The BMP picture ends within its header.');
  const core = head.readUInt32LE(14) === 12;
  const [width, height] = core
    ? [head.readUInt16LE(18), head.readUInt16LE(20)]
    : [head.readInt32LE(18), Math.abs(head.readInt32LE(22))];
  if (width <= 0 || height === 0)
    throw new PlatformError('corrupt_media', `The BMP picture claims a size of ${width}x${height}.`);
  return { width, height };
}
