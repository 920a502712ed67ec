// The image library (sharp), loaded on first use and allowed to read named formats only. Used by still.ts.
import type sharpType from 'sharp';
import { PlatformError } from '#domain/error.ts';

type Sharp = typeof sharpType;

/** Its loaders, closed list. Never SVG (reads files and addresses), PDF, ImageMagick's formats, CSV or libvips' own. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].flatMap((name) => [
  `VipsForeignLoad${name}File`,
  `VipsForeignLoad${name}Buffer`,
]);

let loading: Promise<Sharp> | undefined;

/** Loaded late: a server that never sees a picture does not pay its memory. */
export function loadImageLibrary(): Promise<Sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({ operation: LOADERS });
    // It would keep files open and remember pictures by path, which scratch files of different jobs may share.
    sharp.cache(false);
    return sharp;
  });
  return loading;
}

/** What the library throws, in words for the user. Its messages may hold paths: only known ones are repeated. */
export function imageError(thrown: unknown): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const options = { cause: thrown };
  if (/exceeds pixel limit/.test(message))
    return new PlatformError('media_limit', 'The picture has more pixels than MAX_IMAGE_PIXELS allows.', options);
  if (/ENOSPC|No space left/.test(message))
    return new PlatformError('disk_full', 'No space left on the disk for the picture.', options);
  if (/^timeout: \d+% complete/.test(message))
    return new PlatformError('encode_timeout', 'The picture took longer than its time limit.', options);
  // A version of a HEIF box that no writer uses is a damaged byte, though the library calls it a feature.
  if (
    !/Unsupported data version/.test(message) &&
    /Unsupported (codec|feature|marker type)|No decoding plugin|unsupported image format|compression format has not been built in/i.test(
      message,
    )
  ) {
    return new PlatformError('unsupported_media', 'The picture uses a coding that cannot be decoded here.', options);
  }
  return new PlatformError('corrupt_media', 'The picture is damaged: it cannot be decoded.', options);
}
