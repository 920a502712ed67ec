// Every page, light and dark, on a phone and on a desk: what axe finds, what it asks of whom, whether anything sticks out.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { findViolations, holds, openBrowser, visit } from '../kit/browser-page.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { makeClip } from './make-clip.ts';

let server: RenditionServer;
let browser: Browser;
let folder: string;
let job: string;
let broken: string;
let video: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rendition-pages-'));
  [server, browser] = await Promise.all([startOnFreshDatabase(), openBrowser()]);
  const clip = await makeClip(folder, { seconds: 4 });
  job = await server.submit(clip, [{ container: 'hls', renditions: ['180p'] }]);
  video = await uploadAs(
    'Ein Name, der länger ist als jede Karte, auf der er stehen soll, und noch etwas (final).mp4',
    clip,
  );
  const refused = await fetch(`${server.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      source: { kind: 'inline', data: 'bm8gZmlsbQ==' },
      outputs: [{ container: 'mp4' }],
      notificationUrl: `https://receiver.invalid/${'hook'.repeat(20)}`,
    }),
  });
  broken = ((await refused.json()) as { uuid: string }).uuid;
  await Promise.all([server.waitFor(job, 90), server.waitFor(broken, 90)]);
  await fetch(`${server.url}/admin/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'site', scopes: ['read'] }),
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function uploadAs(name: string, path: string): Promise<string> {
  const bytes = await readFile(path);
  const answer = await fetch(`${server.url}/upload/tus/`, {
    method: 'POST',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': String(bytes.length),
      'Upload-Metadata': `filename ${Buffer.from(name).toString('base64')}`,
      'Content-Type': 'application/offset+octet-stream',
    },
    body: bytes,
  });
  assert.equal(answer.status, 201);
  return answer.headers.get('location')?.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

const places = (): string[] => [
  '/',
  '/videos',
  `/videos/${video}`,
  '/jobs',
  `/jobs/${job}`,
  `/jobs/${broken}`,
  `/jobs/${broken}?tab=deliveries`,
  `/jobs/${job}?tab=log`,
  '/jobs/new',
  '/convert',
  '/channels',
  '/channels/new',
  '/machines',
  '/settings',
  '/settings?tab=keys',
  '/settings?tab=webhooks',
  '/settings?tab=storage',
  '/settings?tab=configuration',
  '/nowhere',
];

test('nobody is shut out: every page, light and dark, on a desk and on a phone', async () => {
  await using seen = await visit(browser, `${server.url}/`);
  const { page } = seen;
  const misses: string[] = [];
  for (const place of places()) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.goto(`${server.url}/#${place}`);
    await page.locator('main h1').first().waitFor();
    // What is still being loaded is judged when it is there.
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
    const judge = async (look: string, rules: 'all' | 'colours') => {
      const found = await findViolations(page, rules);
      misses.push(...found.map((text) => `${place}, ${look}: ${text}`));
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth'))
        misses.push(`${place}, ${look}: wider than the screen`);
    };
    await judge('light, wide', 'all');
    await page.emulateMedia({ colorScheme: 'dark' });
    await judge('dark, wide', 'colours');
    await page.setViewportSize({ width: 390, height: 844 });
    await judge('dark, phone', 'all');
    await page.emulateMedia({ colorScheme: 'light' });
    await judge('light, phone', 'colours');
  }
  assert.deepEqual(misses, []);
  assert.deepEqual(seen.strangers, [], 'asks no other host');
  assert.deepEqual(seen.breaks, []);
});

test('German from the browser, changed and kept; dark by choice, kept', async () => {
  await using seen = await visit(browser, `${server.url}/`, { locale: 'de-DE' });
  const { page } = seen;
  await page.getByRole('heading', { level: 1, name: 'Übersicht' }).waitFor();
  assert.equal(await page.evaluate('document.documentElement.lang'), 'de');
  await page.goto(`${server.url}/#/settings`);
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  const look = await page.evaluate(
    '[document.documentElement.lang, document.documentElement.dataset.theme, getComputedStyle(document.documentElement).colorScheme]',
  );
  assert.deepEqual(look, ['en', 'dark', 'dark']);
});

