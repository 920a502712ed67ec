// Pictures: facts from headers, upright SDR outputs, refusals before anything is decoded.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { detectTool } from '#media/capabilities.ts';
import { probeSource } from '#media/probe.ts';
import { type RenderStill, renderStill } from '#media/render-still.ts';
import { normalizeStill } from '#media/still.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { type MadeMedia, openMadeMedia } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

let media: MadeMedia;
let tool: MediaTool;
before(async () => {
  media = await openMadeMedia();
  tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
});
after(() => media[Symbol.asyncDispose]());

const probe = (path: string, changes: Partial<MediaLimits> = {}) =>
  probeSource({ tool, input: { kind: 'file', path }, limits: { ...LIMITS, ...changes } });
const output = () => media.path('output');
const render = (path: string, changes: Partial<RenderStill>) =>
  renderStill({
    tool,
    limits: LIMITS,
    path,
    width: null,
    height: null,
    fit: 'contain',
    format: 'png',
    output: output(),
    ...changes,
  });
const normalize = (path: string) => normalizeStill({ tool, limits: LIMITS, path, output: output() });

/** Red on the left, blue on the right; the top half is bright. */
function corners(width: number, height: number): ReturnType<typeof sharp> {
  const raw = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) raw[(y * width + x) * 3 + (x < width / 2 ? 0 : 2)] = y < height / 2 ? 250 : 90;
  }
  return sharp(raw, { raw: { width, height, channels: 3 } });
}

/** The colour near each corner: r or b, capital where bright; top left, top right, bottom left, bottom right. */
async function readCorners(path: string): Promise<string> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const [red = 0, , blue = 0] = data.subarray((y * info.width + x) * info.channels);
    const letter = red > blue ? 'r' : 'b';
    return Math.max(red, blue) > 170 ? letter.toUpperCase() : letter;
  };
  const [right, bottom] = [info.width - 3, info.height - 3];
  return at(2, 2) + at(right, 2) + at(2, bottom) + at(right, bottom);
}

test('every EXIF orientation is told and becomes upright', async () => {
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const path = media.path(`o${orientation}.jpg`);
    // The stored picture is turned the other way round, so that all eight show the same.
    const undo: Readonly<Record<number, readonly ['turn' | 'flop', number][]>> = {
      1: [],
      2: [['flop', 0]],
      3: [['turn', 180]],
      4: [
        ['turn', 180],
        ['flop', 0],
      ],
      5: [
        ['turn', 90],
        ['flop', 0],
      ],
      6: [['turn', 270]],
      7: [
        ['turn', 270],
        ['flop', 0],
      ],
      8: [['turn', 90]],
    };
    let turned = await corners(80, 40).png().toBuffer();
    // One step at a time: within one pipeline the library has an order of its own.
    for (const [step, angle] of undo[orientation] ?? []) {
      turned = await (step === 'flop' ? sharp(turned).flop() : sharp(turned).rotate(angle)).png().toBuffer();
    }
    await sharp(turned).jpeg({ quality: 95 }).withMetadata({ orientation }).toFile(path);
    const facts = await probe(path);
    assert.deepEqual(
      [facts.isStill, facts.container, facts.video?.displayWidth, facts.video?.displayHeight],
      [true, 'still', 80, 40],
      `orientation ${orientation}`,
    );
    assert.deepEqual(await normalize(path).then(({ width, height }) => [width, height]), [80, 40]);
    assert.equal(await readCorners(output()), 'RBrb', `orientation ${orientation}`);
    const left = await sharp(output()).metadata();
    assert.deepEqual(
      [left.format, left.orientation, left.exif, left.depth, left.hasAlpha],
      ['png', undefined, undefined, 'uchar', false],
    );
  }
});

test('facts by content, whatever the name', async () => {
  const formats = { png: 'png', webp: 'webp', jpeg: 'jpeg', avif: 'avif', tiff: 'tiff' } as const;
  for (const [name, codec] of Object.entries(formats)) {
    const path = media.path(`picture-${name}.mp4`);
    await corners(33, 21)
      .toFormat(name as keyof typeof formats)
      .toFile(path);
    const { video, duration, audio, streams } = await probe(path);
    assert.deepEqual(
      [video?.codec, video?.width, video?.height, video?.frames, duration, audio.length, streams],
      [codec, 33, 21, 1, 0, 0, 1],
      name,
    );
  }
});

test('odd, tiny and large pictures become even frames within the limits', async () => {
  const table: [number, number, [number, number]][] = [
    [33, 21, [32, 20]],
    [1, 1, [2, 2]],
    [1, 9, [2, 8]],
    [9000, 10, [8192, 8]],
    [10, 9000, [8, 8192]],
  ];
  for (const [width, height, size] of table) {
    const path = media.path('size.png');
    await corners(width, height).png().toFile(path);
    assert.deepEqual(await normalize(path).then((one) => [one.width, one.height]), size, `${width}x${height}`);
  }
});

test('transparency, 16 bits, CMYK and palettes become 8-bit sRGB on black', async () => {
  const path = media.path('input');
  await sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } } })
    .png()
    .toFile(path);
  assert.equal((await probe(path)).video?.hasAlpha, true);
  await normalize(path);
  assert.deepEqual([...(await sharp(output()).raw().toBuffer()).subarray(0, 3)], [0, 0, 0]);
  await render(path, { format: 'jpg' });
  assert.deepEqual([...(await sharp(output()).raw().toBuffer()).subarray(0, 3)], [255, 255, 255]);
  await corners(20, 20).toColourspace('rgb16').png().toFile(path);
  assert.equal((await probe(path)).video?.bitDepth, 16);
  await normalize(path);
  assert.equal((await sharp(output()).metadata()).depth, 'uchar');
  await corners(20, 20).toColourspace('cmyk').jpeg().toFile(path);
  await normalize(path);
  assert.deepEqual(
    [(await sharp(output()).metadata()).space, (await readCorners(output())).toLowerCase()],
    ['srgb', 'rbrb'],
  );
});

