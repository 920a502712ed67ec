// Image outputs: one picture, or an animation that stays one, in its size, format and quality. Called by the workflows.
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import type { Metadata, OutputInfo, Sharp } from 'sharp';
import { PlatformError } from '#domain/error.ts';
import type { Fit, MetadataWish } from '#domain/output.ts';
import { encodeBmp, encodeIcon } from '#media/encode-bitmap.ts';
import { type Encoding, encodePicture, fitBytes, LONGEST_SIDE, tooLarge } from '#media/encode-picture.ts';
import { imageError, loadImageLibrary } from '#media/image-library.ts';
import { type SafeExif, safeExif, writeTexts } from '#media/picture-metadata.ts';
import type { StillSource } from '#media/picture-readers.ts';
import { writeAvifAnimation } from '#media/render-animation.ts';
import { openPicture, type StillSize } from '#media/still.ts';

export type RenderStill = StillSource &
  Encoding & {
    /** pixels; one alone keeps the aspect, none keeps the size */
    readonly width: number | null;
    readonly height: number | null;
    readonly fit: Fit;
    /** Laid under transparency where the format has none, and around a padded picture: `#rrggbb`. */
    readonly background?: string;
    /** Left out, nothing stays: metadata holds places and names. */
    readonly metadata?: MetadataWish;
    /** All frames, where source and format have them; AVIF by FFmpeg, which has no room for transparency there. */
    readonly animated?: boolean;
    /** Bytes at the most. */
    readonly maxBytes?: number;
    /** More than eight bits stay, where the format can. */
    readonly keepDepth?: boolean;
    /** With `compress`: what the source is, so that the same format never becomes larger. */
    readonly sourceFormat?: string;
    /** seconds */
    readonly timeLimit?: number;
    readonly output: string;
  };

/** seconds; the most that the library can be told */
const LONGEST_TIME = 3600;
const ANIMATIONS = ['gif', 'webp', 'avif'];
/** The image library writes animations itself, but none of these. */
const BY_FFMPEG = 'avif';
const DEEP = ['png', 'tiff', 'avif'];
const WHITE = '#ffffff';
/** sRGB in 8 and 16 bits, as the image library names them. */
const SPACES = { 8: 'srgb', 16: 'rgb16' } as const;

/**
 * Writes one picture: upright, sRGB, of its metadata only what is wished.
 * @throws PlatformError `media_limit`, `corrupt_media`, `unsupported_media`, `disk_full`, `encode_timeout`; `invalid_request` where it cannot be made so small or so large
 */
export async function renderStill(options: RenderStill): Promise<StillSize> {
  const { format, compress = false, metadata = 'none' } = options;
  const mayMove = (options.animated ?? false) && ANIMATIONS.includes(format);
  const deep = (options.keepDepth ?? false) && DEEP.includes(format) && !hasPalette(options);
  const still = await openPicture(options);
  const header = compress || deep || mayMove || metadata !== 'none' ? await readHeader(still) : null;
  const moves = mayMove && ANIMATIONS.includes(header?.format ?? '') && (header?.pages ?? 1) > 1;
  const opened = moves ? await openPicture(options, { animated: true }) : still;
  const depth = deep && header?.depth === 'ushort' ? 16 : 8;
  const shaped = shape(opened.toColourspace(SPACES[depth]), options);
  const isFlat = format === 'jpg' || format === 'bmp' || (moves && format === BY_FFMPEG);
  const flat = isFlat ? shaped.flatten({ background: options.background ?? WHITE }) : shaped;
  const safe = await exifToWrite(options, header);
  const picture = keepMetadata(flat, metadata, safe);
  const { timeLimit = LONGEST_TIME } = options;
  picture.timeout({ seconds: Math.min(LONGEST_TIME, Math.max(1, Math.ceil(timeLimit))) });
  try {
    if (moves && header && format === BY_FFMPEG)
      return await writeAvifAnimation(flat, header, { ...options, timeLimit });
    const written = await write(picture, { ...options, depth });
    if (safe.texts.size > 0) await completeTexts(options.output, safe);
    return compress && header ? await keepSmaller(written, options, header) : written;
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : imageError(error);
  }
}

async function readHeader(picture: Sharp): Promise<Metadata> {
  return picture.metadata().catch((error: unknown) => {
    throw imageError(error);
  });
}