test('written from right to left, nothing sticks out and the navigation is on the other side', async () => {
  await using seen = await visit(browser, `${server.url}/`);
  const { page } = seen;
  for (const place of ['/', '/jobs', `/jobs/${job}`, '/machines', '/convert', '/settings?tab=storage']) {
    await page.goto(`${server.url}/#${place}`);
    await page.locator('main h1').first().waitFor();
    await page.evaluate("document.documentElement.dir = 'rtl'");
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 844 });
      const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      assert.equal(wide, false, `${place} at ${width} pixels is wider than the screen`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    const side = (await page.locator('.side').boundingBox())?.x ?? 0;
    assert.ok(side > 1000, 'the navigation is at the right');
  }
  // Figures keep their order: nobody reads 180×320 of a picture that is 320×180.
  await page.goto(`${server.url}/#/jobs/${job}`);
  await page.getByRole('row', { name: '180p' }).getByText('\u2066320×180\u2069').waitFor();
});

test('on a wall of pixels it is as large as it is read from afar, and fills it', async () => {
  await using seen = await visit(browser, `${server.url}/`, { width: 3840, height: 2160 });
  const { page } = seen;
  for (const place of ['/', '/videos', '/jobs', `/jobs/${job}`, '/machines', '/settings?tab=storage']) {
    await page.goto(`${server.url}/#${place}`);
    await page.locator('main h1').first().waitFor();
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
    const [letters, width, sticksOut] = (await page.evaluate(
      '[parseFloat(getComputedStyle(document.documentElement).fontSize), document.querySelector(".page").clientWidth, document.documentElement.scrollWidth > innerWidth]',
    )) as [number, number, boolean];
    assert.ok(letters >= 20, `${place}: letters of ${letters} pixels`);
    assert.ok(width > 0.6 * 3840, `${place}: ${width} of 3840 pixels are used`);
    assert.equal(sticksOut, false, place);
  }
});

test('by keyboard alone: skip to the content, palette, shortcuts, help', async () => {
  await using seen = await visit(browser, `${server.url}/`);
  const { page } = seen;
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('mach');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Machines' }).waitFor();
  // A new page has the focus.
  await holds(page, 'document.activeElement.id === "main"');
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
  await page.keyboard.press('/');
  await holds(page, 'document.activeElement.type === "search"');
  await page.keyboard.press('Escape');
  await page.evaluate('document.activeElement.blur()');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor();
  assert.deepEqual(await findViolations(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // Letters alone do nothing where they are turned off.
  await page.goto(`${server.url}/#/settings`);
  await page.getByRole('group', { name: 'Shortcuts' }).getByRole('button', { name: 'Off' }).click();
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  assert.match(page.url(), /#\/settings$/);
});

test('what this server does not serve is not led to, by key, link or address', async () => {
  await using small = await startOnFreshDatabase({ APIS: 'jobs' });
  await using seen = await visit(browser, `${small.url}/`);
  const { page } = seen;
  const missed: string[] = [];
  page.on('response', (response) => {
    if (response.status() === 404) missed.push(response.url());
  });
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  await page.locator('.side nav').getByRole('link', { name: 'Channels' }).waitFor({ state: 'detached' });
  assert.deepEqual(
    await page.locator('.side nav a').allTextContents(),
    ['Home', 'Jobs', 'Machines', 'Settings'],
    'the navigation',
  );
  assert.equal(await page.locator('main').getByRole('link', { name: 'Upload video' }).count(), 0);
  for (const letter of ['l', 'v', 'c']) {
    await page.keyboard.press('g');
    await page.keyboard.press(letter);
  }
  assert.match(page.url(), /#?\/?$/, 'still at home');
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Shortcuts' });
  await help.getByText('New job').waitFor();
  assert.equal(await help.getByText('Channels').count(), 0);
  await page.keyboard.press('Escape');
  await page.goto(`${small.url}/#/channels/new`);
  await page.getByRole('heading', { level: 1, name: 'Not served here' }).waitFor();
  await page.keyboard.press('n');
  await page.getByRole('heading', { level: 1, name: 'New job' }).waitFor();
  assert.deepEqual([missed, seen.breaks], [[], []]);
});

test('the palette offers only what this server serves and this key may do', async () => {
  await using seen = await visit(browser, `${server.url}/`);
  const { page } = seen;
  const isOffered = async (name: string, isThere: boolean) => {
    const option = page.getByRole('option', { name: new RegExp(`^${name}`) });
    await option.waitFor({ state: isThere ? 'visible' : 'detached' });
  };
  const cases = [
    [{}, true, true],
    [{ apis: ['jobs'] }, true, false],
    [{ scopes: ['read'] }, false, false],
  ] as const;
  for (const [change, job, channel] of cases) {
    await page.unrouteAll();
    await page.route('**/session', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...((await response.json()) as object), ...change } });
    });
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
    await page.keyboard.press('Control+k');
    await isOffered('Home', true);
    await isOffered('New job', job);
    await isOffered('New channel', channel);
  }
});
