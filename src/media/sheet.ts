// Lays single pictures out on one sheet, and turns PNG thumbnails into the wanted format. Used by the output executor.
import type { PictureTrack } from '#domain/plan.ts';
import { sheetOf, tilePlace } from '#media/playlist/storyboard.ts';

/** sharp is loaded when first needed: a process that only serves must not carry it. */
const loadSharp = async () => (await import('sharp')).default;

/** Writes the sheet of a track; pictures are files or bytes, in the order of their frames. */
export async function composeSheet(
  track: PictureTrack,
  pictures: readonly (string | Buffer)[],
  path: string,
): Promise<void> {
  const sharp = await loadSharp();
  const sheet = sheetOf(track, pictures.length);
  const tiles = pictures.map((input, i) => ({ input: input as string, ...tilePlace(track, sheet, i) }));
  const canvas = sharp({
    create: { width: sheet.width, height: sheet.height, channels: 3, background: '#000000' },
    limitInputPixels: false,
  });
  const composed = canvas.composite(tiles);
  if (track.spec.format === 'png') await composed.png().toFile(path);
  else if (track.spec.format === 'webp') await composed.webp({ quality: 75 }).toFile(path);
  else await composed.jpeg({ quality: 75, mozjpeg: true }).toFile(path);
}

/** One PNG thumbnail as WebP. */
export async function toWebp(picture: Buffer, path: string): Promise<void> {
  const sharp = await loadSharp();
  await sharp(picture).webp({ quality: 80 }).toFile(path);
}
