// Ten thousand jobs, a thousand videos, forty machines: lists stay short in the page and quick to use.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import type { Browser } from 'playwright-core';
import { outputSpec } from '#domain/output.ts';
import { openServer, type TestServer } from '../api/open-server.ts';
import { findViolations, holds, openBrowser, visit } from '../kit/browser-page.ts';
import { eventually } from '../kit/eventually.ts';

const JOBS = 10_000;
const VIDEOS = 1000;
const MACHINES = 40;
let server: TestServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([openServer(), openBrowser()]);
  const { db } = server.platform.database;
  await sql`insert into job (uuid, project_id, api, status, source, priority, metadata, progress, created_at, started_at, completed_at)
    select gen_random_uuid(), 'default', 'jobs', case when n % 10 = 0 then 'failed' else 'completed' end,
      jsonb_build_object('kind', 'https', 'url', 'https://media.example.com/film-' || n || '.mp4', 'headers', '{}'::jsonb, 'method', 'PUT'),
      50, '{}'::jsonb, 100, now() - n * interval '1 minute', now() - n * interval '1 minute', now()
    from generate_series(1, ${JOBS}) as n`.execute(db);
  await sql`insert into output (project_id, job_id, index, spec, status, progress)
    select 'default', id, 0, ${JSON.stringify(outputSpec({ container: 'mp4' }))}::jsonb, 'uploaded', 100 from job`.execute(
    db,
  );
  await sql`insert into video (id, project_id, title, filename)
    select gen_random_uuid(), 'default', 'Video ' || n, 'video-' || n || '.mp4' from generate_series(1, ${VIDEOS}) as n`.execute(
    db,
  );
  await sql`insert into machine_load (hostname, at, cores, memory_total, cpu, memory_used, received, sent)
    select 'node-' || lpad(machine::text, 2, '0'), to_timestamp(floor(extract(epoch from now()) / 5) * 5) - n * interval '5 seconds',
      8, 16000000000, 50 + 40 * sin(n / 40.0 + machine), 8000000000, 1000000 * (n % 7), 500000
    from generate_series(1, ${MACHINES}) as machine, generate_series(0, 719) as n`.execute(db);
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

test(`${JOBS} jobs are scrolled to the last and filtered, with a few dozen rows in the page`, async (context) => {
  await using seen = await visit(browser, `${server.base}/#/jobs`);
  const { page } = seen;
  await page.locator('.jobs .job').first().waitFor();
  const paint = await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0]?.startTime');
  context.diagnostic(`first contentful paint ${Math.round(Number(paint))} ms`);
  const started = performance.now();
  await holds(
    page,
    `(() => {
      const box = document.querySelector('.window');
      window.mostRows = Math.max(window.mostRows ?? 0, document.querySelectorAll('.job').length);
      box.scrollTop = box.scrollHeight;
      return [...document.querySelectorAll('.job .name')].some((row) => row.textContent === 'film-1.mp4');
    })()`,
  );
  context.diagnostic(`scrolled through ${JOBS} jobs in ${Math.round(performance.now() - started)} ms`);
  const rows = Number(await page.evaluate('window.mostRows'));
  assert.ok(rows < 80, `${rows} rows at once`);
  assert.match((await page.locator('p[role=status]').textContent()) ?? '', /10,000 jobs/);
  // Two more push two off the newest page; they are not lost between it and the older ones.
  for (let i = 0; i < 2; i++)
    await server.call('POST', '/jobs', {
      body: { source: { kind: 'inline', data: 'bm8gZmlsbQ==' }, outputs: [{ container: 'mp4' }] },
    });
  await page.getByText('10,002 jobs', { exact: true }).waitFor();
  // They do not move what is being looked at, and say that they are there.
  const topOf = () => page.evaluate('document.querySelector(".window").scrollTop');
  const isAt = (name: string) => page.locator('.jobs .job .name', { hasText: name }).waitFor();
  await page.evaluate('document.querySelector(".window").scrollTop = 48_000');
  await isAt('film-9000.mp4');
  const row = page.locator('.jobs .job', { hasText: 'film-9000.mp4' });
  const place = (await row.boundingBox())?.y;
  await server.call('POST', '/jobs', {
    body: { source: { kind: 'inline', data: 'bm8gZmlsbQ==' }, outputs: [{ container: 'mp4' }] },
  });
  await page.getByRole('button', { name: /new jobs?$/ }).waitFor();
  await page.getByText('10,003 jobs', { exact: true }).waitFor();
  assert.equal((await row.boundingBox())?.y, place, 'it moved away');
  // Coming back from one of them, the list is where it was.
  const before = await topOf();
  await row.click();
  await page.getByRole('link', { name: 'Jobs' }).first().waitFor();
  await page.getByRole('heading', { level: 1, name: /film-9000/ }).waitFor();
  await page.goBack();
  await isAt('film-9000.mp4');
  await eventually(async () => assert.equal(await topOf(), before));
  await page.evaluate('document.querySelector(".window").scrollTop = 0');
  await page.locator('.jobs .job', { hasText: '#10003' }).waitFor();
  const delay = await page.evaluate(
    `new Promise((resolve) => {
      const begin = performance.now();
      [...document.querySelectorAll('.segments button')].find((one) => one.textContent === 'Failed').click();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin)));
    })`,
  );
  context.diagnostic(`interaction delay of a filter over them ${Math.round(Number(delay))} ms`);
  await page.locator('.jobs .job .badge.bad').first().waitFor();
  await page.getByLabel('Search jobs').fill('film-4210.');
  await holds(page, 'document.querySelectorAll(".jobs .job").length === 1');
  assert.match((await page.locator('.jobs .job').textContent()) ?? '', /film-4210\.mp4.*Failed/);
  assert.deepEqual(seen.breaks, []);
});

