// Encodes an opened picture in its format: quality, palette, and the search for the best quality that fits into a number of bytes. Used by render-still.ts.
import type { OutputInfo, Sharp } from 'sharp';
import { PlatformError } from '#domain/error.ts';

/** What the image library writes. */
const LIBRARY_OUTPUTS = ['jpg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;
type LibraryOutput = (typeof LIBRARY_OUTPUTS)[number];
export type StillOutput = LibraryOutput | 'bmp' | 'ico';

export type Encoding = {
  readonly format: StillOutput;
  /** 1–100; left out: 82 for JPEG, 80 for WebP, 55 for AVIF. PNG and GIF lose nothing but with `compress`. */
  readonly quality?: number;
  /** WebP and AVIF without loss. */
  readonly lossless?: boolean;
  /** More work for fewer bytes. */
  readonly compress?: boolean;
  /** Bits a sample that the picture has: AVIF keeps ten, PNG and TIFF all. */
  readonly depth?: 8 | 16;
  /** Asked between two tries. */
  readonly signal?: AbortSignal;
};

/** Pixels of one side, at the most, that the formats can hold. */
export const LONGEST_SIDE: Readonly<Record<StillOutput, number>> = {
  // What libjpeg takes: its own limit is below what the format has.
  jpg: 65_500,
  png: 100_000,
  webp: 16_383,
  avif: 16_384,
  gif: 65_535,
  tiff: 100_000,
  bmp: 32_767,
  ico: 65_535,
};

const USUAL_QUALITY: Readonly<Partial<Record<StillOutput, number>>> = { jpg: 82, webp: 80, avif: 55 };

const usualQuality = (format: StillOutput): number => USUAL_QUALITY[format] ?? 100;

/** BMP and ICO are written by encode-bitmap.ts; here they are what comes before: a PNG. */
export function encodePicture(picture: Sharp, encoding: Encoding): Sharp {
  const { format, lossless = false, compress = false, depth = 8 } = encoding;
  const quality = encoding.quality ?? usualQuality(format);
  switch (format) {
    case 'jpg':
      // Above 90 colour at half resolution is what one sees first.
      return picture.jpeg({ quality, mozjpeg: compress, ...(quality > 90 ? { chromaSubsampling: '4:4:4' } : {}) });
    case 'bmp':
    case 'ico':
    case 'png':
      return picture.png(
        compress && quality < 100 && !lossless
          ? { palette: true, quality, effort: 8, compressionLevel: 9 }
          : { compressionLevel: compress ? 9 : 6, adaptiveFiltering: compress },
      );
    case 'webp':
      return picture.webp({ quality, lossless, effort: compress ? 5 : 4 });
    case 'avif':
      return picture.avif({ quality, lossless, effort: compress ? 5 : 4, bitdepth: depth === 16 ? 10 : 8 });
    case 'gif':
      return compress && quality < 100 && !lossless
        ? picture.gif({
            colours: Math.max(2, Math.round(2.56 * quality)),
            effort: 8,
            interFrameMaxError: lossOf(quality),
          })
        : picture.gif(compress ? { effort: 9 } : {});
    case 'tiff':
      return picture.tiff({ compression: 'deflate', predictor: 'horizontal' });
  }
}

/** How much a pixel of an animation may differ before it is drawn anew, of 32. */
const lossOf = (quality: number): number => Math.round(((100 - quality) / 100) * 16);

export type Fitted = { readonly data: Buffer; readonly info: OutputInfo; readonly fits: boolean };

/** Tries that come within a point or two of the best quality. */
const MOST_TRIES = 7;
/** Each takes seconds. */
const MOST_AVIF_TRIES = 5;

/** The picture at the best quality that fits into so many bytes; where none does, the smallest that was found. */
export function fitBytes(picture: Sharp, encoding: Encoding, maxBytes: number): Promise<Fitted> {
  return bestFit(encoding, async (quality) => {
    const encoded = encodePicture(picture.clone(), { ...encoding, quality, lossless: false });
    const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
    return { data, info, fits: data.length <= maxBytes };
  });
}

type Sought = Pick<Encoding, 'format' | 'quality' | 'signal'>;

/** What was made at the best quality that fits, from the asked one down; where none does, at the lowest. */
export async function bestFit<T extends { readonly fits: boolean }>(
  { format, quality: asked, signal }: Sought,
  make: (quality: number) => Promise<T>,
): Promise<T> {
  const attempt = (quality: number): Promise<T> => {
    signal?.throwIfAborted();
    return make(quality);
  };
  const top = asked ?? usualQuality(format);
  let best = await attempt(top);
  let [low, high] = [1, top - 1];
  for (let tries = 0; !best.fits || tries > 0; tries++) {
    if (tries === (format === 'avif' ? MOST_AVIF_TRIES : MOST_TRIES) || low > high) break;
    // The lowest first: where not even that fits, nothing will.
    const quality = tries === 0 ? low : (low + high) >> 1;
    const found = await attempt(quality);
    if (found.fits || !best.fits) best = found;
    if (tries === 0 && !found.fits) break;
    if (found.fits) low = quality + 1;
    else high = quality - 1;
  }
  return best;
}

export function tooLarge(format: StillOutput, { maxBytes, found }: { maxBytes: number; found: number }): PlatformError {
  return new PlatformError(
    'invalid_request',
    `The picture cannot be brought to ${maxBytes} bytes as ${format}: at the lowest quality it has ${found}. Make it smaller in pixels, or choose another format.`,
  );
}
