// Still pictures: their facts, the way they are opened, and the upright PNG that the video pipeline can hold. Called by probe.ts, render-still.ts and the workflows.
import type { Sharp } from 'sharp';
import { PlatformError } from '#domain/error.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { readExifOrientation } from '#media/display-matrix.ts';
import { imageError, loadImageLibrary } from '#media/image-library.ts';
import {
  PROPERTY_BYTES,
  readablePicture,
  readBmpSize,
  readCodedHdr,
  type StillSource,
} from '#media/picture-readers.ts';
import type { StillFormat } from '#media/sniff.ts';
import type { SourceBytes } from '#media/source-bytes.ts';
import type { MediaInput, MediaLimits } from '#media/tool.ts';

export type StillProbe = {
  readonly input: MediaInput;
  readonly bytes: SourceBytes;
  readonly format: StillFormat | 'gif';
  readonly limits: MediaLimits;
};

type Header = {
  readonly width: number;
  readonly height: number;
  readonly orientation: number | undefined;
  readonly bitDepth: number;
  readonly hasAlpha: boolean;
  readonly space: string;
  readonly pages: number;
  readonly hdr: 'pq' | 'hlg' | null;
};

/**
 * Facts of a picture from its header alone: nothing is decoded, so that a bomb is refused before it goes off.
 * @throws PlatformError `media_limit` above `limits.maxImagePixels`, `corrupt_media`, `unsupported_media`
 */
export async function probeStill(options: StillProbe): Promise<SourceFacts> {
  if (options.format === 'tiff') await refuseCutTiff(options.bytes);
  const header = options.format === 'bmp' ? await bmpHeader(options.bytes) : await libraryHeader(options);
  const { width, height } = header;
  if (width * height > options.limits.maxImagePixels) {
    throw new PlatformError(
      'media_limit',
      `The picture is ${width}x${height} (${Math.round((width * height) / 1e6)} megapixels); at most ${Math.round(options.limits.maxImagePixels / 1e6)} megapixels are allowed (MAX_IMAGE_PIXELS).`,
    );
  }
  const orientation = readExifOrientation(header.orientation);
  const turned = orientation.rotation === 90 || orientation.rotation === 270;
  return {
    container: 'still',
    size: options.bytes.size,
    declaredDuration: null,
    duration: 0,
    startTime: 0,
    bitrate: 0,
    streams: 1,
    isStill: true,
    video: {
      streamIndex: 0,
      codec: options.format,
      profile: null,
      level: null,
      pixelFormat: null,
      bitDepth: header.bitDepth,
      chroma: header.space === 'b-w' ? '400' : 'rgb',
      hasAlpha: header.hasAlpha,
      width,
      height,
      sampleAspectRatio: { num: 1, den: 1 },
      ...orientation,
      displayWidth: turned ? height : width,
      displayHeight: turned ? width : height,
      averageFrameRate: null,
      nominalFrameRate: null,
      constantFrameRate: true,
      frames: 1,
      fieldOrder: 'progressive',
      color: { primaries: null, transfer: null, matrix: null, range: null },
      hdr: header.hdr,
      dolbyVisionProfile: null,
      startTime: 0,
      endTime: 0,
      bitrate: 0,
      keyframes: [0],
      longestGop: 0,
      hasBFrames: false,
      hasOpenGops: false,
    },
    otherVideoStreams: 0,
    audio: [],
    subtitles: [],
    coverArt: null,
    scanned: true,
    warnings:
      header.pages > 1
        ? [
            `the picture has ${header.pages} pages or frames; ${options.format === 'heic' ? 'the main' : 'the first'} one is used`,
          ]
        : [],
  };
}

/** Writers put the directory behind the pixels: of a cut file the library says that it does not know the format (TIFF 6.0, section 2). */
async function refuseCutTiff(bytes: SourceBytes): Promise<void> {
  const head = await bytes.read(0, 8);
  if (head.length < 8) throw new PlatformError('corrupt_media', 'The picture was cut: its header is not whole.');
  const isLittle = head.toString('latin1', 0, 2) === 'II';
  const [version, directory] = isLittle
    ? [head.readUInt16LE(2), head.readUInt32LE(4)]
    : [head.readUInt16BE(2), head.readUInt32BE(4)];
  if (version === 42 && directory >= bytes.size)
    throw new PlatformError(
      'corrupt_media',
      `The picture was cut: its directory is at byte ${directory}, and the file has ${bytes.size}.`,
    );
}

/** A picture that is read whole over the network must fit in memory. */
const LARGEST_REMOTE = 256 * 1024 * 1024;

