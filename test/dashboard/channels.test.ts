// The channel pages in a real browser against the real server: start, watch, figures, log, stop; the editor with its mistakes and secrets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { findViolations, holds, openBrowser, visit } from '../kit/browser-page.ts';
import { eventually } from '../kit/eventually.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';

const PASSPHRASE = 'only-the-server-knows';

let server: RenditionServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([
    startOnFreshDatabase({ EGRESS_ALLOW: '127.0.0.0/8', LIVE_CPU_PERCENT: '0' }),
    openBrowser(),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a test channel is started with one click, watched, its figures drawn, its log searched, and stopped', async () => {
  await using seen = await visit(browser, `${server.url}/#/channels`);
  const { page } = seen;
  await page.getByRole('button', { name: 'Start a test channel' }).click();
  await page.getByRole('heading', { level: 1, name: 'Test picture' }).waitFor();
  const state = (text: string) => page.locator('.page-head .badge', { hasText: text }).waitFor();
  await state('On air');
  await page.getByRole('button', { name: 'Play' }).click();
  await holds(
    page,
    'document.querySelector("video")?.videoHeight === 360 && document.querySelector("video").currentTime > 0.3',
  );
  await page.getByRole('img', { name: /^Frames per second: \d/ }).waitFor();
  await holds(page, 'document.querySelectorAll(".uplot canvas").length === 4');
  await page.getByLabel('Search the log').fill('libx264');
  await page.locator('.log mark').first().waitFor();
  await page.getByRole('list', { name: 'History' }).getByText('On air').waitFor();
  assert.deepEqual(await findViolations(page), []);

  // Whoever comes later sees what was before: the server keeps the figures.
  const id = page.url().split('/').at(-1) ?? '';
  const channel = (await (await fetch(`${server.url}/api/channels/${id}/`)).json()) as { readonly job: number };
  await eventually(async () => {
    const answer = await fetch(`${server.url}/api/job/${channel.job}/figures`);
    const { samples } = (await answer.json()) as { readonly samples: readonly { readonly fps: number | null }[] };
    assert.ok(samples.some(({ fps }) => fps !== null && fps > 0));
  });

  // The machine says that it runs it, and how busy that keeps it.
  await page.getByRole('link', { name: 'Machines', exact: true }).first().click();
  await page.locator('.on-air').getByRole('link', { name: 'Test picture' }).waitFor();
  await page.getByRole('img', { name: /^Processor: \d+ %/ }).waitFor();
  await page.getByRole('link', { name: 'Channels', exact: true }).first().click();
  const card = page.locator('[data-channel]');
  await holds(page, 'document.querySelector("[data-channel] img")?.naturalWidth > 0');
  await card.getByText(/\d+ fps/).waitFor();
  assert.deepEqual(await findViolations(page), []);
  await page.getByLabel('Search channels').fill('nowhere');
  await page.getByText('No channel is like this.').waitFor();
  await page.getByLabel('Search channels').fill('');
  // As an operator of many: selected, asked, told.
  await card.hover();
  await page.getByLabel('Select Test picture').check();
  await page.getByRole('button', { name: 'Stop 1' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stop: 1 done.').waitFor();
  await card.getByText('Stopped').waitFor();
  await card.getByRole('button', { name: 'Start Test picture' }).waitFor();
  await card.getByRole('link', { name: 'Test picture' }).click();
  await page.getByText('Start the channel to watch it.').waitFor();
  await page.getByRole('list', { name: 'History' }).getByText('Stopped').waitFor();
  assert.deepEqual([seen.strangers, seen.breaks], [[], []]);
});

test('the editor says what is wrong at its field, orders profiles, and shows no secret again', async () => {
  await using seen = await visit(browser, `${server.url}/#/channels/new`, { width: 390, height: 844, scheme: 'dark' });
  const { page } = seen;
  await page.getByRole('button', { name: 'Create channel' }).click();
  await page.getByRole('alert').getByText('to be corrected').waitFor();
  const name = page.getByLabel('Name *');
  assert.equal(await name.getAttribute('aria-invalid'), 'true');
  await name.fill('News 24 (HD)');
  await page.getByLabel('Type of input').selectOption('srt');
  await page.getByRole('button', { name: 'Several qualities' }).click();
  await page.getByRole('button', { name: 'Remove profile 3' }).click();
  await page.getByRole('button', { name: 'Profile 2: one up' }).click();
  await page.getByLabel('Video bit rate (kb/s)').nth(1).fill('1');
  await page.getByRole('button', { name: 'Create channel' }).click();
  const alert = page.getByRole('alert');
  await alert.getByRole('button', { name: 'Profile 1, Video bit rate' }).click();
  await page.locator('.profile [data-field=video_bitrate][aria-invalid=true]:focus').fill('1400');
  await page.getByRole('button', { name: 'Create channel' }).click();
  await alert.getByRole('button', { name: 'Address' }).waitFor();
  await page.getByLabel('Address', { exact: true }).fill(`srt://127.0.0.1:9?passphrase=${PASSPHRASE}`);
  await holds(page, 'document.documentElement.scrollWidth <= 390');
  assert.deepEqual(await findViolations(page), []);
  await page.getByRole('button', { name: 'Create channel' }).click();
  await page.getByRole('heading', { level: 1, name: 'News 24 (HD)', exact: true }).waitFor();

  // Nobody calls there: what FFmpeg says of it names the address, and not its passphrase.
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.locator('.page-head .badge', { hasText: 'Retrying' }).waitFor();
  await page.getByRole('alert').getByText('The channel has trouble').waitFor();
  assert.ok(!(await page.content()).includes(PASSPHRASE), 'the page shows the passphrase');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();

  await page.getByRole('link', { name: 'Edit' }).click();
  assert.equal(await page.getByLabel('Address', { exact: true }).inputValue(), 'srt://127.0.0.1:9?passphrase=***');
  await page.getByText('What is shown as *** stays').waitFor();
  assert.deepEqual(
    await page
      .locator('.profile')
      .evaluateAll((all) =>
        all.map(
          (one) =>
            (one as { id: string } & { querySelector(s: string): { textContent: string } }).querySelector('strong')
              .textContent,
        ),
      ),
    ['480p', '720p'],
  );
  await page.getByLabel('Window (s)').fill('30');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByRole('heading', { level: 1, name: 'News 24 (HD)', exact: true }).waitFor();
  const channels = (await (await fetch(`${server.url}/api/channels/`)).json()) as Record<string, unknown>[];
  const saved = channels.find((one) => one.name === 'News 24 (HD)');
  assert.deepEqual(
    [
      saved?.hls_window_seconds,
      saved?.is_abr,
      ((saved?.abr ?? []) as { video_bitrate: number }[]).map((one) => one.video_bitrate),
    ],
    [30, true, [1400, 3500]],
  );

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'News 24 (HD)' }).waitFor();
  await holds(page, 'document.documentElement.scrollWidth <= 390');
  assert.deepEqual(await findViolations(page), []);
  assert.deepEqual([seen.strangers, seen.breaks], [[], []]);
});
