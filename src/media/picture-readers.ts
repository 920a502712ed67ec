// Makes a picture readable for the image library: most are already; BMP and HDR go through FFmpeg first, HEIC through a decoder of its own. Used by still.ts.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PlatformError } from '#domain/error.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { type HeicPicture, readHeic } from '#media/heic.ts';
import { HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { pictureArguments, rawPictureArguments } from '#media/whitelist.ts';

export type StillSource = {
  readonly tool: MediaTool;
  readonly limits: MediaLimits;
  readonly path: string;
  readonly signal?: AbortSignal;
};

/** seconds; a picture takes a fraction of one */
const CONVERT_LIMIT = 60;

/** The path itself, or the picture as PNG or TIFF in memory. */
export async function readablePicture(source: StillSource): Promise<string | Buffer> {
  await using bytes = await openSourceBytes({ kind: 'file', path: source.path });
  const content = sniffContent(await bytes.read(0, HEAD_BYTES), bytes.size);
  if (content.kind === 'foreign') throw new PlatformError('not_media', `The file is ${content.what}.`);
  if (content.kind !== 'still') return source.path;
  if (content.format === 'bmp') return await readBmp(source, bytes);
  if (content.format === 'avif') return await readHdrAvif(source, bytes);
  if (content.format === 'heic') return await readHeicPicture(source);
  return source.path;
}

async function readBmp(source: StillSource, bytes: SourceBytes): Promise<Buffer> {
  const { width, height } = readBmpSize(await bytes.read(0, 64));
  if (width * height > source.limits.maxImagePixels) {
    throw new PlatformError('media_limit', `The picture is ${width}x${height}: more than MAX_IMAGE_PIXELS allows.`);
  }
  const png = await convert(source, { input: pictureArguments(source.path, 'bmp'), filter: [] });
  if (png === null) throw new PlatformError('corrupt_media', 'The BMP picture is damaged: it cannot be decoded.');
  return png;
}

/** The image library shows HDR as it is coded: grey and dim. FFmpeg brings it to SDR; where it cannot (turned, tiled), that must do. */
async function readHdrAvif(source: StillSource, bytes: SourceBytes): Promise<string | Buffer> {
  const head = await bytes.read(0, PROPERTY_BYTES);
  const kind = readCodedHdr(head);
  const turned = head.includes('irot') || head.includes('imir');
  if (kind === null || turned || !source.tool.filters.has('zscale')) return source.path;
  const filter = [`zscale=tin=${TRANSFERS[kind]}:t=linear:npl=100`, ...TONE_MAP];
  return (await convert(source, { input: pictureArguments(source.path, 'avif'), filter })) ?? source.path;
}

const TRANSFERS = { pq: 'smpte2084', hlg: 'arib-std-b67' } as const;
/** From linear light to what a screen shows. */
const TONE_MAP = [
  'format=gbrpf32le',
  'zscale=p=bt709',
  'tonemap=tonemap=hable:desat=0',
  'zscale=t=iec61966-2-1:m=gbr:r=pc',
  'format=rgb24',
];

/** TIFF with the picture's own profile, which the image library applies; or PNG where FFmpeg brought its colours to sRGB. */
async function readHeicPicture(source: StillSource): Promise<string | Buffer> {
  const { path, limits, tool, signal } = source;
  let picture: HeicPicture;
  try {
    picture = await readHeic({ path, maxPixels: limits.maxImagePixels, ...(signal ? { signal } : {}) });
  } catch (error) {
    // HEIF is a box for any coding: AV1 without its brand is read by the image library, and what it can't read it refuses itself.
    if (error instanceof PlatformError && error.code === 'unsupported_media') return path;
    throw error;
  }
  const { width, height, channels, bits, file, pixels } = picture;
  const filter = heicFilter(picture);
  // With transparency the colours stay as they are coded: tone mapping would need it taken apart, and no camera writes both.
  if (filter !== null && channels === 3 && tool.filters.has('zscale')) {
    const raw = file.subarray(pixels);
    const png = await convert(source, { input: rawPictureArguments({ width, height, bits }), filter, raw });
    if (png !== null) return png;
  }
  return Buffer.from(file.buffer);
}

/** Primaries by their number in ISO/IEC 23091-2, where they are not those of sRGB. */
const PRIMARIES: Readonly<Record<number, string>> = { 9: 'bt2020', 11: 'smpte431', 12: 'smpte432' };

/** Null where the colours are those of sRGB, or of a profile. Any SDR transfer is shown as sRGB's, as browsers do. */
function heicFilter({ bits, color }: HeicPicture): string[] | null {
  if (color === null) return null;
  const { primaries, transfer } = color;
  const hdr = transfer === 16 ? 'pq' : transfer === 18 ? 'hlg' : null;
  const space = PRIMARIES[primaries] ?? 'bt709';
  const input = `min=gbr:rin=pc:pin=${space}`;
  // Raw samples carry no tags: without `p` zscale finds no way to linear light.
  if (hdr !== null && bits === 16)
    return [`zscale=${input}:tin=${TRANSFERS[hdr]}:p=${space}:t=linear:npl=100`, ...TONE_MAP];
  if (!(primaries in PRIMARIES)) return null;
  return [`zscale=${input}:tin=iec61966-2-1:p=bt709:t=iec61966-2-1:m=gbr:r=pc`, 'format=rgb24'];
}

type Conversion = {
  /** FFmpeg's arguments of the input */
  readonly input: readonly string[];
  readonly filter: readonly string[];
  /** What goes to standard input, where that is the input. */
  readonly raw?: Uint8Array;
};

/** PNG in memory; null where FFmpeg made none. */
async function convert(source: StillSource, { input, filter, raw }: Conversion): Promise<Buffer | null> {
  const { tool, limits, signal } = source;
  const parts: Buffer[] = [];
  const onStdout = async (stdout: Readable) => {
    for await (const bytes of stdout) parts.push(bytes as Buffer);
  };
  const run = await runMedia({
    program: tool.ffmpeg,
    args: [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-max_pixels', String(limits.maxImagePixels)],
      ...input,
      ...(filter.length > 0 ? ['-vf', filter.join(',')] : []),
      ...['-frames:v', '1', '-c:v', 'png', '-compression_level', '1', '-f', 'image2pipe', 'pipe:1'],
    ],
    limits: limits.child,
    timeLimit: CONVERT_LIMIT,
    ...(signal ? { signal } : {}),
    ...(raw ? { stdin: (stdin) => pipeline(Readable.from([raw]), stdin) } : {}),
    onStdout,
  });
  return run.exitCode === 0 && parts.length > 0 ? Buffer.concat(parts) : null;
}

/** Bytes from the start of an AVIF or HEIC within which its properties stand. */
export const PROPERTY_BYTES = 65_536;

/** The transfer of an AVIF's or HEIC's first `colr` box of kind `nclx` (ISO/IEC 23091-2: 16 is PQ, 18 HLG); null where it is not HDR. */
export function readCodedHdr(head: Buffer): 'pq' | 'hlg' | null {
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
