import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../kit/browser.ts';
import { eventually } from '../kit/eventually.ts';
import { isRunning, openLive } from './open-live.ts';

test('the page of a channel plays it, and begins by itself when the channel does', {
  skip: !existsSync(CHROMIUM) && 'chromium is not installed',
}, async () => {
  await using server = await openLive();
  const { job } = await server.create({ name: 'Watched', hls_window_seconds: 12 });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => void errors.push(error.message));
    await page.goto(`${server.base}/live/watched`);
    await page.getByText('not on air yet').waitFor();
    await server.order(job, 'start');
    await server.reach(job, isRunning);
    const time = () => page.evaluate(`document.querySelector('video').currentTime`) as Promise<number>;
    await eventually(async () => assert.ok((await time()) > 1), { within: 40_000, every: 250 });
    assert.equal(await page.evaluate(`document.querySelector('video').videoWidth`), 320);
    assert.equal(await page.title(), 'Watched');
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
});