test('image outputs: formats, fits, one side, no metadata', async () => {
  const path = media.path('source.jpg');
  await corners(400, 200)
    .jpeg()
    .withMetadata({ exif: { IFD0: { Copyright: 'somebody' } } })
    .toFile(path);
  const size = async (changes: Partial<RenderStill>) => {
    const { width, height } = await render(path, changes);
    return `${width}x${height}`;
  };
  assert.deepEqual(
    [
      await size({}),
      await size({ width: 100 }),
      await size({ height: 50 }),
      await size({ width: 100, height: 100, fit: 'contain' }),
      await size({ width: 100, height: 100, fit: 'cover' }),
      await size({ width: 100, height: 100, fit: 'pad' }),
      await size({ width: 100, height: 100, fit: 'fill' }),
    ],
    ['400x200', '100x50', '100x50', '100x50', '100x100', '100x100', '100x100'],
  );
  for (const [format, found] of Object.entries({ jpg: 'jpeg', png: 'png', webp: 'webp', avif: 'heif', gif: 'gif' })) {
    const { size: bytes } = await render(path, { format: format as RenderStill['format'], width: 64 });
    const written = await sharp(output()).metadata();
    assert.deepEqual([written.format, written.width, written.height, written.exif], [found, 64, 32, undefined], format);
    assert.equal(bytes, (await readFile(output())).length);
  }
});

test('BMP through FFmpeg, with its limits read from the header first', async () => {
  const path = await media.make('picture.bmp', '-f lavfi -i color=red:s=42x24,format=rgb24,crop=41:23:0:0 -frames:v 1');
  const { video } = await probe(path);
  assert.deepEqual([video?.codec, video?.width, video?.height], ['bmp', 41, 23]);
  assert.deepEqual(await normalize(path).then((one) => [one.width, one.height]), [40, 22]);
  const [red = 0, green = 255] = await sharp(output()).raw().toBuffer();
  assert.ok(red > 240 && green < 15);
  const huge = await readFile(path);
  huge.writeInt32LE(2_000_000_000, 18);
  await writeFile(path, huge);
  await assert.rejects(probe(path), { code: 'media_limit', message: /2000000000x23/ });
  await assert.rejects(normalize(path), { code: 'media_limit' });
});

test('a GIF of one frame is a picture, of several a film', async () => {
  const one = await media.make('one.gif', '-f lavfi -i testsrc=s=32x32:r=10:d=0.1');
  assert.equal((await probe(one)).isStill, true);
  const several = await probe(await media.make('several.gif', '-f lavfi -i testsrc=s=32x32:r=10:d=1'));
  assert.deepEqual(
    [several.isStill, several.video?.frames, several.video?.averageFrameRate],
    [false, 10, { num: 10, den: 1 }],
  );
});

test('an animated WebP is its first frame, and says so', async () => {
  const gif = await media.make('moving.gif', '-f lavfi -i testsrc=s=32x32:r=10:d=0.5');
  const path = media.path('moving.webp');
  await sharp(gif, { animated: true }).webp().toFile(path);
  const facts = await probe(path);
  assert.deepEqual(
    [facts.isStill, facts.video?.height, facts.warnings],
    [true, 32, ['the picture has 5 pages or frames; the first one is used']],
  );
});

/** A PNG of one bit a pixel, all black: tiny, and enormous once decoded. */
function bomb(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc(body), body.length + 4);
    return framed;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head[8] = 1;
  const rows = deflateSync(Buffer.alloc((side / 8 + 1) * 64));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

test('bombs are refused by their header, damage by its decoder, foreign content by its signs', async () => {
  const path = media.path('bad.png');
  await writeFile(path, bomb(30_000));
  const refused = {
    code: 'media_limit',
    message:
      /^The picture is 30000x30000 \(900 megapixels\); at most 100 megapixels are allowed \(MAX_IMAGE_PIXELS\)\.$/,
  };
  await assert.rejects(probe(path), refused);
  await assert.rejects(render(path, {}), { code: 'media_limit' });
  await corners(200, 200).png().toFile(path);
  await assert.rejects(probe(path, { maxImagePixels: 39_999 }), { code: 'media_limit' });
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, whole.length / 2));
  await assert.rejects(normalize(path), {
    code: 'corrupt_media',
    message: 'The picture is damaged: it cannot be decoded.',
  });
  const scan = await corners(20, 20).tiff().toBuffer();
  await writeFile(path, scan.subarray(0, scan.readUInt32LE(4)));
  await assert.rejects(probe(path), {
    code: 'corrupt_media',
    message: /^The picture was cut: its directory is at byte \d+/,
  });
  await writeFile(
    path,
    '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><image href="file:///etc/passwd"/></svg>',
  );
  await assert.rejects(render(path, {}), { code: 'not_media', message: 'The file is an SVG drawing.' });
  // past the sniffing too: the library itself has no loader for it
  const { loadImageLibrary } = await import('#media/image-library.ts');
  const library = await loadImageLibrary();
  await assert.rejects(library(path).metadata(), /unsupported image format/);
});
