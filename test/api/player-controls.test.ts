// The controls of the player page in a real Chromium: sounds, captions, the pictures of the timeline, and that all of it fits phones and small embeds.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM } from '../kit/browser.ts';
import { findViolations, holds, openBrowser, type View, type Visit, visit } from '../kit/browser-page.ts';
import { eventually } from '../kit/eventually.ts';
import { openServer, type TestServer } from './open-server.ts';
import { upload, whenReady } from './stream-client.ts';

const isBuilt = existsSync(path.join(import.meta.dirname, '../../dashboard/dist/watch.html'));
const skip = !existsSync(CHROMIUM) ? 'no Chromium here' : !isBuilt && 'the player page is not built';
/** A folder that the pages are kept in as pictures, for those who want to look at them. */
const PICTURES = process.env.PICTURES_DIR;
const SECONDS = 20;
let server: TestServer;
let browser: Browser;
let film: string;
/** All of it encoded. */
let ready: string;

before(async () => {
  if (skip) return;
  server = await openServer({ works: true, settings: { SEGMENT_SECONDS: '2', CHILD_NICENESS: '0' } });
  film = await makeFilm(server.folder);
  ready = await upload(server, film, { qualities: '360p,240p', title: 'Two sounds' });
  await whenReady(server, ready);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** Red, then blue from the middle on; 440 Hz in English, 880 Hz in German, captions of either. Nothing of it can be copied. */
async function makeFilm(folder: string): Promise<string> {
  const texts = ['First caption', 'Erster Untertitel'].map(
    (text) => `1\n00:00:00,000 --> 00:00:${SECONDS},000\n${text}\n`,
  );
  const files = texts.map((_, i) => path.join(folder, `text-${i}.srt`));
  for (const [i, file] of files.entries()) await writeFile(file, texts[i] ?? '');
  const half = (colour: string) => `color=${colour}:s=640x360:r=25:d=${SECONDS / 2}`;
  const sources = [
    `${half('red')}[a];${half('blue')}[b];[a][b]concat`,
    ...[440, 880].map((hertz) => `sine=f=${hertz}:r=48000:d=${SECONDS}`),
  ];
  const inputs = [...sources.map((source) => ['-f', 'lavfi', '-i', source]), ...files.map((file) => ['-i', file])];
  const languages = ['a:0', 'a:1', 's:0', 's:1'].flatMap((stream, i) => [
    `-metadata:s:${stream}`,
    `language=${i % 2 === 0 ? 'eng' : 'ger'}`,
  ]);
  const made = path.join(folder, 'two-sounds.mkv');
  await promisify(execFile)('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', ...inputs.flat()],
    ...[0, 1, 2, 3, 4].flatMap((i) => ['-map', String(i)]),
    ...['-c:v', 'mpeg4', '-c:a', 'libmp3lame', '-c:s', 'srt', ...languages, '-disposition:s:0', '0', made],
  ]);
  return made;
}

type Watched = Visit & { readonly failures: readonly string[] };

async function watch(address: string, view: View = {}): Promise<Watched> {
  const seen = await visit(browser, `${server.base}/${address}`, view);
  const failures: string[] = [];
  seen.page.on('console', (message) => message.type() === 'error' && failures.push(message.text()));
  // The console of a page that was there before one listened is not heard.
  await seen.page.reload();
  return { ...seen, failures, [Symbol.asyncDispose]: () => seen[Symbol.asyncDispose]() };
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
}

const chosen = (className: string) => `document.querySelector('select.${className}').selectedOptions[0]?.text`;

/** What is heard most, in Hz: `heard()` in the page from then on. */
const LISTEN = `(() => {
  const context = new AudioContext();
  const ear = context.createAnalyser();
  ear.fftSize = 8192;
  context.createMediaElementSource(document.querySelector('video')).connect(ear).connect(context.destination);
  const found = new Float32Array(ear.frequencyBinCount);
  globalThis.heard = () => {
    ear.getFloatFrequencyData(found);
    return found.indexOf(Math.max(...found)) * context.sampleRate / ear.fftSize;
  };
})()`;
const hears = (page: Page, hertz: number): Promise<void> => holds(page, `Math.abs(heard() - ${hertz}) < 12`);

