// Streams in a real browser: a player that is there from the first second, and gets better without being loaded again.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, startPlayer } from '../kit/browser.ts';
import { openBrowser } from '../kit/browser-page.ts';
import { checkGrowth, checkStream, readMaster } from '../kit/check-playlists.ts';
import { describeMedia, readFrames } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { openServer, type TestServer } from './open-server.ts';
import { otherFilm, standardFilm, upload, whenReady } from './stream-client.ts';

const skip = existsSync(CHROMIUM) ? false : 'no Chromium here';
const isBuilt = existsSync(path.join(import.meta.dirname, '../../dashboard/dist/watch.html'));
let server: TestServer;
let browser: Browser;

before(async () => {
  if (skip) return;
  server = await openServer({ works: true, settings: { SEGMENT_SECONDS: '2', CHILD_NICENESS: '0' } });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

type Seen = { readonly time: number; readonly height: number; readonly duration: number; readonly paused: boolean };
/** As text: nothing of this file exists in the page. */
const look = (page: Page): Promise<Seen> =>
  page.evaluate<Seen>(
    `(({ currentTime, videoHeight, duration, paused }) => ({ time: currentTime, height: videoHeight, duration, paused }))(document.querySelector('video'))`,
  );

const when = (page: Page, what: string, holds: (seen: Seen) => boolean): Promise<Seen> =>
  eventually(async () => {
    const seen = await look(page);
    assert.ok(holds(seen), `${what} does not come: ${JSON.stringify(seen)}`);
    return seen;
  });

test('a player that is there from the first second sees a growing film get better, and plays it to its end', {
  skip: skip || (isBuilt ? false : 'the player page is not built'),
}, async () => {
  const film = await otherFilm(server.folder, 9);
  const id = await upload(server, film, { qualities: '360p,240p', title: 'Growing' });
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(String(error)));
  page.on(
    'console',
    (message) => message.type() === 'error' && !/404/.test(message.text()) && failures.push(message.text()),
  );
  let loads = 0;
  page.on('request', (request) => request.isNavigationRequest() && loads++);
  await page.goto(`${server.base}/watch/${id}`);
  await page.click('button.play');
  const first = await (await fetch(`${server.base}/stream/${id}/master.m3u8`)).text();
  // Whatever exists yet, the player knows of both: it asks for the master only once.
  assert.deepEqual(
    readMaster(first)
      .variants.map(({ uri }) => uri)
      .sort(),
    ['240p/playlist.m3u8', '360p/playlist.m3u8'],
  );
  const growing = await (await fetch(`${server.base}/stream/${id}/240p/playlist.m3u8`)).text();
  await when(page, 'playing', ({ time }) => time > 0.5);
  await whenReady(server, id);
  assert.deepEqual(
    checkGrowth(growing, await (await fetch(`${server.base}/stream/${id}/240p/playlist.m3u8`)).text()),
    [],
  );
  await when(page, 'the better quality', ({ height }) => height === 360);
  const end = await when(page, 'the end', ({ time, duration }) => time > duration - 0.3);
  assert.ok(Math.abs(end.duration - 9) < 0.2, `${end.duration} s`);
  assert.deepEqual([failures, loads], [[], 1]);
  await page.close();
});

test('a standard film plays from its original at once; keys, quality and speed work on the page', {
  skip: skip || (isBuilt ? false : 'the player page is not built'),
}, async () => {
  const film = await standardFilm(server.folder, 12);
  const id = await upload(server, film, { qualities: '360p,240p' });
  const page = await browser.newPage({ viewport: { width: 390, height: 700 } });
  page.setDefaultTimeout(0);
  await page.goto(`${server.base}/embed/${id}`);
  await page.click('button.start');
  const { duration } = await when(page, 'playing', ({ time }) => time > 0.3);
  assert.ok(Math.abs(duration - 12) < 0.2, `${duration} s: all of it is there`);
  await page.keyboard.press('5');
  await when(page, 'seeking', ({ time }) => time > 6.2);
  await page.keyboard.press('>');
  assert.equal(await page.evaluate(`document.querySelector('video').playbackRate`), 1.25);
  await page.keyboard.press('k');
  await when(page, 'the pause', ({ paused }) => paused);
  await whenReady(server, id);
  // What came meanwhile is taken up where nobody notices.
  await page.locator('select.quality option').nth(2).waitFor({ state: 'attached' });
  await page.click('button.settings');
  await page.selectOption('select.quality', { label: '240p' });
  await page.keyboard.press('Escape');
  await page.keyboard.press('k');
  await when(page, 'the other quality', ({ height, time }) => height === 240 && time > 6.2);
  await page.close();
});

test('hls.js plays, seeks and switches: CMAF, MPEG-TS, encrypted with a signed address', { skip }, async () => {
  const film = await standardFilm(server.folder, 12);
  const id = await upload(server, film, { qualities: '360p,240p', encryption: 'aes-128', playback_policy: 'signed' });
  await whenReady(server, id);
  const signed = await server.call('POST', `/videos/${id}/playback_url`, { body: {} });
  const { master_url: url } = signed.body as { master_url: string };
  await using player = await startPlayer();
  for (const address of [url, url.replace('/master.m3u8', '/ts/master.m3u8')]) {
    const seen = await player.play({ url: address, aspect: 16 / 9, hasAudio: true, duration: 12 });
    assert.deepEqual(seen.misses, [], address.replace(/token=.*/, ''));
    assert.equal(seen.levels, 2);
  }
});

test('qualities asked for later play through the same master, and show the same frames at the same times', {
  skip,
}, async () => {
  const film = await standardFilm(server.folder, 12, { size: '848x480' });
  const id = await upload(server, film, { qualities: '480p' });
  await whenReady(server, id);
  const body = { upload_id: id, qualities: ['360p', '240p'] };
  assert.equal((await server.call('POST', '/transcode/start', { body })).status, 202);
  await eventually(() => server.call('GET', `/videos/${id}`), {
    until: ({ body: video }) => (video as { status: string }).status === 'ready',
  });
  const url = `${server.base}/stream/${id}/master.m3u8`;
  assert.deepEqual(await checkStream(url), []);
  await using player = await startPlayer();
  const seen = await player.play({ url, aspect: 848 / 480, hasAudio: true, duration: 12 });
  assert.deepEqual([seen.misses, seen.levels], [[], 3]);
  const decoded = await Promise.all(
    ['480p', '360p', '240p'].map(async (quality) => {
      const place = `${server.base}/stream/${id}/${quality}/playlist.m3u8`;
      const { streams } = await describeMedia(place);
      const stream = streams.find(({ type }) => type === 'video');
      assert.ok(stream);
      const frames = await readFrames(place, stream);
      return { height: stream.height, times: frames.map(({ time }) => time.toFixed(2)) };
    }),
  );
  assert.deepEqual(
    decoded.map(({ height }) => height),
    [480, 360, 240],
  );
  const [first] = decoded;
  assert.equal(first?.times.length, 300);
  for (const { times } of decoded) assert.deepEqual(times, first?.times);
});
