// HEIC pictures: upright once, sizes, colours, transparency, refusals; made here, and a telephone's own where the corpus is present.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { detectTool } from '#media/capabilities.ts';
import { readHeic } from '#media/heic.ts';
import { probeSource } from '#media/probe.ts';
import { type RenderStill, renderStill } from '#media/render-still.ts';
import { normalizeStill } from '#media/still.ts';
import type { MediaLimits } from '#media/tool.ts';
import { openMadeMedia } from './made-media.ts';
import { clap, encodeHevc, type HeicItem, imir, irot, nclx, profile, writeHeic } from './make-heic.ts';
import { LIMITS } from './sample-facts.ts';

const CORPUS = path.resolve(import.meta.dirname, '../../../shared/corpus');
const PHONE = path.join(CORPUS, 'torture/heic-iphone-img-2682.heic');
const CLAP_OVERFLOW = path.join(CORPUS, 'broken/heif-clap-overflow.heic');
const noPhone = existsSync(PHONE) ? false : `no ${PHONE}`;
const noBroken = existsSync(CLAP_OVERFLOW) ? false : `no ${CLAP_OVERFLOW}`;

const tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
const noEncoder = tool.encoders.has('libx265') ? false : 'this FFmpeg has no libx265 to make HEIC pictures with';
const noZscale = noEncoder || tool.filters.has('zscale') ? noEncoder : 'this FFmpeg has no zscale';
const media = await openMadeMedia();
after(() => media[Symbol.asyncDispose]());

const SRGB = nclx(1, 13);
const probe = (file: string, changes: Partial<MediaLimits> = {}) =>
  probeSource({ tool, input: { kind: 'file', path: file }, limits: { ...LIMITS, ...changes } });
const render = async (file: string, changes: Partial<RenderStill> = {}) => {
  const output = media.path('output');
  const size = { width: null, height: null, fit: 'contain', format: 'png' } as const;
  const { width, height } = await renderStill({ tool, limits: LIMITS, path: file, output, ...size, ...changes });
  return { output, size: `${width}x${height}` };
};
const normalize = (file: string) => normalizeStill({ tool, limits: LIMITS, path: file, output: media.path('output') });

/** Red on the left, blue on the right; the top half is bright. */
function corners(width: number, height: number): ReturnType<typeof sharp> {
  const raw = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) raw[(y * width + x) * 3 + (x < width / 2 ? 0 : 2)] = y < height / 2 ? 250 : 90;
  }
  return sharp(raw, { raw: { width, height, channels: 3 } });
}

async function readCorners(file: string): Promise<string> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const [red = 0, , blue = 0] = data.subarray((y * info.width + x) * info.channels);
    const letter = red > blue ? 'r' : 'b';
    return Math.max(red, blue) > 170 ? letter.toUpperCase() : letter;
  };
  const [right, bottom] = [info.width - 3, info.height - 3];
  return at(2, 2) + at(right, 2) + at(2, bottom) + at(right, bottom);
}

