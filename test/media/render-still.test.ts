// Pictures as the operations make them: metadata, depth, colour, transparency, animation, sizes in bytes; each looked at again.
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { exactSize } from '#media/plan-picture-file.ts';
import { frameTicks } from '#media/render-animation.ts';
import { type RenderStill, renderStill } from '#media/render-still.ts';
import type { MediaTool } from '#media/tool.ts';
import { describeMedia, needTool, readFrames } from '../kit/decode.ts';
import { type MadeMedia, openMadeMedia } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

let media: MadeMedia;
before(async () => {
  media = await openMadeMedia();
});
after(() => media[Symbol.asyncDispose]());

/** Only animations in AVIF go through FFmpeg. */
const TOOL = { ffmpeg: 'ffmpeg', filters: new Set() } as unknown as MediaTool;

async function render(path: string, changes: Partial<RenderStill>): Promise<string> {
  const output = media.path(`out-${crypto.randomUUID()}`);
  const usual = { width: null, height: null, fit: 'contain', format: 'png' } as const;
  await renderStill({ tool: TOOL, limits: LIMITS, path, output, ...usual, ...changes });
  return output;
}

/** Noise that no coder likes, on a ramp. */
function picture(width: number, height: number, channels: 3 | 4 = 3): ReturnType<typeof sharp> {
  const raw = Buffer.alloc(width * height * channels);
  let seed = 1;
  for (let i = 0; i < raw.length; i++) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    raw[i] =
      channels === 4 && i % 4 === 3
        ? (i >> 2) % width < width / 2
          ? 0
          : 255
        : ((i / raw.length) * 180 + ((seed >> 16) % 60)) | 0;
  }
  return sharp(raw, { raw: { width, height, channels } });
}

const CAMERA = { Make: 'Maker', Model: 'Camera 1', Copyright: 'Someone', Artist: 'An Author' };
const PLACE = { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 12/1' };
const SHOT = { ExposureTime: '1/125', DateTimeOriginal: '2024:05:06 07:08:09', UserComment: 'SN-4711' };

async function photo(): Promise<string> {
  const path = media.path('photo.jpg');
  const described = await picture(80, 60).jpeg().withExif({ IFD0: CAMERA, IFD2: SHOT, IFD3: PLACE }).toBuffer();
  const bytes = await sharp(described).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  await writeFile(path, bytes);
  return path;
}

test('what stays of the metadata: nothing, the safe part, or all of it; the picture is upright with each', async () => {
  const path = await photo();
  const source = await sharp(path).metadata();
  assert.equal(source.orientation, 6);
  assert.ok(source.exif?.includes('SN-4711'));
  for (const format of ['jpg', 'png', 'webp', 'avif'] as const) {
    const seen = async (metadata: 'none' | 'safe' | 'all') => {
      const found = await sharp(await render(path, { format, metadata, animated: true })).metadata();
      assert.deepEqual([found.width, found.height, found.orientation ?? 1], [60, 80, 1], `${format} ${metadata}`);
      return found.exif?.toString('latin1') ?? '';
    };
    assert.equal(await seen('none'), '');
    const safe = await seen('safe');
    for (const word of ['Maker', 'Camera 1', 'Someone', 'An Author', '2024:05:06 07:08:09'])
      assert.ok(safe.includes(word), `${format}: ${word} is lost`);
    assert.ok(!safe.includes('SN-4711'), `${format}: a comment stayed`);
    // The tag of the folder of places, in either byte order.
    assert.ok(!safe.includes('\x25\x88') && !safe.includes('\x88\x25'), `${format}: places stayed`);
    const all = await seen('all');
    assert.ok(
      all.includes('SN-4711') && (all.includes('\x25\x88') || all.includes('\x88\x25')),
      `${format}: all was asked`,
    );
  }
});

/** Every chunk of a PNG ends in the CRC of its name and its data. */
function assertChecksums(png: Buffer) {
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    assert.equal(png.readUInt32BE(end), crc32(png.subarray(at + 4, end)), png.toString('latin1', at + 4, at + 8));
    at = end + 4;
  }
}

