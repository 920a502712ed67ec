// What of a picture's EXIF may stay in its copies: camera, exposure, dates, author and rights; places only where they are asked for, never serial numbers, makers' notes, thumbnails. Used by render-still.ts.
import { crc32 } from 'node:zlib';
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
const PLACE_TAGS: Readonly<Record<number, string>> = {
  1: 'GPSLatitudeRef',
  2: 'GPSLatitude',
  3: 'GPSLongitudeRef',
  4: 'GPSLongitude',
  6: 'GPSAltitude',
};
const PHOTO_FOLDER = 34_665;
const PLACE_FOLDER = 34_853;
/** More than any camera writes; a hostile file has more. */
const MOST_FIELDS = 512;
const LONGEST_TEXT = 2000;
const SIZES: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 4, 5: 8, 10: 8 };

/** Texts that the image library would cut: it writes ASCII alone, and takes what stands in brackets at the end for its own remark. */
const CUT = /[^\x20-\x7e]|[()]/;

export type SafeExif = {
  /** As the image library takes it; empty where there is none, or where it is damaged. */
  readonly exif: Exif;
  /** By tag, what it cannot write: in `exif` as many signs as bytes stand in their places, until writeTexts. */
  readonly texts: ReadonlyMap<number, string>;
};

/** The safe part of an EXIF block, on demand with the place. */
export function safeExif(block: Buffer | undefined, { places }: { readonly places: boolean }): SafeExif {
  const texts = new Map<number, string>();
  const folders = block ? readFolders(block) : null;
  if (!folders) return { exif: {}, texts };
  const found = {
    IFD0: named(folders.image, IMAGE_TAGS, texts),
    IFD2: named(folders.photo, PHOTO_TAGS, texts),
    ...(places ? { IFD3: named(folders.place, PLACE_TAGS, texts) } : {}),
  };
  return { exif: Object.fromEntries(Object.entries(found).filter(([, tags]) => Object.keys(tags).length > 0)), texts };
}

/** Puts texts in the places that were kept for them. @param file the whole file, changed in place @param block its EXIF */
export function writeTexts(file: Buffer, block: Buffer, texts: SafeExif['texts']): void {
  const at = file.indexOf(block);
  const own = at < 0 ? null : file.subarray(at, at + block.length);
  const folders = own && readFolders(own);
  if (!own || !folders) return;
  for (const [tag, { at: place, bytes }] of [...folders.image, ...folders.photo]) {
    const text = Buffer.from(texts.get(tag) ?? '');
    if (text.length > 0 && text.length <= bytes) text.copy(folders.bytes, place);
  }
  // A chunk of PNG ends in a checksum of its name and its data.
  if (file.toString('latin1', at - 4, at) === 'eXIf')
    file.writeUInt32BE(crc32(file.subarray(at - 4, at + block.length)), at + block.length);
}

type Field = {
  readonly value: string;
  /** Where the value stands in the block, and how many bytes are its. */
  readonly at: number;
  readonly bytes: number;
};
type Folder = ReadonlyMap<number, Field>;

/** Null where it is no EXIF. `bytes` is the block without its heading: what places count from. */
function readFolders(block: Buffer): { bytes: Buffer; image: Folder; photo: Folder; place: Folder } | null {
  const bytes = block.subarray(block.toString('latin1', 0, 4) === 'Exif' ? 6 : 0);
  const order = bytes.toString('latin1', 0, 2);
  if (bytes.length < 8 || (order !== 'II' && order !== 'MM')) return null;
  const reader = makeReader(bytes, order === 'II');
  const image = reader.fields(reader.uint32(4));
  const folder = (tag: number) => reader.fields(Number(image.get(tag)?.value ?? 0));
  return { bytes, image, photo: folder(PHOTO_FOLDER), place: folder(PLACE_FOLDER) };
}

function named(
  fields: Folder,
  names: Readonly<Record<number, string>>,
  texts: Map<number, string>,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, name] of Object.entries(names)) {
    const tag = Number(key);
    const value = fields.get(tag)?.value;
    if (!value) continue;
    const isCut = CUT.test(value);
    if (isCut) texts.set(tag, value);
    found[name] = isCut ? 'x'.repeat(Buffer.byteLength(value)) : value;
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
      case 5: {
        // Degrees, minutes, seconds; of a longer list none is read.
        const parts = Array.from({ length: count > 3 ? 1 : count }, (_, i) => at + i * 8);
        if (parts.some((part) => uint32(part + 4) === 0)) return '';
        return parts.map((part) => `${uint32(part)}/${uint32(part + 4)}`).join(' ');
      }
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
      if (bytes > 0 && within(place, bytes)) found.set(tag, { value: value(place, type, length), at: place, bytes });
    }
    return found;
  };
  return { fields, uint32 };
}
