// The whole road with HLS and MP4 outputs of one film of several chunks; copied and encoded renditions and MPEG-TS segments fall in line.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { readMaster } from '../kit/decode.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { checkFile, checkStream, urlOf } from './check-result.ts';
import { makeFilm, readPackets } from './film.ts';

const WIDTH = 192;
const FPS = { num: 30_000, den: 1001 };
const WANTED = { frames: 779, fps: FPS, sourceWidth: WIDTH };
const ladder = { renditions: [{ height: 108, videoBitrate: '2M' }, { height: 54 }], preset: 'superfast' };

let folder = '';
let server: RenditionServer;
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-joined-`);
  await makeFilm({
    path: `${folder}/film.mp4`,
    width: WIDTH,
    height: 108,
    fps: '30000/1001',
    seconds: 26,
    output: ['-preset', 'superfast', '-bf', '2', '-g', '65'],
  });
  server = await startOnFreshDatabase({ SEGMENT_SECONDS: '2' });
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(...outputs: object[]): Promise<string> {
  const uuid = await server.submit(`${folder}/film.mp4`, outputs);
  await server.waitFor(uuid, 300);
  return uuid;
}

describe('the whole road', { concurrency: 1 }, () => {
  test('encoded: HLS and the MP4 joined from the same chunks', async () => {
    const uuid = await run(
      { container: 'hls', passthrough: 'never', ...ladder },
      { container: 'mp4', height: 54, preset: 'superfast' },
    );
    await checkStream(await urlOf(server, uuid, 0), WANTED);
    await checkFile(await urlOf(server, uuid, 1), WANTED, 96);
    await checkPlaylists(await urlOf(server, uuid, 0));
  });

  test('a standard source: copied and encoded renditions have the same segments', async () => {
    const uuid = await run({ container: 'hls', passthrough: 'auto', ...ladder });
    const url = await urlOf(server, uuid, 0);
    // The top rendition is copied.
    await server.log(uuid, /copy 0: \$ ffmpeg/);
    await checkStream(url, WANTED);
    await checkPlaylists(url);
  });

  test('MPEG-TS segments', async () => {
    const uuid = await run({ container: 'hls', segmentFormat: 'ts', ...ladder });
    const { variants, audio } = await readMaster(await urlOf(server, uuid, 0));
    await checkPlaylists(await urlOf(server, uuid, 0));
    for (const { url } of variants) {
      const packets = await readPackets(url, 'v:0');
      assert.equal(packets.length, WANTED.frames);
      const times = packets.map(({ pts }) => pts).sort((a, b) => a - b);
      // Ticks of 1/90000: a frame is 3003 of them.
      assert.deepEqual(
        times.slice(1).filter((time, i) => time - (times[i] ?? 0) !== 3003),
        [],
        `${url}: gaps`,
      );
      assert.ok(
        packets.every(({ dts }, i) => i === 0 || dts > (packets[i - 1]?.dts ?? 0)),
        `${url}: decode times rise`,
      );
    }
    const sound = await readPackets(audio[0] ?? '', 'a:0');
    assert.deepEqual(
      sound.slice(1).filter(({ seconds }, i) => Math.abs(seconds - (sound[i]?.seconds ?? 0) - 1024 / 48_000) > 0.0001),
      [],
    );
  });
});

type Listed = { readonly seconds: string; readonly url: string };

/** All renditions have segments of the same length, and each begins with a keyframe that shows at the same moment in all of them. */
async function checkPlaylists(master: string): Promise<void> {
  const { variants } = await readMaster(master);
  assert.equal(variants.length, 2);
  const [top = [], low = []] = await Promise.all(variants.map(({ url }) => readSegments(url)));
  assert.ok(top.length >= 10);
  assert.deepEqual(
    low.map(({ seconds }) => seconds),
    top.map(({ seconds }) => seconds),
    'EXTINF',
  );
  const starts = await Promise.all(variants.map(async ({ url }) => segmentStarts(url, top)));
  assert.deepEqual(starts[1], starts[0], 'the moments that segments begin with');
}

async function readSegments(playlist: string): Promise<Listed[]> {
  const text = await (await fetch(playlist)).text();
  assert.match(text, /#EXT-X-ENDLIST/);
  return [...text.matchAll(/#EXTINF:([\d.]+),[^\n]*\n([^#\n]+)/g)].map(([, seconds = '', name = '']) => ({
    seconds,
    url: new URL(name, playlist).href,
  }));
}

/** Microseconds since the first frame of the keyframe at each boundary that the playlist promises. */
async function segmentStarts(playlist: string, segments: readonly Listed[]): Promise<number[]> {
  const packets = await readPackets(playlist, 'v:0');
  const first = Math.min(...packets.map(({ seconds }) => seconds));
  const keys = packets.filter(({ key }) => key).map(({ seconds }) => Math.round((seconds - first) * 1e6));
  let at = 0;
  return segments.map(({ seconds }) => {
    // EXTINF and ffprobe both round to microseconds.
    const start = keys.find((time) => Math.abs(time - at) <= 100);
    assert.ok(start !== undefined, `${playlist}: no keyframe at ${at} µs`);
    at += Math.round(Number(seconds) * 1e6);
    return start;
  });
}
