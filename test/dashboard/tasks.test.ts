// What people come for, done in a real browser against the real server: upload and watch, submit and cancel, keys.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { bigFilm } from '../api/upload-client.ts';
import { findViolations, holds, openBrowser, visit } from '../kit/browser-page.ts';
import { eventually } from '../kit/eventually.ts';
import { freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startOnFreshDatabase, startRendition } from '../kit/rendition-server.ts';
import { freePort } from '../kit/server-process.ts';
import { writeSlowFfmpeg } from '../road/processes.ts';
import { makeClip } from './make-clip.ts';

const run = promisify(execFile);
const QUICK = { ENCODE_PRESET: 'ultrafast', CHILD_NICENESS: '0' };

let server: RenditionServer;
let browser: Browser;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rendition-tasks-'));
  // One chunk at a time, however many cores there are.
  const settings = {
    ...{ WORKER_CONCURRENCY: '1', SEGMENT_SECONDS: '2', VIDEO_QUALITY_PRESETS: '360p,240p' },
    ...QUICK,
    // Seconds of a film a second: what is watched while it is made is made for a while.
    FFMPEG_PATH: await writeSlowFfmpeg(folder, 8),
  };
  [server, browser] = await Promise.all([startOnFreshDatabase(settings), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The video of the page shows more than its first picture. It is stopped then: drawing what nobody looks at costs what is tested next. */
async function plays(page: Page): Promise<void> {
  await holds(page, 'document.querySelector("video")?.currentTime > 0.3');
  await page.evaluate('document.querySelector("video").pause()');
}

const queue = (act: 'pause' | 'resume') => fetch(`${server.url}/queue/${act}`, { method: 'POST' });

test('a film is dropped, watched while it is made, and becomes ready; it is edited and deleted', async () => {
  const film = await makeClip(folder, { seconds: 30, size: '640x360' });
  await using seen = await visit(browser, `${server.url}/#/videos`);
  const { page } = seen;
  await page.getByRole('heading', { level: 2, name: 'No videos yet' }).waitFor();
  await page.locator('input[type=file]').setInputFiles(film);
  const list = page.getByRole('list', { name: 'Uploads' });
  await list.getByText('Uploaded').waitFor();
  await list.getByRole('link').click();
  await page.getByRole('heading', { level: 1, name: 'clip-640x360-30' }).waitFor();
  const id = page.url().split('/').at(-1) ?? '';
  const call = async (path: string) => (await fetch(server.url + path)).json();
  type Making = { qualities: Record<string, { segments_ready: number; segments_total: number }> };
  // With its first segments there, no further chunk is begun: however fast the machine is, most of it is yet to be made.
  await eventually(
    async () => {
      const { qualities } = (await call(`/transcode/status/${id}`)) as Making;
      assert.ok(Object.values(qualities).some((one) => one.segments_ready > 0));
    },
    { every: 20 },
  );
  await queue('pause');
  try {
    await page.getByRole('button', { name: 'Play' }).click();
    await plays(page);
    assert.equal(((await call(`/videos/${id}`)) as { status: string }).status, 'processing');
    const { qualities } = (await call(`/transcode/status/${id}`)) as Making;
    const lacks = Object.values(qualities).filter((one) => one.segments_ready < one.segments_total);
    assert.ok(lacks.length > 0, `nothing is left to encode: ${JSON.stringify(qualities)}`);
    assert.match((await page.locator('.quality').allTextContents()).join(' '), /\d of 15 segments/);
  } finally {
    await queue('resume');
  }
  const status = page.locator('.page-head .badge');
  await page.locator('.page-head .badge', { hasText: 'Ready' }).waitFor();
  assert.equal(await status.textContent(), 'Ready');
  await page.getByRole('heading', { level: 2, name: 'What was found in the source' }).waitFor();
  assert.deepEqual(await findViolations(page), []);
  const qualities = await page.getByLabel('Quality').locator('option').allTextContents();
  assert.ok(qualities.length >= 3, `a choice of qualities: ${qualities.join(', ')}`);

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Title').fill('Holiday <b>film</b>');
  await page.getByLabel('Tags').fill('sea, summer');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: 'Holiday <b>film</b>' }).waitFor();
  await page.getByRole('link', { name: 'Videos', exact: true }).first().click();
  await page.getByLabel('Search videos').fill('holiday');
  // The pointer over its card looks through the film.
  const card = page.getByRole('list', { name: 'Videos' }).getByRole('link');
  const box = (await card.locator('.pic').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const partUnder = async (share: number) => {
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    await card.locator('.hover image').waitFor({ state: 'attached' });
    return card.locator('.hover').getAttribute('viewBox');
  };
  assert.notEqual(await partUnder(0.1), await partUnder(0.9));
  await card.click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('heading', { level: 2, name: /No videos yet|Nothing fits/ }).waitFor();
  // What is seen is ahead of what is done.
  await eventually(async () => {
    const left = (await (await fetch(`${server.url}/videos`)).json()) as { total: number };
    assert.equal(left.total, 0);
  });
  assert.deepEqual([seen.strangers, seen.breaks], [[], []]);
});

test('an upload that a reload broke goes on where it was, with the same file chosen again', async () => {
  const film = join(folder, 'large.mp4');
  await writeFile(film, await bigFilm(folder, 4e6));
  await using seen = await visit(browser, `${server.url}/#/videos`);
  const { page, context } = seen;
  page.on('dialog', (dialog) => void dialog.accept());
  const line = await context.newCDPSession(page);
  const limit = (uploadThroughput: number) =>
    line.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    });
  await line.send('Network.enable');
  await limit(300_000);
  const offsets: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  await page.locator('input[type=file]').setInputFiles(film);
  await holds(page, 'Number(document.querySelector("ul progress")?.value) > 5');
  const list = page.getByRole('list', { name: 'Uploads' });
  await list.getByRole('button', { name: 'Pause large.mp4' }).click();
  await list.getByRole('button', { name: 'Resume large.mp4' }).click();
  await list.getByRole('button', { name: 'Pause large.mp4' }).waitFor();
  await holds(page, 'Number(document.querySelector("ul progress")?.value) > 15');
  await page.reload();
  await page.getByText(/large\.mp4 stopped at \d+ %/).waitFor();
  await limit(-1);
  await page.locator('input[type=file]').setInputFiles(film);
  await page.getByRole('list', { name: 'Uploads' }).getByText('Uploaded').waitFor();
  assert.equal(offsets[0], 0);
  assert.ok((offsets.at(-1) ?? 0) > 0, `went on from ${offsets.at(-1)}`);
  assert.equal(await page.getByText('stopped at').count(), 0);
});

