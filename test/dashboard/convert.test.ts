// The page Convert in a real browser against the real server: choose, convert, compare, download; what is refused; cancel, retry, delete.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { findViolations, holds, openBrowser, type View, visit } from '../kit/browser-page.ts';
import { eventually } from '../kit/eventually.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { makeClip, repeatClip } from './make-clip.ts';

const run = promisify(execFile);

let server: RenditionServer;
let browser: Browser;
let folder: string;
const files = { picture: '', song: '', film: '' };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rendition-convert-'));
  // So few that files sent together must wait for each other.
  const settings = { RATE_LIMIT_UPLOADS: '1/second', RATE_LIMIT_BURST: 'off' };
  [server, browser, files.film] = await Promise.all([
    startOnFreshDatabase(settings),
    openBrowser(),
    makeClip(folder, { seconds: 2 }),
  ]);
  files.picture = join(folder, 'picture one.png');
  files.song = join(folder, 'song.wav');
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'mandelbrot=s=400x240', '-frames:v', '1', files.picture]);
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=frequency=220:duration=3,volume=0.3', files.song]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function openConvert(view: View = {}) {
  const seen = await visit(browser, `${server.url}/#/convert`, view);
  return seen;
}
const choose = (page: Page, ...paths: string[]) => page.locator('.convert-drop input[type=file]').setInputFiles(paths);
const row = (page: Page, name: string) => page.locator('[data-operation]', { hasText: name });

