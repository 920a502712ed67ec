// The watermark's image: brought to one form when the job is planned, then to the very size of each rendition. Used by the workflows.
import { PlatformError } from '#domain/error.ts';
import type { WatermarkPlan } from '#domain/plan.ts';
import { imageError, loadImageLibrary } from '#media/image-library.ts';
import { readablePicture, type StillSource } from '#media/picture-readers.ts';
import { probeSource } from '#media/probe.ts';

/** Pixels of the stored image's long side at the most: enough for the full width of 4K. */
const LONGEST_SIDE = 3840;

/**
 * Writes a stranger's picture as we keep it: upright PNG, sRGB with transparency, without metadata.
 * @throws PlatformError `not_media`, `unsupported_media` where it is no picture, `media_limit`, `corrupt_media`
 */
export async function normalizeWatermark({
  output,
  ...source
}: StillSource & { readonly output: string }): Promise<void> {
  const { tool, limits, path, signal } = source;
  const facts = await probeSource({ tool, limits, input: { kind: 'file', path }, ...(signal ? { signal } : {}) });
  if (!facts.isStill)
    throw new PlatformError(
      'unsupported_media',
      'The watermark is no still picture; give a PNG, JPEG, WebP, AVIF or HEIC',
    );
  const [sharp, readable] = await Promise.all([loadImageLibrary(), readablePicture(source)]);
  try {
    await sharp(readable, { limitInputPixels: limits.maxImagePixels, failOn: 'error', autoOrient: true })
      .toColourspace('srgb')
      .resize({ width: LONGEST_SIDE, height: LONGEST_SIDE, fit: 'inside', withoutEnlargement: true })
      .ensureAlpha()
      .png({ compressionLevel: 6 })
      .toFile(output);
  } catch (error) {
    throw imageError(error);
  }
}

export type Size = { readonly width: number; readonly height: number };
export type Box = Size & { readonly x: number; readonly y: number };

/** Where an image goes on a picture, pixels: inside the margins, in its own aspect, at even places (4:2:0 has a colour for two lines). */
export function watermarkBox(picture: Size, image: Size, plan: Omit<WatermarkPlan, 'image' | 'opacity'>): Box {
  const margin = Math.round(plan.margin * Math.min(picture.width, picture.height));
  const room = (side: number) => Math.max(2, side - 2 * margin);
  const factor = Math.min(
    (plan.scale * picture.width) / image.width,
    room(picture.width) / image.width,
    room(picture.height) / image.height,
  );
  const width = Math.max(2, Math.round(image.width * factor));
  const height = Math.max(2, Math.round(image.height * factor));
  const place = (side: number, own: number, at: 'start' | 'end' | 'center') =>
    Math.max(0, Math.floor({ start: margin, end: side - margin - own, center: (side - own) / 2 }[at] / 2) * 2);
  const { position } = plan;
  const across = position === 'center' ? 'center' : position.endsWith('left') ? 'start' : 'end';
  const down = position === 'center' ? 'center' : position.startsWith('top') ? 'start' : 'end';
  return { width, height, x: place(picture.width, width, across), y: place(picture.height, height, down) };
}

/** Pixels of a picture of ours. */
export async function pictureSize(picture: string | Buffer): Promise<Size> {
  const sharp = await loadImageLibrary();
  const { width, height } = await sharp(picture).metadata();
  return { width, height };
}

/** Writes a picture of nothing at all. */
export async function writeBlank({ width, height }: Size, output: string): Promise<void> {
  const sharp = await loadImageLibrary();
  await sharp({ create: { width, height, channels: 4, background: '#00000000' } })
    .png({ compressionLevel: 2 })
    .toFile(output);
}

/**
 * Writes our normalised image at the size it has on a picture, with its opacity; answers where it goes. The image library
 * does it because FFmpeg scales colours and transparency apart from each other, which leaves dark edges.
 */
export async function fitWatermark({
  image,
  picture,
  plan,
  output,
}: {
  readonly image: string | Buffer;
  readonly picture: Size;
  readonly plan: WatermarkPlan;
  readonly output: string;
}): Promise<Box> {
  const sharp = await loadImageLibrary();
  const { width, height } = await sharp(image).metadata();
  const box = watermarkBox(picture, { width, height }, plan);
  const opacity = Buffer.from([0, 0, 0, Math.round(plan.opacity * 255)]);
  await sharp(image)
    .resize({ width: box.width, height: box.height, fit: 'fill' })
    .composite([{ input: opacity, raw: { width: 1, height: 1, channels: 4 }, tile: true, blend: 'dest-in' }])
    .png({ compressionLevel: 2 })
    .toFile(output);
  return box;
}

/** Draws our normalised image on a still picture that is our own too; the result is lossless. */
export async function markStill({
  path,
  image,
  plan,
  output,
}: {
  readonly path: string;
  readonly image: string | Buffer;
  readonly plan: WatermarkPlan;
  readonly output: string;
}): Promise<void> {
  const sharp = await loadImageLibrary();
  const { width, height } = await sharp(path).metadata();
  const fitted = `${output}.mark.png`;
  const box = await fitWatermark({ image, picture: { width, height }, plan, output: fitted });
  await sharp(path)
    .composite([{ input: fitted, left: box.x, top: box.y }])
    .png({ compressionLevel: 2 })
    .toFile(output);
}