test('a job is submitted by form, watched, its log read; one that fails is retried', async () => {
  await using seen = await visit(browser, `${server.url}/#/jobs/new`);
  const { page } = seen;
  const clip = await makeClip(folder, { seconds: 4 });
  await page.locator('input[type=file]').setInputFiles(clip);
  await page.getByLabel('container').selectOption('hls');
  await page.getByLabel('height').fill('120');
  // What the page says runs as it is, where the file lies.
  const line = (await page.locator('figure.code pre').textContent()) ?? '';
  assert.match(line, /curl -X POST .*clip-320x180-4\.mp4/s);
  const { stdout } = await run('sh', ['-c', line], { cwd: folder });
  const made = JSON.parse(stdout) as { uuid: string; status: string };
  assert.equal(made.status, 'queued', stdout);
  type Asked = { outputs: { spec: { container: string; height: number } }[] };
  const asked = (await (await fetch(`${server.url}/jobs/${made.uuid}`)).json()) as Asked;
  assert.deepEqual([asked.outputs[0]?.spec.container, asked.outputs[0]?.spec.height], ['hls', 120]);
  await page.getByRole('button', { name: 'Submit job' }).click();
  await page.getByRole('heading', { level: 1, name: 'clip-320x180-4.mp4' }).waitFor();
  await page.locator('.page-head .badge', { hasText: 'Completed' }).waitFor();
  assert.ok((await page.locator('.chunk.done').count()) >= 2, 'the chunk map shows what was done');
  await page.getByRole('button', { name: 'Play' }).click();
  await plays(page);
  await page.getByRole('button', { name: 'Log', exact: true }).click();
  await page.getByLabel('Search the log').fill('libx264');
  await page.locator('.log mark').first().waitFor();
  await page.getByLabel('Search the log').fill('');
  // Who scrolls back reads in peace, who comes to the end follows again.
  const follows = page.getByLabel('Follow');
  await holds(page, 'document.querySelector(".log").scrollHeight > document.querySelector(".log").clientHeight + 100');
  assert.equal(await follows.isChecked(), true);
  await page.evaluate('document.querySelector(".log").scrollTop = 0');
  await page.locator('.check', { has: page.locator('input:not(:checked)') }).waitFor();
  await page.evaluate('document.querySelector(".log").scrollTop = 1e6');
  await page.locator('.check', { has: page.locator('input:checked') }).waitFor();
  await page.getByRole('button', { name: 'Request', exact: true }).click();
  assert.match((await page.locator('figure.code').textContent()) ?? '', /"height": 120/);

  const answer = await fetch(`${server.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      source: { kind: 'inline', data: 'bm8gZmlsbQ==' },
      outputs: [{ container: 'mp4' }],
      // Nobody may be told anything there: the address is private.
      notificationUrl: 'http://127.0.0.1:9/told',
    }),
  });
  const { uuid } = (await answer.json()) as { uuid: string };
  await page.goto(`${server.url}/#/jobs/${uuid}`);
  await page.getByRole('alert').getByText('plain text').waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText(/Job \d+ starts again/).waitFor();
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  await page.getByRole('button', { name: 'Attempts', exact: true }).click();
  const tries = page.getByRole('row', { name: /Fetch and plan/ });
  await tries.nth(1).waitFor();
  assert.deepEqual(
    [await tries.count(), await tries.nth(0).locator('td').nth(1).textContent()],
    [2, '2'],
    'both tries, the newest first',
  );
  await page.getByRole('button', { name: 'Webhooks', exact: true }).click();
  const told = page.getByRole('row', { name: /job\.failed/ }).first();
  await told.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Sent again').waitFor();
  await page.getByRole('button', { name: 'Attempts', exact: true }).click();
  await tries.nth(1).waitFor();
  for (const one of await tries.all()) assert.match((await one.textContent()) ?? '', /plain text.*Failed.*\d s/);
  assert.deepEqual(await findViolations(page), []);
  assert.deepEqual([seen.strangers, seen.breaks], [[], []]);
});

test('a running job is paused, resumed, canceled; a deleted one comes back by undo', async () => {
  await fetch(`${server.url}/queue/pause`, { method: 'POST' });
  const id = await server.submit(await makeClip(folder, { seconds: 4 }), [{ container: 'mp4' }]);
  await using seen = await visit(browser, `${server.url}/#/jobs/${id}`);
  const { page } = seen;
  const head = page.locator('.page-head .badge');
  const is = (text: string) => head.filter({ hasText: text }).waitFor();
  await is('Queued');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText(/Job \d+ paused/).waitFor();
  await is('Paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText(/Job \d+ goes on/).waitFor();
  await is('Queued');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText(/Job \d+ canceled/).waitFor();
  await is('Canceled');
  assert.equal((await server.job(id)).status, 'canceled');

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator(`a[href="#/jobs/${id}"]`).waitFor();
  assert.equal((await server.job(id)).status, 'canceled', 'it is still there');

  await page.goto(`${server.url}/#/machines`);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  await eventually(async () => {
    const queue = (await (await fetch(`${server.url}/queue`)).json()) as { state: string };
    assert.equal(queue.state, 'running');
  });

  await page.goto(`${server.url}/#/settings?tab=storage`);
  const jobs = page.getByRole('row', { name: /Finished jobs.*7 days.*RETENTION_HOURS/ });
  await jobs.waitFor();
  const counted = async () =>
    ((await (await fetch(`${server.url}/admin/storage`)).json()) as { usage: { countedAt: string | null } }).usage
      .countedAt;
  const before = await counted();
  await page.getByRole('button', { name: 'Sweep now' }).click();
  await page.getByRole('dialog').getByText('Nothing is due.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Sweep', exact: true }).click();
  await page.getByText('A worker sweeps', { exact: true }).waitFor();
  await page.locator('button:enabled', { hasText: 'Sweep now' }).waitFor();
  assert.notEqual(await counted(), before);
  assert.deepEqual(await findViolations(page), []);
});

test('signing in, a key made, used and revoked; what streams needs it too', async () => {
  const ADMIN_KEY = 'the-first-admin-key';
  await using locked = await startOnFreshDatabase({ ...QUICK, AUTH: 'on', ADMIN_KEY });
  await using seen = await visit(browser, `${locked.url}/`);
  const { page } = seen;
  await page.getByLabel('API key').waitFor();
  assert.deepEqual(await findViolations(page), []);
  await page.getByLabel('API key').fill('not-a-key-at-all');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This key is not known here').waitFor();
  await page.getByLabel('API key').fill(ADMIN_KEY);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();

  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const form = new FormData();
  form.append('spec', JSON.stringify({ outputs: [{ container: 'hls', renditions: ['120p'] }] }));
  const clip = await makeClip(folder, { seconds: 4 });
  form.append('file', await openAsBlob(clip), 'clip.mp4');
  const sent = await fetch(`${locked.url}/jobs`, { method: 'POST', body: form, headers });
  const { uuid } = (await sent.json()) as { uuid: string };
  await page.goto(`${locked.url}/#/jobs/${uuid}`);
  await page.locator('.page-head .badge', { hasText: 'Completed' }).waitFor();
  await page.getByRole('button', { name: 'Play' }).click();
  await plays(page);

  await page.goto(`${locked.url}/#/videos`);
  await page.locator('input[type=file]').setInputFiles(clip);
  const uploads = page.getByRole('list', { name: 'Uploads' });
  await uploads.getByText('Uploaded').waitFor();
  await uploads.getByRole('link').click();
  await page.locator('.page-head .badge', { hasText: 'Ready' }).waitFor();
  await page.getByRole('button', { name: 'Play' }).click();
  await plays(page);
  assert.match((await page.locator('figure.code').first().textContent()) ?? '', /\/watch\/\S+token=/);

  await page.goto(`${locked.url}/#/settings?tab=keys`);
  await page.getByRole('button', { name: 'Create key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('shop');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  const key = ((await dialog.locator('pre').textContent()) ?? '').trim();
  assert.match(key, /^rk_/);
  const status = async () =>
    (await fetch(`${locked.url}/jobs`, { headers: { authorization: `Bearer ${key}` } })).status;
  assert.equal(await status(), 200);
  await dialog.getByRole('button', { name: 'Done' }).click();
  // Somebody works with it when it is revoked.
  await using other = await visit(browser, `${locked.url}/#/jobs?status=failed`);
  await other.page.getByLabel('API key').fill(key);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByText('Nothing fits').waitFor();
  // Reading goes on behind the form.
  await holds(other.page, 'document.activeElement.id === "main"');
  await page.getByRole('row', { name: /shop/ }).getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: /shop/ }).getByText('revoked').waitFor();
  await eventually(async () => assert.equal(await status(), 401));
  // The stream it has open ends, and its page says so without being touched.
  await other.page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();

  await page.goto(`${locked.url}/#/settings`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  assert.deepEqual([seen.strangers, seen.breaks], [[], []]);
});

test('a server that goes away and comes back: the page says so, and goes on by itself', async () => {
  await using stack = new AsyncDisposableStack();
  const { url, drop } = await freshDatabase();
  stack.defer(drop);
  const dataDir = await mkdtemp(join(folder, 'restarted-'));
  const settings = { PORT: String(await freePort()), DATABASE_URL: url };
  const first = stack.use(await startRendition({ dataDir, settings }));
  await using seen = await visit(browser, `${first.url}/#/jobs`);
  const { page } = seen;
  await page.getByRole('heading', { level: 2, name: 'No jobs yet' }).waitFor();
  await first.stop();
  await page.getByText('Connection lost. Trying again…').waitFor();
  // A page that was never looked at is not here yet, and comes when the server does.
  await page.locator('.side').getByRole('link', { name: 'Machines' }).click();
  await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
  const second = stack.use(await startRendition({ dataDir, settings }));
  await page.getByRole('heading', { level: 1, name: 'Machines' }).waitFor();
  await page.locator('.side').getByRole('link', { name: 'Jobs' }).click();
  await page.getByText('Connection lost. Trying again…').waitFor({ state: 'detached' });
  await page.getByRole('heading', { level: 2, name: 'No jobs yet' }).waitFor();
  // What happens from now on is heard of, without anybody asking for it.
  const id = await second.submit(await makeClip(folder, { seconds: 2 }), [{ container: 'mp3' }]);
  await page.locator(`a[href="#/jobs/${id}"]`).filter({ hasText: 'Completed' }).waitFor();
  assert.deepEqual(seen.breaks, []);
});
