// The page of a channel in a real browser: off air, on air, back in the window and to now again, stopped and started; light and dark, large and small.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../kit/browser.ts';
import { findViolations, holds, openBrowser, visit } from '../kit/browser-page.ts';
import { isRunning, openLive } from './open-live.ts';

const isBuilt = existsSync(path.join(import.meta.dirname, '../../dashboard/dist/watch.html'));
const skip = !existsSync(CHROMIUM) ? 'chromium is not installed' : !isBuilt && 'the player page is not built';
/** A folder that the pages are kept in as pictures, for those who want to look at them. */
const PICTURES = process.env.PICTURES_DIR;

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
}

const ON = `!document.querySelector('.player').classList.contains('off-air')`;
const time = (page: Page): Promise<number> => page.evaluate(`document.querySelector('video').currentTime`);

test('the page of a channel begins by itself, goes back and to now again, and recovers when the channel does', {
  skip,
}, async () => {
  await using server = await openLive();
  const { job, slug } = await server.create({
    ...{ name: 'Watched <live>', hls_window_seconds: 60, thumbnail_seconds: 1, is_abr: true },
    abr: [{ resolution: '320x180' }, { resolution: '160x90', video_bitrate: 100 }],
  });
  const browser = await openBrowser();
  try {
    const url = `${server.base}/live/${slug}`;
    await using seen = await visit(browser, url);
    const { page } = seen;
    await page.getByText('Not on air').waitFor();
    assert.equal(await page.title(), 'Watched <live> (not on air)');
    assert.deepEqual(await findViolations(page), []);
    await picture(page, 'off-air-desk-light');

    await server.order(job, 'start');
    await server.reach(job, isRunning);
    await holds(page, `${ON} && document.querySelector('video').currentTime > 0.5`);
    assert.equal(await page.title(), 'Watched <live>');
    const place = await time(page);
    await holds(page, `document.querySelector('video').currentTime > ${place + 1}`);
    await holds(page, `/^Live, \\d+ s behind$/.test(document.querySelector('button.live').title)`);
    await page.mouse.move(300, 300);
    assert.deepEqual(await findViolations(page), []);
    await picture(page, 'on-air-desk-light');

    await page.selectOption('select.quality', { label: '90p' });
    await holds(page, `document.querySelector('video').videoHeight === 90`);
    // Back to the window's beginning, and to now again.
    await holds(
      page,
      `document.querySelector('video').seekable.end(0) - document.querySelector('video').seekable.start(0) > 10`,
    );
    await page.keyboard.press('0');
    await holds(page, `/^−0:\\d\\d$/.test(document.querySelector('.time').textContent)`);
    await holds(page, `document.querySelector('button.live').title === 'Go to live (End)'`);
    const back = await time(page);
    await holds(page, `document.querySelector('video').currentTime > ${back + 0.5}`);
    await picture(page, 'behind-desk-light');
    await page.click('button.live');
    await holds(page, `document.querySelector('video').currentTime > ${back + 4}`);
    await holds(page, `document.querySelector('.time').textContent === ''`);
    await page.keyboard.press('k');
    await holds(page, `document.querySelector('video').paused`);
    await page.keyboard.press('End');
    await holds(page, `!document.querySelector('video').paused`);

    for (const [name, view] of [
      ['desk-dark', { scheme: 'dark' }],
      ['phone-light', { width: 390, height: 800 }],
      ['phone-dark', { width: 390, height: 800, scheme: 'dark' }],
    ] as const) {
      await using other = await visit(browser, url, view);
      await holds(other.page, `document.querySelector('video').currentTime > 0.3`);
      await other.page.mouse.move(100, 100);
      assert.deepEqual(await findViolations(other.page), [], name);
      assert.equal(await other.page.evaluate(`document.documentElement.scrollWidth <= innerWidth`), true, name);
      await picture(other.page, `on-air-${name}`);
    }
    // In the page of another site it waits to be asked.
    await using embed = await visit(browser, `${url}/embed`, { width: 640, height: 360 });
    await embed.page.locator('button.start').waitFor();
    assert.equal(await embed.page.evaluate(`document.querySelector('video').paused`), true);
    await picture(embed.page, 'embed');
    await embed.page.click('button.start');
    await holds(embed.page, `document.querySelector('video').currentTime > 0.3`);

    await server.order(job, 'stop');
    await server.reach(job, ({ status }) => status === 'stopped');
    await holds(page, `!(${ON})`);
    assert.deepEqual(await findViolations(page), []);
    await page.setViewportSize({ width: 390, height: 800 });
    await picture(page, 'stopped-phone-light');
    await server.order(job, 'start');
    await holds(
      page,
      `${ON} && document.querySelector('video').currentTime > 0 && !document.querySelector('video').paused`,
    );
    assert.deepEqual([seen.strangers, seen.breaks, embed.breaks], [[], [], []]);
  } finally {
    await browser.close();
  }
});

test('a channel tells other sites how to show it', { skip: !isBuilt && 'the player page is not built' }, async () => {
  await using server = await openLive();
  const { slug, ...made } = await server.create({ name: 'News & "more"', thumbnail_seconds: 10 });
  const { embed_url: embedUrl } = made as unknown as { embed_url: string };
  const place = `${server.base}/live/${slug}`;
  const page = await server.call('GET', `/live/${slug}`);
  assert.equal(page.status, 200);
  assert.match(page.text, /<title>News &#38; &#34;more&#34;<\/title>/);
  for (const [property, content] of [
    ['og:image', `${place}/thumbnail.jpg`],
    ['og:video', embedUrl],
    ['og:url', place],
  ])
    assert.ok(page.text.includes(`<meta property="${property}" content="${content}">`), property);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none';.*frame-ancestors 'none'/);
  const embed = await server.call('GET', `/live/${slug}/embed`);
  assert.match(embed.headers.get('content-security-policy') ?? '', /frame-ancestors \*/);
  const href = /json\+oembed" href="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&#38;', '&') ?? '';
  const about = await server.call('GET', `${href.slice(server.base.length)}&maxwidth=640`);
  const { type, title, width, height, html, thumbnail_url } = about.body as Record<string, unknown>;
  assert.deepEqual([type, title, width, height], ['video', 'News & "more"', 640, 360]);
  assert.equal(thumbnail_url, `${place}/thumbnail.jpg`);
  assert.ok(String(html).includes(`<iframe src="${place}/embed"`), String(html));
  assert.equal((await server.call('GET', `/oembed?url=${encodeURIComponent(`${server.base}/live/none`)}`)).status, 404);
});