test('what failed is tried again together; what was not is named, and stays selected', async () => {
  const { db } = server.platform.database;
  await using seen = await visit(browser, `${server.base}/#/jobs?status=failed&search=film-99`);
  const { page } = seen;
  // 990, and 9900 to 9990.
  await page.getByLabel('Select all that are shown').check();
  await page.locator('strong', { hasText: '11 selected' }).waitFor();
  // Meanwhile somebody else had one of them done.
  await sql`update job set status = 'completed' where source->>'url' like '%/film-9950.mp4'`.execute(db);
  await page.getByRole('button', { name: 'Retry 11' }).click();
  const result = page.locator('.bulk-result');
  await result.getByText('Retry: 10 done, 1 not.').waitFor();
  const missed = await sql<{ id: number }>`select id from job where source->>'url' like '%/film-9950.mp4'`.execute(db);
  await result.getByRole('link', { name: `#${missed.rows[0]?.id}`, exact: true }).waitFor();
  assert.equal(await result.evaluate('document.activeElement.className'), 'notice bulk-result bad');
  const queued = await sql`select 1 from job where source->>'url' like '%/film-99%' and status = 'queued'`.execute(db);
  assert.equal(queued.rows.length, 10);
  assert.deepEqual(await findViolations(page), []);
  // By keyboard and with the shift key: a run of rows.
  await page.goto(`${server.base}/#/jobs?status=failed`);
  const boxes = page.locator('.jobs .job input[type=checkbox]');
  await boxes.nth(1).press(' ');
  await boxes.nth(4).click({ modifiers: ['Shift'] });
  await page.locator('strong', { hasText: '4 selected' }).waitFor();
  // More than the page has: all that fit, asked of the server.
  await page.getByLabel('Select all that are shown').click();
  await page.getByLabel('Select all that are shown').click();
  await page.getByRole('button', { name: 'Select all that fit' }).click();
  await page.locator('strong', { hasText: '989 selected' }).waitFor();
  await page.getByRole('button', { name: 'Delete 989' }).click();
  await page.getByRole('dialog').getByText('This cannot be taken back.').waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  assert.deepEqual(seen.breaks, []);
});

test(`${VIDEOS} videos are paged and searched`, async () => {
  await using seen = await visit(browser, `${server.base}/#/videos?sort=title`);
  const { page } = seen;
  await page.getByText('Page 1 of 21').waitFor();
  assert.equal(await page.locator('.video-card').count(), 48);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Page 2 of 21').waitFor();
  await page.getByLabel('Search videos').fill('Video 777');
  await holds(page, 'document.querySelectorAll(".video-card").length === 1');
  assert.deepEqual(seen.breaks, []);
});

test(`the load of ${MACHINES} machines is drawn for those that are looked at`, async (context) => {
  await using seen = await visit(browser, `${server.base}/#/machines`);
  const { page } = seen;
  const begun = performance.now();
  await page.getByRole('heading', { level: 2, name: 'node-40' }).waitFor({ state: 'attached' });
  await holds(page, 'document.querySelectorAll(".uplot canvas").length >= 3');
  context.diagnostic(`first lines drawn after ${Math.round(performance.now() - begun)} ms`);
  await page
    .getByRole('img', { name: /^Processor: \d+ %/ })
    .first()
    .waitFor();
  await page
    .getByRole('img', { name: /^Network: in .*, out 500 kB\/s/ })
    .first()
    .waitFor();
  const drawn = Number(await page.evaluate('document.querySelectorAll(".uplot canvas").length'));
  assert.ok(drawn < 60, `${drawn} of ${MACHINES * 3} plots are drawn at once`);
  await page.getByRole('heading', { level: 2, name: 'node-40' }).scrollIntoViewIfNeeded();
  await holds(
    page,
    '[...document.querySelectorAll("section.card")].at(-1)?.querySelectorAll(".uplot canvas").length === 3',
  );
  const { interval, machines } = (await server.call('GET', '/system/load')).body as {
    interval: number;
    machines: { samples: unknown[] }[];
  };
  const samples = machines.reduce((sum, one) => sum + one.samples.length, 0);
  assert.ok(interval === 20 && samples <= 7240, `${samples} samples of ${interval} s in one answer`);
  assert.deepEqual(seen.breaks, []);
});