test('names keep their letters: what is not ASCII, and what stands in brackets, comes through as it was written', async () => {
  const texts = { Artist: 'Zoë Weiß', Copyright: '© 2024 山田太郎', ImageDescription: 'Abend (Köln)' };
  // As long in bytes, to be put in the places of what the image library writes.
  const kept = Object.fromEntries(
    Object.entries(texts).map(([tag, text]) => [tag, tag[0]?.repeat(Buffer.byteLength(text))]),
  );
  const bytes = await picture(40, 30)
    .jpeg()
    .withExif({ IFD0: { ...kept, Make: 'Maker' } as Record<string, string> })
    .toBuffer();
  for (const [tag, text] of Object.entries(texts)) Buffer.from(text).copy(bytes, bytes.indexOf(kept[tag] ?? ''));
  const path = media.path('names.jpg');
  await writeFile(path, bytes);
  for (const format of ['jpg', 'png', 'webp', 'avif'] as const) {
    const result = await render(path, { format, metadata: 'safe' });
    const { exif } = await sharp(result).metadata();
    for (const text of [...Object.values(texts), 'Maker'])
      assert.ok(exif?.includes(Buffer.from(`${text}\0`)), `${format}: ${text} is not in ${exif?.toString('utf8')}`);
    if (format === 'png') assertChecksums(await readFile(result));
  }
});

test('a damaged EXIF block costs the metadata and not the picture', async () => {
  const path = await photo();
  const bytes = Buffer.from(await sharp(path).keepExif().jpeg().toBuffer());
  const at = bytes.indexOf('Exif\0\0') + 6;
  bytes.fill(0xff, at + 4, at + 40);
  const broken = media.path('broken-exif.jpg');
  await writeFile(broken, bytes);
  const { exif } = await sharp(await render(broken, { format: 'jpg', metadata: 'safe' })).metadata();
  assert.ok(!exif?.includes('Maker'));
});

test('sixteen bits stay where the format has them', async () => {
  const raw = new Uint16Array(64 * 48 * 3).map((_, i) => i * 7);
  const path = media.path('deep.png');
  await sharp(raw, { raw: { width: 64, height: 48, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toFile(path);
  const depths: Record<string, unknown> = {};
  for (const format of ['png', 'tiff', 'avif', 'webp', 'jpg'] as const) {
    const { depth, bitsPerSample } = await sharp(await render(path, { format, keepDepth: true })).metadata();
    depths[format] = [depth, bitsPerSample];
  }
  assert.deepEqual(depths, {
    png: ['ushort', 16],
    tiff: ['ushort', 16],
    avif: ['ushort', 10],
    webp: ['uchar', undefined],
    jpg: ['uchar', undefined],
  });
  const before = await sharp(path).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
  const after = await sharp(await render(path, { format: 'tiff', keepDepth: true }))
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer();
  assert.deepEqual(after, before);
});

/** The colour of a pixel, 0–255. */
async function colourAt(path: string, [left, top]: readonly [number, number]): Promise<number[]> {
  const pixel = await sharp(path).toColourspace('srgb').extract({ left, top, width: 1, height: 1 }).raw().toBuffer();
  return [...pixel];
}

const near = (seen: readonly number[], wanted: readonly number[], tolerance = 8): boolean =>
  seen.length === wanted.length && seen.every((value, i) => Math.abs(value - (wanted[i] ?? 0)) <= tolerance);

test('PNG loses nothing, unless it is to become smaller: then it has a palette, of sixteen bits too', async () => {
  const path = media.path('ramp16.png');
  await picture(64, 48).toColourspace('rgb16').png().toFile(path);
  const plain = await sharp(await render(path, { format: 'png', keepDepth: true, quality: 40 })).metadata();
  assert.deepEqual([plain.depth, plain.isPalette], ['ushort', false]);
  for (const how of [{ quality: 75 }, { maxBytes: 6000 }]) {
    const smaller = await render(path, { format: 'png', keepDepth: true, compress: true, sourceFormat: 'png', ...how });
    assert.equal((await sharp(smaller).metadata()).isPalette, true, JSON.stringify(how));
    assert.ok((await stat(smaller)).size < ('maxBytes' in how ? 6001 : (await stat(path)).size));
  }
});

test('colours of a wide profile are those of sRGB afterwards, and say no other', async () => {
  const path = media.path('wide.png');
  // Display P3's (200, 120, 60), written with its profile.
  const plain = sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 120, b: 60 } } });
  await plain.clone().withIccProfile('p3').png().toFile(path);
  const meta = await sharp(path).metadata();
  assert.ok(meta.icc, 'the source has no profile');
  for (const format of ['jpg', 'png', 'webp'] as const) {
    const result = await render(path, { format });
    assert.ok(near(await colourAt(result, [8, 8]), [200, 120, 60], 4), `${format}: ${await colourAt(result, [8, 8])}`);
    assert.equal((await sharp(result).metadata()).icc, undefined);
  }
});