test('a picture is converted, compared by keyboard and downloaded; what is missing is said at its field', async () => {
  await using seen = await openConvert();
  const { page } = seen;
  await page.getByRole('heading', { name: 'Nothing converted yet' }).waitFor();
  await choose(page, files.picture);
  assert.ok(await page.getByRole('button', { name: /^Convert$/ }).isDisabled());
  await page.getByRole('button', { name: /^Convert image/ }).click();
  await page.getByRole('button', { name: 'Convert 1 file' }).click();
  await page.getByText('Choose one: it is needed').waitFor();
  await page.getByRole('radio', { name: 'webp' }).check();
  const quality = page.getByRole('slider', { name: 'Quality' });
  assert.equal(await quality.getAttribute('aria-valuetext'), 'Automatic');
  await page.getByRole('spinbutton', { name: 'Quality' }).fill('40');
  assert.equal(await quality.inputValue(), '40');
  await page.getByRole('button', { name: 'Convert 1 file' }).click();
  const done = row(page, 'picture one.webp');
  await done.getByText('Completed').waitFor();
  await done.getByRole('button', { name: 'Compare' }).click();
  const slider = page.getByRole('slider', { name: /^Compare/ });
  await slider.press('Home');
  await slider.press('ArrowRight');
  assert.equal(await slider.getAttribute('aria-valuetext'), '1 % original');
  assert.match((await page.locator('.convert-compare img.before').getAttribute('style')) ?? '', /99%/);
  await holds(page, '[...document.querySelectorAll(".convert-compare img")].every((one) => one.naturalWidth === 400)');
  assert.deepEqual(await done.locator('tbody tr', { hasText: 'Dimensions' }).locator('td').allTextContents(), [
    '400 × 240',
    '400 × 240',
  ]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    done.getByRole('button', { name: 'Download' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'picture one.webp');
  const { format, width, height } = await sharp(await readFile(await download.path())).metadata();
  assert.deepEqual({ format, width, height }, { format: 'webp', width: 400, height: 240 });
  assert.deepEqual(await findViolations(page), []);

  // The session is the browser's: another one sees nothing of it.
  await using other = await openConvert({ width: 390, height: 844, scheme: 'dark', locale: 'de-DE' });
  await other.page.getByRole('heading', { name: 'Noch nichts umgewandelt' }).waitFor();
  await choose(other.page, files.film);
  await other.page.getByRole('button', { name: /^Video schneiden/ }).click();
  await other.page.getByRole('slider', { name: 'Qualität' }).waitFor();
  await holds(other.page, 'document.documentElement.scrollWidth <= 390');
  assert.deepEqual(await findViolations(other.page), []);
  assert.deepEqual([seen.strangers, seen.breaks, other.strangers, other.breaks], [[], [], [], []]);
});

test('what the server refuses stands at the field it names, and the file waits in the form', async () => {
  await using seen = await openConvert();
  const { page } = seen;
  // More than any buffer between holds: the answer comes though nobody wants the rest.
  const large = join(folder, 'large.mp4');
  await copyFile(files.film, large);
  await truncate(large, 48e6);
  await choose(page, large);
  await page.getByRole('button', { name: /^Cut video/ }).click();
  await page.getByRole('button', { name: 'Convert 1 file' }).click();
  const begin = page.getByLabel('Begin', { exact: true });
  await page.getByText('start, end or duration is needed').waitFor();
  assert.equal(await begin.getAttribute('aria-invalid'), 'true');
  await page.getByRole('button', { name: 'Do not convert large.mp4' }).click();
  await choose(page, files.film);
  await page.getByLabel('Length', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Convert 1 file' }).click();
  await row(page, 'clip-320x180-2').getByText('Completed').waitFor();
  await row(page, 'clip-320x180-2').getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('button', { name: 'Play both' }).click();
  await holds(page, '[...document.querySelectorAll(".pair video")].every((one) => one.currentTime > 0.2)');
  assert.deepEqual(seen.breaks, []);
});

test('files sent together wait for the rate limit and go on by themselves; sound is drawn as waves', async () => {
  await using seen = await openConvert();
  const { page } = seen;
  await choose(page, files.song, files.film, files.picture);
  await page.getByRole('button', { name: 'Audio', exact: true }).click();
  await page.getByRole('button', { name: /^Extract audio/ }).click();
  await page.getByText('Not for “Extract audio”').waitFor();
  await page.getByRole('button', { name: 'Convert 2 files' }).click();
  await row(page, 'song.mp3').getByText('Completed').waitFor();
  await row(page, 'clip-320x180-2.mp3').getByText('Completed').waitFor();
  // What is not for this operation is still there.
  await page.getByRole('button', { name: 'Do not convert picture one.png' }).waitFor();
  await row(page, 'song.mp3').getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('img', { name: /^Before: 0:03 long, peak -\d/ }).waitFor();
  await page.getByRole('img', { name: /^After: 0:03 long, peak -\d/ }).waitFor();
  await holds(
    page,
    `[...document.querySelectorAll('canvas.wave')].every((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length > canvas.width;
    })`,
  );
  await page.getByRole('button', { name: 'Play: After' }).click();
  await holds(page, 'document.querySelectorAll(".sound audio")[1].currentTime > 0.1');
  // Both of them at once: downloaded, then deleted.
  await page.getByLabel('Select all that are shown').check();
  const saved: string[] = [];
  page.on('download', (download) => saved.push(download.suggestedFilename()));
  await page.getByRole('button', { name: 'Download 2' }).click();
  await page.locator('.bulk-result').getByText('Download: 2 done.').waitFor();
  await eventually(() => assert.deepEqual(saved.sort(), ['clip-320x180-2.mp3', 'song.mp3']));
  assert.deepEqual(await findViolations(page), []);
  await page.getByLabel('Select all that are shown').check();
  await page.getByRole('button', { name: 'Delete 2' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Nothing converted yet' }).waitFor();
  assert.deepEqual(seen.breaks, []);
});

test('what runs is cancelled and retried; what is deleted comes back by undo, and is gone without', async () => {
  const film = await repeatClip(await makeClip(folder, { seconds: 2, size: '640x360' }), 40);
  await using seen = await openConvert();
  const { page } = seen;
  await choose(page, film);
  await page.getByRole('button', { name: /^Compress video/ }).click();
  await page.getByText('More options').click();
  await page.getByLabel('Thoroughness').selectOption('veryslow');
  await page.getByRole('button', { name: 'Convert 1 file' }).click();
  const one = row(page, 'clip-640x360-2x40');
  await one.getByText('Processing').waitFor();
  await holds(page, 'document.querySelector("[data-operation] progress").value > 0');
  // The page shows what will be before the server has heard of it: what is clicked next waits for its answer.
  const clicked = Promise.withResolvers<void>();
  await page.route('**/cancel/', (route) => clicked.promise.then(() => route.continue()), { times: 1 });
  await one.getByRole('button', { name: 'Cancel' }).click();
  await one.getByText('Canceled').waitFor();
  await one.getByRole('button', { name: 'Try again' }).click();
  clicked.resolve();
  await one.getByText('Processing').waitFor();
  await one.getByRole('button', { name: 'Cancel' }).click();
  await one.getByText('Canceled').waitFor();
  await one.getByRole('button', { name: /^Delete/ }).click();
  await one.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await one.getByText('Canceled').waitFor();
  await one.getByRole('button', { name: /^Delete/ }).click();
  await one.waitFor({ state: 'detached' });
  // Closing its note means it.
  await page.locator('.toast', { hasText: 'deleted' }).getByRole('button', { name: 'Close' }).click();
  await eventually(async () => {
    const { data } = await page.evaluate<{ data: unknown[] }>('fetch("/api/v1/operations/").then((one) => one.json())');
    assert.deepEqual(data, []);
  });
  assert.deepEqual(seen.breaks, []);
});

test('the list is not asked again for what other jobs do: its calls are counted', async () => {
  await using seen = await openConvert();
  const { page } = seen;
  await page.getByRole('heading', { name: 'Nothing converted yet' }).waitFor();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  const answer = await fetch(`${server.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ source: { kind: 'inline', data: 'bm8gZmlsbQ==' }, outputs: [{ container: 'mp4' }] }),
  });
  const { uuid } = (await answer.json()) as { uuid: string };
  await server.waitFor(uuid, 90);
  // The page has heard of it: what anybody may ask for as often as he likes is asked again.
  await eventually(() => assert.ok(asked.includes('/overview')));
  assert.deepEqual(
    asked.filter((path) => path.startsWith('/api/v1/')),
    [],
  );
});
