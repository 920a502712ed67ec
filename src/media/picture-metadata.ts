// What of a picture's EXIF may stay in its copies: camera, exposure, dates, author and rights; never places, serial numbers, makers' notes, thumbnails. Used by render-still.ts.
import type { Exif } from 'sharp';

/** By tag (EXIF 3.0): the name the image library writes it under. */
const IMAGE_TAGS: Readonly<Record<number, string>> = {
  270: 'ImageDescription',
  271: 'Make',
  272: 'Model',
  305: 'Software',
  306: 'DateTime',
  315: 'Artist',
  33432: 'Copyright',
};
const PHOTO_TAGS: Readonly<Record<number, string>> = {
  33434: 'ExposureTime',
  33437: 'FNumber',
  34850: 'ExposureProgram',
  34855: 'ISOSpeedRatings',
  36867: 'DateTimeOriginal',
  36868: 'DateTimeDigitized',
  37380: 'ExposureBiasValue',
  37383: 'MeteringMode',
  37385: 'Flash',
  37386: 'FocalLength',
  41989: 'FocalLengthIn35mmFilm',
  42035: 'LensMake',
  42036: 'LensModel',
};
const PHOTO_FOLDER = 34_665;
/** More than any camera writes; a hostile file has more. */
const MOST_FIELDS = 512;
const LONGEST_TEXT = 2000;
const SIZES: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 4, 5: 8, 10: 8 };

/** The safe part of an EXIF block, as the image library takes it; empty where there is none, or where it is damaged. */
export function safeExif(block: Buffer | undefined): Exif {
  if (!block) return {};
  const exif = block.subarray(block.toString('latin1', 0, 4) === 'Exif' ? 6 : 0);
  const order = exif.toString('latin1', 0, 2);
  if (exif.length < 8 || (order !== 'II' && order !== 'MM')) return {};
  const reader = makeReader(exif, order === 'II');
  const image = reader.fields(reader.uint32(4));
  const photo = reader.fields(Number(image.get(PHOTO_FOLDER)?.value ?? 0));
  const folders = { IFD0: named(image, IMAGE_TAGS), IFD2: named(photo, PHOTO_TAGS) };
  return Object.fromEntries(Object.entries(folders).filter(([, tags]) => Object.keys(tags).length > 0));
}

type Field = { readonly value: string };

function named(fields: ReadonlyMap<number, Field>, names: Readonly<Record<number, string>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [tag, name] of Object.entries(names)) {
    const value = fields.get(Number(tag))?.value;
    if (value) found[name] = value;
  }
  return found;
}

function makeReader(exif: Buffer, isLittle: boolean) {
  const within = (at: number, length: number) => at >= 0 && at + length <= exif.length;
  const uint16 = (at: number) => (within(at, 2) ? (isLittle ? exif.readUInt16LE(at) : exif.readUInt16BE(at)) : 0);
  const uint32 = (at: number) => (within(at, 4) ? (isLittle ? exif.readUInt32LE(at) : exif.readUInt32BE(at)) : 0);
  const value = (at: number, type: number, count: number): string => {
    switch (type) {
      case 2:
        return exif
          .toString('utf8', at, at + Math.min(count, LONGEST_TEXT))
          .replace(/\0.*$/s, '')
          .replace(/\p{Cc}+/gu, ' ')
          .trim();
      case 3:
        return String(uint16(at));
      case 4:
        return String(uint32(at));
      case 5:
        return uint32(at + 4) === 0 ? '' : `${uint32(at)}/${uint32(at + 4)}`;
      case 10:
        return uint32(at + 4) === 0 ? '' : `${uint32(at) | 0}/${uint32(at + 4) | 0}`;
      default:
        return '';
    }
  };
  /** One folder (IFD): 12 bytes a field; what is longer than 4 bytes stands elsewhere. */
  const fields = (start: number): Map<number, Field> => {
    const found = new Map<number, Field>();
    const count = start < 8 ? 0 : Math.min(MOST_FIELDS, uint16(start));
    for (let i = 0; i < count && within(start + 2 + i * 12, 12); i++) {
      const at = start + 2 + i * 12;
      const [tag, type, length] = [uint16(at), uint16(at + 2), uint32(at + 4)];
      const bytes = (SIZES[type] ?? 0) * length;
      const place = bytes > 4 ? uint32(at + 8) : at + 8;
      if (bytes > 0 && within(place, bytes)) found.set(tag, { value: value(place, type, length) });
    }
    return found;
  };
  return { fields, uint32 };
}