test('transparency stays where the format has it, and lies on the chosen colour elsewhere', async () => {
  const path = media.path('alpha.png');
  await picture(40, 30, 4).png().toFile(path);
  for (const format of ['png', 'webp', 'avif', 'tiff', 'gif'] as const) {
    const result = await render(path, { format });
    assert.equal((await sharp(result).metadata()).hasAlpha, true, format);
    assert.equal(
      (await sharp(result).ensureAlpha().extract({ left: 2, top: 2, width: 1, height: 1 }).raw().toBuffer())[3],
      0,
    );
  }
  const green = await render(path, { format: 'jpg', background: '#00ff00', quality: 95 });
  assert.ok(near(await colourAt(green, [4, 15]), [0, 255, 0], 12), String(await colourAt(green, [4, 15])));
  const white = await render(path, { format: 'jpg', quality: 95 });
  assert.ok(near(await colourAt(white, [4, 15]), [255, 255, 255], 12));
});

test('an animation keeps its frames, its times and how often it is played', async () => {
  const frames = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ].map(([r = 0, g = 0, b = 0]) => ({ r, g, b }));
  const stack = await sharp(
    Buffer.concat(frames.flatMap(({ r, g, b }) => Array.from({ length: 20 * 10 }, () => Buffer.from([r, g, b])))),
    { raw: { width: 20, height: 30, channels: 3, pageHeight: 10 } },
  )
    .gif({ delay: [100, 250, 400], loop: 3 })
    .toBuffer();
  const path = media.path('moving.gif');
  await writeFile(path, stack);
  for (const format of ['gif', 'webp'] as const) {
    const result = await render(path, { format, animated: true, width: 10, height: 5, fit: 'fill' });
    const { pages, delay, loop, width, pageHeight } = await sharp(result, { animated: true }).metadata();
    assert.deepEqual(
      { pages, delay, loop, width, pageHeight },
      { pages: 3, delay: [100, 250, 400], loop: 3, width: 10, pageHeight: 5 },
      format,
    );
    for (const [page, { r, g, b }] of frames.entries()) {
      const pixel = await sharp(result, { page })
        .removeAlpha()
        .extract({ left: 4, top: 2, width: 1, height: 1 })
        .raw()
        .toBuffer();
      assert.ok(near([...pixel], [r, g, b], 30), `${format} frame ${page}: ${[...pixel]}`);
    }
  }
  assert.equal((await sharp(await render(path, { format: 'jpg', animated: true })).metadata()).height, 10);
});

test('an animated WebP stays one as AVIF: each frame as long as it was, transparency on a colour, to a size', async () => {
  const side = 24;
  const colours = [
    [255, 0, 0, 255],
    [0, 0, 255, 255],
    [0, 0, 0, 0],
  ];
  const raw = Buffer.concat(colours.flatMap((one) => Array.from({ length: side * side }, () => Buffer.from(one))));
  const path = media.path('moving.webp');
  await sharp(raw, { raw: { width: side, height: side * 3, channels: 4, pageHeight: side } })
    .webp({ lossless: true, delay: [100, 250, 400], loop: 2 })
    .toFile(path);
  const wish = { format: 'avif', animated: true, background: '#00ff00', width: 11, height: 7, fit: 'fill' } as const;
  for (const how of [{}, { lossless: true }]) {
    const result = await render(path, { ...wish, ...how });
    const { stdout } = await needTool('ffmpeg', [
      ...['-v', 'error', '-i', result, '-vf', 'scale=11:7,crop=1:1:5:3'],
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    ]);
    const seen = Array.from({ length: stdout.length / 3 }, (_, i) => [...stdout.subarray(i * 3, i * 3 + 3)]);
    // Steps of 50 ms.
    const meant = [...Array(2).fill([255, 0, 0]), ...Array(5).fill([0, 0, 255]), ...Array(8).fill([0, 255, 0])];
    assert.equal(seen.length, meant.length);
    for (const [i, colour] of meant.entries()) assert.ok(near(seen[i] ?? [], colour, 30), `${i}: ${seen[i]}`);
    const [stream] = (await describeMedia(result)).streams;
    assert.ok(stream);
    const last = (await readFrames(result, stream)).at(-1);
    assert.deepEqual([stream.width, stream.height, last?.time.toFixed(3)], [11, 7, '0.700']);
  }
  const full = (await stat(await render(path, { ...wish, quality: 100 }))).size;
  const fitted = await render(path, { ...wish, quality: 100, maxBytes: full - 1 });
  assert.ok((await stat(fitted)).size < full);
  await assert.rejects(render(path, { ...wish, maxBytes: 100 }), { code: 'invalid_request' });
});

