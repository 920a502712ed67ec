// The pictures that the image library cannot write: BMP, and ICO with a PNG of each usual size. Used by render-still.ts.
import type { Matrix3x3, Sharp } from 'sharp';
import { loadImageLibrary } from '#media/image-library.ts';

/** Sides of the pictures in an icon; an entry's byte holds no more than 256. */
const ICON_SIDES = [16, 32, 48, 64, 128, 256];
export const LARGEST_ICON = 256;

type Bitmap = { readonly data: Buffer; readonly width: number; readonly height: number };

/** Blue, green, red. */
const BACKWARDS: Matrix3x3 = [
  [0, 0, 1],
  [0, 1, 0],
  [1, 0, 0],
];

/** 24 bits a pixel, rows from the last to the first, each filled up to four bytes (BITMAPINFOHEADER). */
export async function encodeBmp(picture: Sharp): Promise<Bitmap> {
  const upright = await picture
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = upright.info;
  const sharp = await loadImageLibrary();
  // The library's threads turn millions of pixels round; here each would hold up everybody else.
  const pixels = await sharp(upright.data, { raw: { width, height, channels } })
    .toColourspace('srgb')
    .recomb(BACKWARDS)
    .flip()
    .raw()
    .toBuffer();
  const row = width * 3;
  const stride = Math.ceil(row / 4) * 4;
  const head = 54;
  const data = Buffer.alloc(head + stride * height);
  data.write('BM', 0, 'latin1');
  data.writeUInt32LE(data.length, 2);
  data.writeUInt32LE(head, 10);
  data.writeUInt32LE(40, 14);
  data.writeInt32LE(width, 18);
  data.writeInt32LE(height, 22);
  data.writeUInt16LE(1, 26);
  data.writeUInt16LE(24, 28);
  data.writeUInt32LE(stride * height, 34);
  // 72 dots per inch, in dots per metre.
  data.writeInt32LE(2835, 38);
  data.writeInt32LE(2835, 42);
  for (let y = 0; y < height; y++) pixels.copy(data, head + y * stride, y * row, (y + 1) * row);
  return { data, width, height };
}

/** Square pictures on a transparent ground, in every usual size up to the picture's own. */
export async function encodeIcon(picture: Sharp): Promise<Bitmap> {
  const { data: whole, info } = await picture.png().toBuffer({ resolveWithObject: true });
  const longest = Math.min(LARGEST_ICON, Math.max(info.width, info.height));
  const sides = [...new Set([...ICON_SIDES.filter((side) => side < longest), longest])];
  const sharp = await loadImageLibrary();
  const pictures = await Promise.all(
    sides.map((side) =>
      sharp(whole)
        .resize({ width: side, height: side, fit: 'contain', background: '#00000000' })
        .ensureAlpha()
        .png()
        .toBuffer(),
    ),
  );
  const head = Buffer.alloc(6 + 16 * pictures.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  for (const [i, png] of pictures.entries()) {
    const at = 6 + 16 * i;
    // 256 is written as 0.
    head.writeUInt8((sides[i] ?? 0) % 256, at);
    head.writeUInt8((sides[i] ?? 0) % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  }
  return { data: Buffer.concat([head, ...pictures]), width: longest, height: longest };
}