test('a sound and captions are chosen by keys, heard and seen, and stay chosen when a better quality comes', {
  skip,
}, async () => {
  const id = await upload(server, film, { qualities: '240p' });
  await using seen = await watch(`watch/${id}`);
  const { page } = seen;
  let loads = 0;
  page.on('request', (request) => request.isNavigationRequest() && loads++);
  await page.click('button.start');
  await holds(page, `document.querySelector('video').currentTime > 0.2`);
  // However long it takes, it goes on.
  await page.evaluate(`document.querySelector('video').loop = true`);
  await page.evaluate(LISTEN);
  await hears(page, 440);
  assert.deepEqual(
    await page.evaluate(`[...document.querySelectorAll('select.audio option')].map(({ text }) => text)`),
    ['English', 'German'],
  );
  await page.focus('select.audio');
  await page.keyboard.press('ArrowDown');
  await hears(page, 880);
  assert.equal(await page.evaluate(chosen('audio')), 'German');

  await page.focus('.player');
  await page.keyboard.press('k');
  await holds(page, `document.querySelector('video').paused`);
  // They are there a little later than the first picture.
  await page.locator('select.captions option').nth(2).waitFor({ state: 'attached' });
  await holds(page, `document.querySelector('.still') === null`);
  const clear = await aboveBar(page);
  await page.keyboard.press('c');
  await holds(
    page,
    `[...document.querySelector('video').textTracks].flatMap(({ mode, activeCues }) => mode === 'showing' ? [...activeCues] : []).map(({ text }) => text).join() === 'First caption'`,
  );
  await holdsHere(async () => !clear.equals(await aboveBar(page)), 'captions are drawn, and not below the bar');
  await picture(page, 'captions-desk-light');
  await page.keyboard.press('c');
  await holdsHere(async () => clear.equals(await aboveBar(page)), 'and gone when they are not wanted');
  await page.selectOption('select.captions', { label: 'German' });

  await whenReady(server, id);
  const more = await server.call('POST', '/transcode/start', { body: { upload_id: id, qualities: ['360p'] } });
  assert.equal(more.status, 202);
  await page.focus('.player');
  await page.keyboard.press('0');
  await page.keyboard.press('k');
  await holds(page, `document.querySelector('video').videoHeight === 360`);
  await hears(page, 880);
  assert.deepEqual(await Promise.all(['audio', 'captions'].map((name) => page.evaluate(chosen(name)))), [
    'German',
    'German',
  ]);
  await holds(
    page,
    `[...document.querySelectorAll('track')].flatMap(({ track }) => track.mode === 'showing' ? [...track.activeCues] : [])[0]?.text === 'Erster Untertitel'`,
  );
  // While it is prepared there is nothing yet, and that is said.
  assert.deepEqual([seen.failures.filter((text) => !/404/.test(text)), seen.breaks, loads], [[], [], 0]);
});

/** The middle of the picture without the bar, as PNG. */
const aboveBar = async (page: Page): Promise<Buffer> => {
  const box = await page.locator('.row').boundingBox();
  assert.ok(box);
  return page.screenshot({ clip: { x: box.x, y: box.y - 200, width: box.width, height: 170 } });
};

const holdsHere = (condition: () => Promise<boolean>, what: string): Promise<void> =>
  eventually(async () => assert.ok(await condition(), what));

/** Controls that are seen, but smaller than a finger or not wholly in the picture. */
const MISSES = `(() => {
  const frame = document.querySelector('.player').getBoundingClientRect();
  return [...document.querySelectorAll('.bar :is(button, select, input)')].filter((one) => one.checkVisibility()).flatMap((one) => {
    one.scrollIntoView({ block: 'nearest' });
    const { left, right, top, bottom, width, height } = one.getBoundingClientRect();
    const isInside = left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom;
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const isReached = one.contains(hit);
    return isInside && isReached && width >= 40 && height >= 40 ? [] : [one.className + ' ' + [left, top, width, height].map(Math.round)];
  });
})()`;

