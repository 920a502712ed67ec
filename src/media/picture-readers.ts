// Makes a picture readable for the image library: most are already; BMP and HDR AVIF go through FFmpeg first. Used by still.ts.
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
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
  if (content.kind !== 'still') return source.path;
  if (content.format === 'bmp') return await readBmp(source, bytes);
  if (content.format === 'avif') return await readHdrAvif(source, bytes);
  return source.path;
}

async function readBmp(source: StillSource, bytes: SourceBytes): Promise<Buffer> {
  const { width, height } = readBmpSize(await bytes.read(0, 64));
  if (width * height > source.limits.maxImagePixels) {
    throw new PlatformError('media_limit', `The picture is ${width}x${height}: more than MAX_IMAGE_PIXELS allows.`);
  }
  const png = await convert(source, 'bmp', []);
  if (png === null) throw new PlatformError('corrupt_media', 'The BMP picture is damaged: it cannot be decoded.');
  return png;
}

/** The image library shows HDR as it is coded: grey and dim. FFmpeg brings it to SDR; where it cannot (turned, tiled), that must do. */
async function readHdrAvif(source: StillSource, bytes: SourceBytes): Promise<string | Buffer> {
  const head = await bytes.read(0, PROPERTY_BYTES);
  const kind = readAvifHdr(head);
  const turned = head.includes('irot') || head.includes('imir');
  if (kind === null || turned || !source.tool.filters.has('zscale')) return source.path;
  const transfer = kind === 'pq' ? 'smpte2084' : 'arib-std-b67';
  const toneMap = [
    `zscale=tin=${transfer}:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=iec61966-2-1:m=gbr:r=pc',
    'format=rgb24',
  ];
  return (await convert(source, 'avif', ['-vf', toneMap.join(',')])) ?? source.path;
}

/** PNG in memory; null where FFmpeg made none. */
async function convert(source: StillSource, format: 'bmp' | 'avif', filter: readonly string[]): Promise<Buffer | null> {
  const { path, tool, limits, signal } = source;
  const parts: Buffer[] = [];
  const onStdout = async (stdout: Readable) => {
    for await (const bytes of stdout) parts.push(bytes as Buffer);
  };
  const run = await runMedia({
    program: tool.ffmpeg,
    args: [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-max_pixels', String(limits.maxImagePixels)],
      ...pictureArguments(path, format),
      ...filter,
      ...['-frames:v', '1', '-c:v', 'png', '-compression_level', '1', '-f', 'image2pipe', 'pipe:1'],
    ],
    limits: limits.child,
    timeLimit: CONVERT_LIMIT,
    ...(signal ? { signal } : {}),
    onStdout,
  });
  return run.exitCode === 0 && parts.length > 0 ? Buffer.concat(parts) : null;
}

/** Bytes from the start of an AVIF within which its properties stand. */
export const PROPERTY_BYTES = 65_536;

/** The transfer of an AVIF's `colr` box of kind `nclx` (ISO/IEC 23091-2: 16 is PQ, 18 HLG); null where it is not HDR. */
export function readAvifHdr(head: Buffer): 'pq' | 'hlg' | null {
  const at = head.indexOf('colrnclx');
  if (at === -1 || at + 12 > head.length) return null;
  const transfer = head.readUInt16BE(at + 10);
  return transfer === 16 ? 'pq' : transfer === 18 ? 'hlg' : null;
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
