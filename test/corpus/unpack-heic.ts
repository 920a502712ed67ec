// A HEIC as PNG by libheif's own interface for browsers, none of our code: the oracle where FFmpeg cannot open one. Used by expected.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

type Pixels = { readonly data: Uint8ClampedArray };
type Shown = {
  get_width(): number;
  get_height(): number;
  is_primary(): boolean;
  display(into: Pixels & { width: number; height: number }, done: (pixels: Pixels | null) => void): void;
};
type Library = { readonly HeifDecoder: new () => { decode(bytes: Buffer): Shown[] } };

/** Path of the PNG, which goes when this process ends; null where the file is no HEIC that can be decoded. */
export async function unpackHeic(file: string): Promise<string | null> {
  const bytes = await readFile(file);
  if (!/^ftyp(heic|heix|mif1)/.test(bytes.toString('latin1', 4, 12))) return null;
  const open = createRequire(import.meta.url)('libheif-js/libheif-wasm/libheif.js') as (options: object) => Library;
  const images = new (open({ print: () => undefined, printErr: () => undefined }).HeifDecoder)().decode(bytes);
  const image = images.find((one) => one.is_primary()) ?? images[0];
  if (!image) return null;
  const [width, height] = [image.get_width(), image.get_height()];
  const shown = await new Promise<Pixels | null>((resolve) => {
    image.display({ data: new Uint8ClampedArray(width * height * 4), width, height }, resolve);
  });
  if (shown === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'rendition-heic-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const png = join(folder, 'picture.png');
  // Its profile is not applied: wide colours are paler by less than the tolerance.
  await sharp(shown.data, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png({ compressionLevel: 1 })
    .toFile(png);
  return png;
}