test('on phones and in small embeds every control is in the picture, large enough, and reached', {
  skip,
}, async () => {
  const sizes = [
    ['watch', { width: 320, height: 568, scheme: 'dark' }],
    ['watch', { width: 375, height: 667 }],
    ['watch', { width: 414, height: 896, scheme: 'dark' }],
    ['embed', { width: 300, height: 169 }],
  ] as const;
  for (const [kind, view] of sizes) {
    const name = `${kind}-${view.width}`;
    await using seen = await watch(`${kind}/${ready}`, view);
    const { page } = seen;
    await page.click('button.start');
    await holds(page, `document.querySelector('video').currentTime > 0.2`);
    await page.keyboard.press('k');
    // As long as a time gets.
    await page.evaluate(`document.querySelector('.time').textContent = '1:02:03 / 1:30:00'`);
    assert.deepEqual(await page.evaluate(MISSES), [], name);
    await picture(page, name);
    await page.click('button.settings');
    // What the panel lies on is behind it.
    const covered = (await page.evaluate<string[]>(MISSES)).filter((miss) => !miss.startsWith('seek '));
    assert.deepEqual(covered, [], `${name}, settings`);
    assert.deepEqual(await findViolations(page), [], name);
    await picture(page, `${name}-settings`);
    assert.deepEqual(
      await page.evaluate(
        `[...document.querySelectorAll('.choices > *')].filter((one) => one.checkVisibility()).map((one) => one.querySelector('.name').textContent)`,
      ),
      ['Audio', 'Captions', 'Speed', 'Quality', 'Picture in picture'],
    );
    await page.selectOption('select.quality', { label: '240p' });
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.choices').isVisible(), false, name);
    assert.equal(await page.evaluate('document.activeElement.className'), 'settings');
    await page.keyboard.press('Enter');
    await page.click('button.pip');
    await holds(page, `document.pictureInPictureElement !== null`);
    await page.focus('.player');
    await page.keyboard.press('p');
    await holds(page, `document.pictureInPictureElement === null`);
    await page.click('button.full');
    await holds(page, `document.fullscreenElement?.className.startsWith('player')`);
    await page.keyboard.press('f');
    await holds(page, `document.fullscreenElement === null`);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, name);
    assert.deepEqual([seen.failures, seen.breaks, seen.strangers], [[], [], []], name);
  }
});

test('the first time that the pointer rests on the timeline it shows the picture of that place', { skip }, async () => {
  await using seen = await watch(`watch/${ready}`, { scheme: 'dark' });
  const { page } = seen;
  await holds(page, `document.querySelector('video').readyState >= 2`);
  const seek = await page.locator('input.seek').boundingBox();
  assert.ok(seek);
  await page.mouse.move(seek.x + seek.width * 0.75, seek.y + seek.height / 2);
  await page.locator('.preview div').waitFor();
  const box = await page.locator('.preview div').boundingBox();
  assert.ok(box);
  assert.ok(Math.abs(box.x + box.width / 2 - (seek.x + seek.width * 0.75)) < 2, 'above the pointer');
  const clip = { x: box.x + 20, y: box.y + 20, width: 40, height: 40 };
  await holdsHere(async () => {
    const [red = 255, , blue = 0] = await colourOf(await page.screenshot({ clip }));
    return blue > 180 && red < 80;
  }, 'the second half of the film is blue');
  await picture(page, 'preview-desk-dark');
  assert.deepEqual([seen.failures, seen.breaks], [[], []]);
});