function shape(picture: Sharp, { width, height, fit, format, background }: RenderStill): Sharp {
  if (width === null && height === null) return picture;
  const most = LONGEST_SIDE[format];
  if (Math.max(width ?? 1, height ?? 1) > most)
    throw new PlatformError('invalid_request', `${format} holds at most ${most} pixels a side`);
  const fits = { contain: 'inside', cover: 'cover', pad: 'contain', fill: 'fill' } as const;
  const hasRoom = format !== 'jpg' && format !== 'bmp';
  return picture.resize({
    ...(width === null ? {} : { width }),
    ...(height === null ? {} : { height }),
    fit: fits[fit],
    background: hasRoom && background === undefined ? '#00000000' : (background ?? WHITE),
  });
}

/** PNG is made smaller by a palette, which has eight bits. */
const hasPalette = ({ format, compress = false, quality = 100, maxBytes }: RenderStill): boolean =>
  format === 'png' && compress && (quality < 100 || maxBytes !== undefined);

/** What is written tag by tag: the safe part; or all that can be, where a decoder that keeps no EXIF stood before the library. */
async function exifToWrite({ path, metadata }: RenderStill, header: Metadata | null): Promise<SafeExif> {
  const none = { exif: {}, texts: new Map<number, string>() };
  if (!header || metadata === undefined || metadata === 'none') return none;
  if (header.exif) return metadata === 'safe' ? safeExif(header.exif, { places: false }) : none;
  const sharp = await loadImageLibrary();
  // BMP, which the library does not read, has none.
  const own = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch(() => null);
  return safeExif(own?.exif, { places: metadata === 'all' });
}

function keepMetadata(picture: Sharp, wish: MetadataWish, { exif }: SafeExif): Sharp {
  const kept = wish === 'all' ? picture.keepExif().keepXmp() : picture;
  return Object.keys(exif).length > 0 ? kept.withExif(exif) : kept;
}

/** What the image library cannot write, in the file that it wrote. */
async function completeTexts(path: string, { texts }: SafeExif): Promise<void> {
  const sharp = await loadImageLibrary();
  const file = await readFile(path);
  const { exif } = await sharp(file).metadata();
  // TIFF and GIF hold none.
  if (!exif) return;
  writeTexts(file, exif, texts);
  await writeFile(path, file);
}

async function write(picture: Sharp, options: RenderStill & { readonly depth: 8 | 16 }): Promise<StillSize> {
  const { maxBytes, compress = false } = options;
  const own =
    compress && isLossy(options) && options.sourceFormat === options.format ? (await stat(options.path)).size : null;
  const most = Math.min(maxBytes ?? Number.POSITIVE_INFINITY, own === null ? Number.POSITIVE_INFINITY : own - 1);
  if (most < Number.POSITIVE_INFINITY) {
    const found = await fitBytes(picture, options, most);
    if (found.fits) {
      await writeFile(options.output, found.data);
      return { ...sizeOf(found.info), size: found.data.length };
    }
    if (maxBytes !== undefined && found.data.length > maxBytes)
      throw tooLarge(options.format, { maxBytes, found: found.data.length });
  }
  if (options.format === 'bmp' || options.format === 'ico') {
    const { data, ...size } = await (options.format === 'bmp' ? encodeBmp(picture) : encodeIcon(picture));
    await writeFile(options.output, data);
    return { ...size, size: data.length };
  }
  const info = await encodePicture(picture, options).toFile(options.output);
  return { ...sizeOf(info), size: info.size };
}

const isLossy = ({ format, quality }: RenderStill): boolean =>
  format === 'jpg' || format === 'webp' || format === 'avif' || (format === 'png' && (quality ?? 100) < 100);

const sizeOf = ({ width, height, pageHeight }: OutputInfo) => ({ width, height: pageHeight ?? height });

/** What cannot be made smaller without loss is left as it is, where nothing of it has to go. */
async function keepSmaller(written: StillSize, options: RenderStill, header: Metadata): Promise<StillSize> {
  const { path, output, format, sourceFormat, metadata } = options;
  const before = (await stat(path)).size;
  const untouched = written.width === header.width && written.height === (header.pageHeight ?? header.height);
  const clean = metadata === 'all' || !(header.exif || header.xmp || header.iptc);
  const plain = header.space === 'srgb' && !header.icc && (header.orientation ?? 1) === 1;
  if (written.size < before || sourceFormat !== format || !untouched || !clean || !plain) return written;
  await copyFile(path, output);
  return { ...written, size: before };
}
