// Watermarks and burnt-in subtitles, looked at after decoding: at their place and time in every rendition and in every chunk.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { describeMedia, needTool, readMaster } from '../kit/decode.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { urlOf } from './check-result.ts';
import { makeSup } from './make-sup.ts';

let folder = '';
let server: RenditionServer;
let mark = '';
/** The film is longer than a short first chunk: times must be right in the second one too. */
const SECONDS = 26;
const CUES = [
  { from: 1, to: 2 },
  { from: 3.5, to: 4.5 },
  { from: 19, to: 20 },
];
const QUICK = { preset: 'ultrafast', storyboard: false, instant: false } as const;

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-decoration-`);
  const time = (at: number) => new Date(at * 1000).toISOString().slice(11, 23).replace('.', ',');
  const srt = CUES.map(({ from, to }, i) => `${i + 1}\n${time(from)} --> ${time(to)}\n████████████\n`).join('\n');
  await writeFile(`${folder}/text.srt`, srt);
  await writeFile(`${folder}/bitmap.sup`, makeSup({ width: 320, height: 180, cues: CUES }));
  const red = sharp({ create: { width: 60, height: 30, channels: 3, background: '#ff0000' } });
  mark = (await red.png().toBuffer()).toString('base64');
  // A frame's number can be read from none of it: grey, BT.709, so that every colour in it is ours.
  const picture = ['-f', 'lavfi', '-i', `color=0x606060:s=320x180:r=25:d=${SECONDS}`];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709'];
  const film = `${folder}/film.mp4`;
  await needTool('ffmpeg', ['-v', 'error', '-y', ...picture, ...encode, film]);
  const mux = async (name: string, from: string, { codec, offset }: { codec: string; offset: string }) =>
    needTool('ffmpeg', [
      ...[
        '-v',
        'error',
        '-y',
        '-copyts',
        '-itsoffset',
        offset,
        '-i',
        film,
        '-itsoffset',
        offset,
        '-i',
        `${folder}/${from}`,
      ],
      ...['-map', '0:v', '-map', '1:s', '-c:v', 'copy', '-c:s', codec, '-metadata:s:s:0', 'language=eng'],
      `${folder}/${name}`,
    ]);
  await mux('text.mkv', 'text.srt', { codec: 'subrip', offset: '0' });
  await mux('late.mkv', 'text.srt', { codec: 'ass', offset: '36000' });
  await mux('bitmap.mkv', 'bitmap.sup', { codec: 'copy', offset: '0' });
  server = await startOnFreshDatabase({ SEGMENT_SECONDS: '2' });
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(file: string, outputs: readonly object[]): Promise<string> {
  const id = await server.submit(`${folder}/${file}`, outputs);
  const report = await server.waitFor(id, 300);
  assert.equal(report.status, 'completed', `${JSON.stringify(report.error)}\n${await server.log(id)}`);
  return id;
}

type Pixel = readonly [red: number, green: number, blue: number];

/** One frame as it is seen. */
async function frameAt(url: string, seconds: number): Promise<(x: number, y: number) => Pixel> {
  const { streams } = await describeMedia(url);
  const { width, height } = streams.find(({ type }) => type === 'video') ?? { width: 0, height: 0 };
  const matrix = 'scale=in_color_matrix=bt709,format=rgb24';
  const { stdout } = await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', url, '-vf', `trim=start=${seconds},${matrix}`],
    ...['-frames:v', '1', '-f', 'rawvideo', '-'],
  ]);
  return (x, y) => {
    const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
    return [stdout[at] ?? 0, stdout[at + 1] ?? 0, stdout[at + 2] ?? 0];
  };
}

const near = (pixel: Pixel, wanted: Pixel, tolerance = 24) =>
  pixel.every((value, i) => Math.abs(value - (wanted[i] ?? 0)) <= tolerance);
const GREY: Pixel = [96, 96, 96];

/** Mean brightness of the band where subtitles stand, for every frame. */
async function bandOf(url: string): Promise<number[]> {
  const { stdout } = await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', url, '-vf', 'crop=iw/3:ih/3:iw/3:ih*2/3,scale=1:1:flags=area,format=gray'],
    ...['-f', 'rawvideo', '-'],
  ]);
  return [...stdout];
}

/** Frames whose band is brighter than the plain picture are exactly those of the cues. */
async function checkCues(url: string, { start = 0, frames = SECONDS * 25, fps = 25 } = {}): Promise<void> {
  const band = await bandOf(url);
  assert.equal(band.length, frames);
  const plain = band.at(-1) ?? 0;
  const seen = band.flatMap((value, frame) => (Math.abs(value - plain) > 4 ? [frame] : []));
  const wanted = band.flatMap((_, frame) => {
    const time = start + frame / fps;
    return CUES.some(({ from, to }) => time >= from - 1e-6 && time < to - 1e-6) ? [frame] : [];
  });
  const wrong = [...seen.filter((one) => !wanted.includes(one)), ...wanted.filter((one) => !seen.includes(one))];
  assert.ok(wanted.length > 20 && wrong.every((frame) => isEdge(frame, wanted)), `${url}: frames ${wrong.join()}`);
}

/** Times of containers are rounded to milliseconds: the first or last frame of a cue may fall on either side. */
const isEdge = (frame: number, wanted: readonly number[]): boolean =>
  wanted.includes(frame) !== wanted.includes(frame - 1) || wanted.includes(frame) !== wanted.includes(frame + 1);

describe('what is drawn into pictures', { concurrency: 1 }, () => {
  test('a watermark lies at its place on every rendition, in its size, colour and opacity', async () => {
    const source = { kind: 'inline', data: mark };
    const id = await run('film.mp4', [
      {
        ...QUICK,
        container: 'hls',
        renditions: ['180p', '90p'],
        duration: 8,
        watermark: { source, position: 'bottom-right', opacity: 0.5, scale: 0.25, margin: 18 },
      },
      { ...QUICK, container: 'mp4', duration: 2, watermark: { source, position: 'top-left', scale: 0.5, margin: 0 } },
      { ...QUICK, container: 'mp4', duration: 2, width: 180, height: 180, fit: 'cover', watermark: { source } },
      { container: 'jpg', start: 1, watermark: { source, position: 'center', scale: 0.5 } },
      { container: 'gif', duration: 1, width: 160, watermark: { source, position: 'center', scale: 0.5 } },
    ]);
    const { variants } = await readMaster(await urlOf(server, id, 0));
    assert.deepEqual(
      variants.map(({ height }) => height),
      [180, 90],
    );
    for (const { url } of variants) {
      const pixel = await frameAt(url, 5);
      // A quarter of the width is 80 × 40 of 320 × 180, 18 pixels from the edges: from (222, 122) to (302, 162).
      const inside: readonly (readonly [number, number])[] = [
        [226, 126],
        [262, 142],
        [298, 158],
      ];
      for (const [x, y] of inside) {
        const seen = pixel(x / 320, y / 180);
        assert.ok(near(seen, [175, 48, 48]), `${url} at ${x},${y}: ${seen}`);
      }
      const outside: readonly (readonly [number, number])[] = [
        [214, 142],
        [310, 142],
        [262, 114],
        [262, 170],
      ];
      for (const [x, y] of outside)
        assert.ok(near(pixel(x / 320, y / 180), GREY), `${url} at ${x},${y}: ${pixel(x / 320, y / 180)}`);
    }
    const corner = await frameAt(await urlOf(server, id, 1), 1);
    assert.ok(near(corner(0.01, 0.02), [255, 0, 0]), String(corner(0.01, 0.02)));
    assert.ok(near(corner(0.48, 0.4), [255, 0, 0]) && near(corner(0.53, 0.4), GREY) && near(corner(0.4, 0.48), GREY));
    // Cropped to a square, it is still inside the picture: 15 % wide, 3 % from the edges, at the top right.
    const square = await frameAt(await urlOf(server, id, 2), 1);
    assert.ok(
      near(square(0.95, 0.05), [255, 0, 0]) && near(square(0.84, 0.08), [255, 0, 0]),
      String(square(0.95, 0.05)),
    );
    for (const index of [3, 4]) {
      const still = await frameAt(await urlOf(server, id, index), 0);
      assert.ok(
        near(still(0.5, 0.5), [255, 0, 0], 40) && near(still(0.1, 0.5), GREY, 40),
        `${index}: ${still(0.5, 0.5)} ${still(0.1, 0.5)}`,
      );
    }
  });

  test('text is burnt in at its time, in the first chunk as in the last', async () => {
    const id = await run('text.mkv', [
      { ...QUICK, container: 'hls', renditions: ['180p', '90p'], subtitles: { burn: 'en' } },
      { ...QUICK, container: 'mp4', height: 90, fps: 30, start: 2, duration: 5, subtitles: { burn: 0 } },
    ]);
    // The film has several chunks.
    await server.log(id, /chunk 1: \$ ffmpeg/);
    const { variants } = await readMaster(await urlOf(server, id, 0));
    for (const { url } of variants) await checkCues(url);
    await checkCues(await urlOf(server, id, 1), { start: 2, frames: 150, fps: 30 });
    const [band] = [await frameAt(variants[0]?.url ?? '', 19.5)];
    assert.ok(near(band(0.5, 0.9), [255, 255, 255], 40), `white at the bottom: ${band(0.5, 0.9)}`);
    assert.ok(near(band(0.5, 0.5), GREY));
    // What is burnt in is not offered a second time.
    assert.ok(
      !(await readFile(await download(variants[0]?.url.replace(/180p.*/, 'master.m3u8') ?? ''), 'utf8')).includes(
        'SUBTITLES',
      ),
    );
  });

  test('a source whose clock begins at ten hours', async () => {
    const id = await run('late.mkv', [{ ...QUICK, container: 'mp4', height: 90, subtitles: { burn: 'eng' } }]);
    await checkCues(await urlOf(server, id, 0));
  });

  test('bitmaps are burnt in at their place and time', async () => {
    const id = await run('bitmap.mkv', [
      { ...QUICK, container: 'hls', renditions: ['180p', '90p'], subtitles: { burn: 0 } },
      { ...QUICK, container: 'mp4', height: 90, start: 3, duration: 4, subtitles: { burn: 'eng' } },
    ]);
    const { variants } = await readMaster(await urlOf(server, id, 0));
    for (const { url } of variants) {
      await checkCues(url);
      const pixel = await frameAt(url, 4);
      assert.ok(near(pixel(0.5, 0.9), [255, 255, 255], 40), `${url}: ${pixel(0.5, 0.9)}`);
      assert.ok(near(pixel(0.5, 0.75), GREY) && near(pixel(0.2, 0.9), GREY));
    }
    await checkCues(await urlOf(server, id, 1), { start: 3, frames: 100 });
  });

  test('what cannot be drawn refuses its output alone', async () => {
    const words = Buffer.from('no picture').toString('base64');
    const id = await server.submit(`${folder}/film.mp4`, [
      { ...QUICK, container: 'mp4', height: 90, duration: 1 },
      { ...QUICK, container: 'mp4', height: 90, duration: 1, subtitles: { burn: 'fr' } },
      { ...QUICK, container: 'mp4', height: 90, duration: 1, watermark: { source: { kind: 'inline', data: words } } },
    ]);
    const { outputs } = await server.waitFor(id, 300);
    const codes = outputs.map(({ status, error }) => [status, error?.code]);
    assert.deepEqual(codes, [
      ['uploaded', undefined],
      ['failed', 'no_subtitles'],
      ['failed', 'not_media'],
    ]);
    assert.match(outputs[2]?.error?.message ?? '', /^outputs\.2\.watermark\.source: /);
  });
});

async function download(url: string): Promise<string> {
  const path = `${folder}/download`;
  await writeFile(path, Buffer.from(await (await fetch(url)).arrayBuffer()));
  return path;
}