async function libraryHeader({ input, bytes, format }: StillProbe): Promise<Header> {
  const sharp = await loadImageLibrary();
  if (input.kind !== 'file' && bytes.size > LARGEST_REMOTE)
    throw new PlatformError('media_limit', `The picture is ${bytes.size} bytes; at most ${LARGEST_REMOTE} are read.`);
  const source = input.kind === 'file' ? input.path : await bytes.read(0, bytes.size);
  // Only the header is read: the size must be known to be refused with its figures.
  const read = (page: number) =>
    sharp(source, { limitInputPixels: false, failOn: 'error', page })
      .metadata()
      .catch((error: unknown) => {
        throw imageError(error);
      });
  const first = await read(0);
  // A HEIF says which of its pictures it is, and that one need not come first.
  const found = format === 'heic' && (first.pagePrimary ?? 0) > 0 ? await read(first.pagePrimary ?? 0) : first;
  const depths: Readonly<Record<string, number>> = { uchar: 8, ushort: 16, float: 16 };
  const bitDepth = found.bitsPerSample ?? depths[found.depth] ?? 8;
  // HDR in 8 bits is a wrong tag: HEIC's decoder shows such a picture as it is.
  const tellsHdr = format === 'avif' || (format === 'heic' && bitDepth > 8);
  return {
    width: found.width,
    height: found.pageHeight ?? found.height,
    orientation: found.orientation,
    bitDepth,
    hasAlpha: found.hasAlpha,
    space: found.space,
    pages: found.pages ?? 1,
    hdr: tellsHdr ? readCodedHdr(await bytes.read(0, PROPERTY_BYTES)) : null,
  };
}

async function bmpHeader(bytes: SourceBytes): Promise<Header> {
  const { width, height } = readBmpSize(await bytes.read(0, 64));
  return { width, height, orientation: undefined, bitDepth: 8, hasAlpha: false, space: 'srgb', pages: 1, hdr: null };
}

export type StillSize = { readonly width: number; readonly height: number /** bytes */; readonly size: number };

export type NormalizeStill = StillSource & {
  readonly output: string /** pixels at the most; left out, `limits.maxWidth` × `limits.maxHeight` */;
  readonly maxPixels?: number;
};

/** Writes the picture as the video pipeline wants a frame: upright PNG, 8-bit sRGB on black, even sides of at least 2, within the video limits. */
export async function normalizeStill(options: NormalizeStill): Promise<StillSize> {
  const { limits } = options;
  const picture = await openPicture(options);
  const found = await picture.metadata().catch((error: unknown) => {
    throw imageError(error);
  });
  const { width, height } = found.autoOrient;
  const [long, short] = [Math.max(limits.maxWidth, limits.maxHeight), Math.min(limits.maxWidth, limits.maxHeight)];
  const factor = Math.min(
    1,
    long / Math.max(width, height),
    short / Math.min(width, height),
    Math.sqrt((options.maxPixels ?? long * short) / (width * height)),
  );
  const even = (side: number) => Math.max(2, Math.floor((side * factor) / 2) * 2);
  const size = { width: even(width), height: even(height) };
  // A picture that is only odd loses a line; scaling it by a hundredth would soften all of it.
  const onlyOdd = factor === 1 && width >= 2 && height >= 2;
  const shaped = onlyOdd ? picture.extract({ left: 0, top: 0, ...size }) : picture.resize({ ...size, fit: 'fill' });
  return write(shaped.flatten({ background: '#000000' }).png({ compressionLevel: 2 }), options.output);
}

/** Upright and in 8-bit sRGB, unless told otherwise: CMYK, 16 bits and profiles are converted, metadata is left behind. The first frame, or all. */
export async function openPicture(
  { path, limits, tool, signal }: StillSource,
  { animated }: { readonly animated: boolean } = { animated: false },
): Promise<Sharp> {
  const [sharp, source] = await Promise.all([
    loadImageLibrary(),
    readablePicture({ path, limits, tool, ...(signal ? { signal } : {}) }),
  ]);
  return sharp(source, {
    limitInputPixels: limits.maxImagePixels,
    failOn: 'error',
    sequentialRead: true,
    // All frames are one tall picture to the library, which cannot be turned.
    autoOrient: !animated,
    animated,
  }).toColourspace('srgb');
}

async function write(picture: Sharp, output: string): Promise<StillSize> {
  try {
    const { width, height, size } = await picture.toFile(output);
    return { width, height, size };
  } catch (error) {
    throw imageError(error);
  }
}
