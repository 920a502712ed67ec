// Parameters that several image operations have in common, described once.
import { choice, integer } from '#domain/operations/definition.ts';

export const PICTURE_FORMATS = ['jpg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const;

export const PICTURE_WORDS = { jpeg: 'jpg', tif: 'tiff' } as const;

export const pictureFormat = choice(PICTURE_FORMATS, {
  default: null,
  words: PICTURE_WORDS,
  description: "Format of the result; left out, the source's own (bmp becomes png, heic becomes jpg).",
});

export const pictureQuality = integer({
  default: null,
  min: 1,
  max: 100,
  description:
    "Of jpg, webp and avif, from 1 to 100; left out, the format's usual (82, 80, 55). Others are without loss.",
});