/** Mean red, green and blue. */
async function colourOf(png: Buffer): Promise<number[]> {
  const shrink = ['-vf', 'scale=1:1:flags=area', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  const child = spawn('ffmpeg', ['-v', 'error', '-i', '-', ...shrink], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(png);
  const [[bytes]] = await Promise.all([once(child.stdout, 'data'), once(child, 'close')]);
  return [...(bytes as Buffer)];
}

test('after a place or a quality was chosen with the pointer the keys are the player’s', { skip }, async () => {
  await using seen = await watch(`watch/${ready}`);
  const { page } = seen;
  await page.click('button.start');
  await holds(page, `document.querySelector('video').currentTime > 0.2`);
  await page.keyboard.press('k');
  await page.click('input.seek', { position: { x: 600, y: 10 } });
  const place = await page.evaluate<number>(`document.querySelector('video').currentTime`);
  await page.keyboard.press('ArrowLeft');
  const back = await page.evaluate<number>(`document.querySelector('video').currentTime`);
  assert.ok(Math.abs(place - 5 - back) < 0.2, `from ${place} to ${back}`);
  await page.click('select.quality');
  await page.keyboard.press('Escape');
  await page.selectOption('select.quality', { label: '240p' });
  await page.keyboard.press('K');
  await holds(page, `!document.querySelector('video').paused`);
});

/** What the controls are called, in their order; sounds and captions by the texts of their menus. */
const NAMES = `({
  lang: document.documentElement.lang,
  bar: [...document.querySelectorAll('.bar :is(button, select, input)')].map((one) => one.title || one.getAttribute('aria-label')),
  menus: [...document.querySelectorAll('select.audio, select.captions')].map(({ options }) => [...options].map(({ text }) => text)),
})`;
const GERMAN = {
  lang: 'de',
  bar: [
    ...['Stelle im Video', 'Abspielen (k)', 'Stumm (m)', 'Lautstärke', 'Einstellungen', 'Ton', 'Untertitel (c)'],
    ...['Tempo', 'Qualität', 'Bild im Bild (p)', 'Vollbild (f)'],
  ],
  menus: [
    ['Englisch', 'Deutsch'],
    ['Keine Untertitel', 'Englisch', 'Deutsch'],
  ],
};
const ENGLISH = {
  lang: 'en',
  bar: [
    ...['Place in the video', 'Play (k)', 'Mute (m)', 'Volume', 'Settings', 'Audio', 'Captions (c)'],
    ...['Speed', 'Quality', 'Picture in picture (p)', 'Full screen (f)'],
  ],
  menus: [
    ['English', 'German'],
    ['No captions', 'English', 'German'],
  ],
};

test('the player speaks the language that its address names, else the first that the browser wants of those it has', {
  skip,
}, async () => {
  const seen = async (address: string, locale: string) => {
    await using visited = await watch(address, { locale });
    const { page } = visited;
    await page.locator('select.captions option').nth(2).waitFor({ state: 'attached' });
    const names = await page.evaluate(NAMES);
    return names;
  };
  assert.deepEqual(await seen(`watch/${ready}`, 'de-AT'), GERMAN);
  assert.deepEqual(await seen(`embed/${ready}?lang=de`, 'en-GB'), GERMAN);
  assert.deepEqual(await seen(`watch/${ready}?lang=en-US`, 'de-DE'), ENGLISH);
  assert.deepEqual(await seen(`watch/${ready}?lang=constructor`, 'ja'), ENGLISH);
});

test('the dashboard plays the sound that is chosen, by its name in the reader’s language', { skip }, async () => {
  await using seen = await watch(`#/videos/${ready}`, { locale: 'de-DE' });
  const { page } = seen;
  const menu = page.getByLabel('Tonspur');
  await menu.waitFor();
  assert.deepEqual(await menu.locator('option').allTextContents(), ['Englisch', 'Deutsch']);
  await page.evaluate(`document.querySelector('video').loop = true`);
  await page.getByRole('button', { name: 'Abspielen' }).click();
  await page.evaluate(LISTEN);
  await hears(page, 440);
  await menu.selectOption({ label: 'Deutsch' });
  await hears(page, 880);
  assert.deepEqual([seen.failures, seen.breaks], [[], []]);
});

test('a film of a tenth of a second with sound plays to its end', { skip }, async () => {
  const file = path.join(server.folder, 'blink.mp4');
  const inputs = ['color=red:s=320x240:r=25:d=0.12', 'sine=r=48000:d=0.12'].flatMap((one) => [
    '-f',
    'lavfi',
    '-i',
    one,
  ]);
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...inputs, ...codecs, file]);
  const id = await upload(server, file);
  await whenReady(server, id);
  for (const address of [`watch/${id}`, `#/videos/${id}`]) {
    await using seen = await watch(address);
    await holds(seen.page, `document.querySelector('video')?.readyState >= 2`);
    await seen.page.evaluate(`void document.querySelector('video').play()`);
    await holds(seen.page, `document.querySelector('video').ended`);
  }
});