type Pixel = readonly number[];
const plain = (color: Pixel, size = 64) => {
  const [r = 0, g = 0, b = 0] = color;
  return sharp({ create: { width: size, height: size, channels: 3, background: { r, g, b } } });
};
/** The middle of a picture, as it is stored. */
async function middle(picture: string | Buffer): Promise<number[]> {
  const { data, info } = await sharp(picture, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * info.channels;
  return [...data.subarray(at, at + info.channels)];
}
function near(found: Pixel, wanted: Pixel, [tolerance, what]: readonly [number, string]): void {
  const isNear =
    found.length === wanted.length && wanted.every((one, i) => Math.abs(one - (found[i] ?? 0)) <= tolerance);
  assert.ok(isNear, `${what} ${found.join(',')} is not near ${wanted.join(',')}`);
}

let made = 0;
async function coded(picture: ReturnType<typeof sharp>, format = 'yuv420p', filter?: string): Promise<HeicItem> {
  const file = media.path(`coded-${made++}.png`);
  await picture.png().toFile(file);
  return await encodeHevc(file, format, filter);
}
const write = (heic: Parameters<typeof writeHeic>[1]) => writeHeic(media.path(`made-${made++}.heic`), heic);

test('turned and mirrored HEIC is upright, once, whatever its EXIF says', { skip: noEncoder }, async () => {
  const upright = await corners(80, 40).png().toBuffer();
  for (const turns of [0, 1, 2, 3]) {
    for (const axis of [null, 0, 1] as const) {
      // The stored picture is what the two undo, the last one first.
      const mirrored = axis === null ? sharp(upright) : axis === 0 ? sharp(upright).flip() : sharp(upright).flop();
      const stored = sharp(await mirrored.png().toBuffer()).rotate(turns * 90);
      const properties = [SRGB, irot(turns), ...(axis === null ? [] : [imir(axis)])];
      const file = await write({ items: [{ ...(await coded(stored)), properties }], exifOrientation: 6 });
      const what = `irot ${turns}, imir ${axis}`;
      const { video } = await probe(file);
      assert.deepEqual(
        [video?.codec, video?.displayWidth, video?.displayHeight, video?.rotation, video?.mirrored],
        ['heic', 80, 40, 0, false],
        what,
      );
      const { output, size } = await render(file);
      assert.deepEqual([size, await readCorners(output)], ['80x40', 'RBrb'], what);
      const { width, height } = await normalize(file);
      assert.deepEqual([width, height, await readCorners(output)], [80, 40, 'RBrb'], what);
      const left = await sharp(output).metadata();
      assert.deepEqual([left.orientation, left.exif, left.icc, left.depth], [undefined, undefined, undefined, 'uchar']);
    }
  }
});

test('HEIC becomes every picture format; a crop to an odd size holds, and is even as video', {
  skip: noEncoder,
}, async () => {
  const item = await coded(corners(82, 42));
  const file = await write({ items: [{ ...item, properties: [SRGB, clap(81, 41, [-1, -1])] }] });
  for (const [format, found] of Object.entries({ jpg: 'jpeg', png: 'png', webp: 'webp', avif: 'heif' })) {
    const { output, size } = await render(file, { format: format as RenderStill['format'] });
    const written = await sharp(output).metadata();
    assert.deepEqual(
      [written.format, size, written.exif, await readCorners(output)],
      [found, '81x41', undefined, 'RBrb'],
      format,
    );
  }
  assert.equal((await render(file, { width: 40 })).size, '40x20');
  const { width, height } = await normalize(file);
  assert.deepEqual([width, height], [80, 40]);
});

test('what a telephone wrote beside the picture stays as wished, the place only with all of it', {
  skip: noEncoder,
}, async () => {
  const told = { Make: 'Maker', Artist: 'An Author' };
  const place = { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 12/1' };
  const jpeg = await corners(8, 8).jpeg().withExif({ IFD0: told, IFD3: place }).toBuffer();
  const exif = (await sharp(jpeg).metadata()).exif?.subarray(6);
  assert.ok(exif);
  const file = await write({ items: [{ ...(await coded(corners(80, 40))), properties: [SRGB] }], exif });
  const kept = async (metadata: 'none' | 'safe' | 'all') => {
    const { output } = await render(file, { format: 'jpg', metadata });
    const found = (await sharp(output).metadata()).exif ?? Buffer.alloc(0);
    // Of the place: 52/1 as two numbers of four bytes, of either order.
    const degrees = [Buffer.from('3400000001000000', 'hex'), Buffer.from('0000003400000001', 'hex')];
    return [found.includes('Maker'), degrees.some((one) => found.includes(one))];
  };
  assert.deepEqual(
    [await kept('none'), await kept('safe'), await kept('all')],
    [
      [false, false],
      [true, false],
      [true, true],
    ],
  );
});

test('the primary picture is taken, wherever it stands, and others are told of', { skip: noEncoder }, async () => {
  const [small, large] = [await coded(plain([0, 0, 255], 32)), await coded(corners(80, 40))];
  const items = [small, large].map((one) => ({ ...one, properties: [SRGB] }));
  const file = await write({ items, primary: 1 });
  const facts = await probe(file);
  assert.deepEqual(
    [facts.video?.width, facts.video?.height, facts.warnings],
    [80, 40, ['the picture has 2 pages or frames; the main one is used']],
  );
  const { output, size } = await render(file);
  assert.deepEqual([size, await readCorners(output)], ['80x40', 'RBrb']);
});

/** A colour of sRGB, the same in Display P3, and that profile. */
async function displayP3(srgb: Pixel): Promise<{ p3: number[]; icc: Buffer }> {
  const tagged = await plain(srgb).withIccProfile('p3').png().toBuffer();
  const { icc } = await sharp(tagged).metadata();
  assert.ok(icc);
  return { p3: await middle(tagged), icc };
}

test('Display P3 becomes sRGB, from a profile and from code points', { skip: noZscale }, async () => {
  const srgb = [220, 60, 40];
  const { p3, icc } = await displayP3(srgb);
  assert.ok(
    srgb.some((one, i) => Math.abs(one - (p3[i] ?? 0)) > 12),
    `${p3} must differ for the test to mean anything`,
  );
  const item = await coded(plain(p3), 'yuv444p');
  const byProfile = await write({ items: [{ ...item, properties: [SRGB, profile(icc)] }] });
  near(await middle((await render(byProfile)).output), srgb, [4, 'profile']);
  await normalize(byProfile);
  near(await middle(media.path('output')), srgb, [4, 'profile, as video']);
  const byCode = await write({ items: [{ ...item, properties: [nclx(12, 13)] }] });
  near(await middle((await render(byCode)).output), srgb, [4, 'code points']);
  const untouched = await write({ items: [{ ...item, properties: [SRGB] }] });
  near(await middle((await render(untouched)).output), p3, [3, 'sRGB']);
});

test('ten bits: SDR keeps its colours, PQ and HLG are tone-mapped as FFmpeg does it', { skip: noZscale }, async () => {
  const color = [150, 110, 190];
  const item = await coded(plain(color), 'yuv420p10le');
  const sdr = await write({ items: [{ ...item, properties: [SRGB] }] });
  assert.deepEqual(await probe(sdr).then(({ video }) => [video?.bitDepth, video?.hdr]), [10, null]);
  near(await middle((await render(sdr)).output), color, [3, 'SDR']);
  for (const [hdr, transfer, name] of [
    ['pq', 16, 'smpte2084'],
    ['hlg', 18, 'arib-std-b67'],
  ] as const) {
    const file = await write({ items: [{ ...item, properties: [nclx(9, transfer)] }] });
    assert.deepEqual(await probe(file).then(({ video }) => [video?.bitDepth, video?.hdr]), [10, hdr]);
    const wanted = media.path(`${hdr}.png`);
    await plain(color).png().toFile(media.path('color.png'));
    const filter = `zscale=min=gbr:rin=pc:tin=${name}:pin=bt2020:p=bt2020:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=iec61966-2-1:m=gbr:r=pc,format=rgb24`;
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', '-i', media.path('color.png'), '-vf', filter, wanted]);
    const [expected, found] = [await middle(wanted), await middle((await render(file)).output)];
    near(found, expected, [4, hdr]);
    assert.ok(
      found.some((one, i) => Math.abs(one - (color[i] ?? 0)) > 12),
      `${hdr} stays as it is coded: ${found}`,
    );
  }
});

test('transparency is kept, multiplied into the colours or not', { skip: noEncoder }, async () => {
  const half = await coded(plain([128, 128, 128]), 'gray');
  for (const premultiplied of [false, true]) {
    const color = await coded(plain(premultiplied ? [100, 40, 20] : [200, 80, 40]), 'yuv444p');
    const items = [
      { ...color, properties: [SRGB] },
      { ...half, alphaOf: 0 },
    ];
    const file = await write({ items, premultiplied });
    assert.equal((await probe(file)).video?.hasAlpha, true);
    near(await middle((await render(file)).output), [200, 80, 40, 128], [4, `png, premultiplied ${premultiplied}`]);
    near(await middle((await render(file, { format: 'jpg' })).output), [227, 167, 147], [5, 'laid on white']);
  }
});

test('damage, bombs and an end ordered from outside', { skip: noEncoder }, async () => {
  const item = { ...(await coded(corners(320, 240))), properties: [SRGB] };
  const file = await write({ items: [item] });
  const whole = await readFile(file);
  const cut = media.path('cut.heic');
  const damaged = { code: 'corrupt_media', message: 'The picture is damaged: it cannot be decoded.' };
  await writeFile(cut, whole.subarray(0, whole.length - 100));
  await assert.rejects(render(cut), damaged);
  await assert.rejects(normalize(cut), damaged);
  await writeFile(cut, whole.subarray(0, 200));
  await assert.rejects(probe(cut), damaged);
  await assert.rejects(render(cut), damaged);

  const bomb = await write({ items: [{ ...item, claims: [30_000, 30_000] }] });
  await assert.rejects(probe(bomb), { code: 'media_limit', message: /^The picture is 30000x30000 \(900 megapixels\)/ });
  await assert.rejects(render(bomb), { code: 'media_limit', message: /MAX_IMAGE_PIXELS/ });
  const limits = { ...LIMITS, maxImagePixels: 320 * 240 - 1 };
  await assert.rejects(render(file, { limits }), { code: 'media_limit', message: /320x240/ });

  const ended = new Error('enough');
  const control = new AbortController();
  const reading = readHeic({ path: file, maxPixels: LIMITS.maxImagePixels, signal: control.signal });
  control.abort(ended);
  await assert.rejects(reading, (error) => error === ended);
});

test('a HEIF whose clean aperture overflows is damaged', { skip: noBroken }, async () => {
  await assert.rejects(probe(CLAP_OVERFLOW), { code: 'corrupt_media' });
  await assert.rejects(render(CLAP_OVERFLOW), { code: 'corrupt_media' });
});

test("a telephone's HEIC: 48 tiles, Display P3", { skip: noPhone }, async () => {
  const facts = await probe(PHONE);
  assert.deepEqual([facts.video?.displayWidth, facts.video?.displayHeight, facts.warnings], [4032, 3024, []]);
  const { output, size } = await render(PHONE, { format: 'jpg' });
  const { channels } = await sharp(output).stats();
  assert.equal(size, '4032x3024');
  // Sky above, black below the middle; red is lower than in the file's own P3 numbers (76.7).
  near(
    channels.map(({ mean }) => mean),
    [73, 86, 91],
    [1, 'mean'],
  );
  const sky = await sharp(output).extract({ left: 2900, top: 250, width: 20, height: 20 }).png().toBuffer();
  const [red = 255, , blue = 0] = await middle(sky);
  assert.ok(blue > red + 40, `the sky is not blue: ${red}, ${blue}`);
  assert.equal((await render(PHONE, { format: 'webp', width: 640 })).size, '640x480');
  assert.deepEqual(await normalize(PHONE).then(({ width, height }) => [width, height]), [4032, 3024]);
  assert.equal((await stat(output)).size > 1_000_000, true);

  const cut = media.path('cut-phone.heic');
  const whole = await readFile(PHONE);
  await writeFile(cut, whole.subarray(0, whole.length * 0.6));
  await assert.rejects(render(cut), { code: 'corrupt_media' });
});