test('delays are laid on one clock, none lost: what browsers show for none, fifty a second at the most', () => {
  assert.deepEqual(frameTicks([100, 250, 400]), { tick: 50, ticks: [2, 5, 8] });
  assert.deepEqual(frameTicks([0, 10, 100]), { tick: 100, ticks: [1, 1, 1] });
  assert.deepEqual(frameTicks([30, 30, 30, 70]), { tick: 20, ticks: [2, 1, 2, 3] });
  assert.deepEqual(frameTicks([11, 11, 500]), { tick: 20, ticks: [1, 1, 24] });
});

test('a size in bytes is met from below with the best quality, or refused with what it would take', async () => {
  const path = media.path('noise.png');
  await picture(300, 200).png().toFile(path);
  for (const format of ['jpg', 'webp', 'avif'] as const) {
    const [small, large] = [
      await render(path, { format, maxBytes: 9000 }),
      await render(path, { format, maxBytes: 14_000 }),
    ];
    const [few, more] = [(await stat(small)).size, (await stat(large)).size];
    assert.ok(few <= 9000 && few > 6500, `${format}: ${few}`);
    assert.ok(more <= 14_000 && more > few, `${format}: ${more}`);
  }
  await assert.rejects(render(path, { format: 'jpg', maxBytes: 400 }), {
    code: 'invalid_request',
    message: /^The picture cannot be brought to 400 bytes as jpg: at the lowest quality it has \d+\./,
  });
});

test('compressing makes no file of the same format larger', async () => {
  const jpg = media.path('low.jpg');
  await picture(200, 150).jpeg({ quality: 30, mozjpeg: true }).toFile(jpg);
  const lower = await render(jpg, { format: 'jpg', quality: 90, compress: true, sourceFormat: 'jpg' });
  assert.ok((await stat(lower)).size < (await stat(jpg)).size);
  // Nothing is left to be gained of one pixel: it stays what it is.
  const dot = media.path('dot.png');
  await sharp({ create: { width: 1, height: 1, channels: 3, background: '#123456' } })
    .png({ compressionLevel: 9 })
    .toFile(dot);
  const same = await render(dot, { format: 'png', quality: 100, compress: true, sourceFormat: 'png' });
  assert.ok((await stat(same)).size <= (await stat(dot)).size);
});

test('a bomb is refused before it is decoded', async () => {
  const path = media.path('bomb.png');
  await sharp({ create: { width: 12_000, height: 9000, channels: 3, background: '#000000' } })
    .png()
    .toFile(path);
  await assert.rejects(render(path, { format: 'jpg' }), { code: 'media_limit' });
});

test('exact sizes', () => {
  const source = { width: 400, height: 300 };
  const at = (width: number | null, height: number | null, more: object = {}) => {
    const size = exactSize(source, { width, height, fit: 'contain', enlarge: true, ...more });
    return `${size.width}x${size.height}`;
  };
  assert.deepEqual(
    [
      at(201, null),
      at(null, 100),
      at(100, 100),
      at(800, null),
      at(800, null, { enlarge: false }),
      at(333, 77, { fit: 'fill' }),
      at(333, null, { fit: 'fill' }),
      at(800, 100, { fit: 'fill', enlarge: false }),
      at(100, 100, { fit: 'cover' }),
      at(800, 800, { fit: 'cover', enlarge: false }),
      at(800, 800, { fit: 'pad', enlarge: false }),
      at(1, null),
    ],
    [
      '201x151',
      '133x100',
      '100x75',
      '800x600',
      '400x300',
      '333x77',
      '333x300',
      '400x100',
      '100x100',
      '300x300',
      '800x800',
      '1x1',
    ],
  );
});

test('BMP and ICO, which the library does not write, hold the same picture', async () => {
  const path = media.path('half.png');
  await picture(301, 150, 4).png().toFile(path);
  const bmp = await render(path, { format: 'bmp', background: '#00ff00' });
  const { data, info } = await sharp(path)
    .flatten({ background: '#00ff00' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const decode = ['-v', 'error', '-f', 'bmp_pipe', '-i', bmp, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  assert.deepEqual((await needTool('ffmpeg', decode)).stdout, data);
  assert.deepEqual([info.width, info.height], [301, 150]);
  const icon = await readFile(await render(path, { format: 'ico' }));
  const sides = [16, 32, 48, 64, 128, 256];
  assert.deepEqual([icon.readUInt16LE(2), icon.readUInt16LE(4)], [1, sides.length]);
  for (const [i, side] of sides.entries()) {
    const [size, offset] = [icon.readUInt32LE(6 + 16 * i + 8), icon.readUInt32LE(6 + 16 * i + 12)];
    const one = await sharp(icon.subarray(offset, offset + size)).metadata();
    assert.deepEqual([one.width, one.height, one.hasAlpha, icon[6 + 16 * i]], [side, side, true, side % 256]);
  }
});
