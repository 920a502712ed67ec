// Pictures of the dashboard for README and docs, taken from a real server at real work: `node scripts/take-screenshots.ts FILM`. Chromium and FFmpeg are needed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { holds, openBrowser, visit } from '../test/kit/browser-page.ts';
import { type RenditionServer, startRendition } from '../test/kit/rendition-server.ts';

const DOCS = join(resolve(import.meta.dirname, '..'), 'docs');
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** Milliseconds that figures and pictures may take to come. */
const SETTLE = 2500;
const GAP = 24;

const film = process.argv[2];
if (!film) throw new Error('node scripts/take-screenshots.ts FILM');
await using server = await startRendition();
const browser = await openBrowser();
try {
  const { hero, video, job, channel } = await prepare(server, browser, film);
  await writeFile(join(DOCS, 'dashboard.png'), await sharp(hero).png({ palette: true, quality: 90 }).toBuffer());
  const places = [
    '/',
    '/videos',
    video,
    '/jobs',
    job,
    `${job}?tab=attempts`,
    '/jobs/new',
    '/convert',
    channel,
    '/machines',
    '/settings?tab=keys',
    '/settings?tab=storage',
  ];
  await mkdir(join(DOCS, 'dashboard'), { recursive: true });
  for (const scheme of ['light', 'dark'] as const) {
    const wide = await shoot(places, { scheme, ...WIDE });
    await writeSheet(`wide-${scheme}`, wide, { columns: 2, width: 800 });
    const phone = await shoot(places, { scheme, ...PHONE });
    await writeSheet(`phone-${scheme}`, phone, { columns: 5, width: 312 });
  }
} finally {
  await browser.close();
}

type Look = { readonly scheme: 'light' | 'dark'; readonly width: number; readonly height: number };

async function shoot(places: readonly string[], look: Look): Promise<Buffer[]> {
  await using seen = await visit(browser, server.url, look);
  const pictures: Buffer[] = [];
  for (const place of places) {
    await seen.page.goto(`${server.url}/#${place}`);
    await sleep(SETTLE);
    pictures.push(await seen.page.screenshot());
  }
  return pictures;
}

/** All of one look on one sheet. */
async function writeSheet(
  name: string,
  pictures: readonly Buffer[],
  { columns, width }: { readonly columns: number; readonly width: number },
): Promise<void> {
  const small = await Promise.all(pictures.map((picture) => sharp(picture).resize({ width }).png().toBuffer()));
  const { height = 0 } = await sharp(small[0]).metadata();
  const rows = Math.ceil(small.length / columns);
  const sheet = sharp({
    create: {
      width: columns * (width + GAP) + GAP,
      height: rows * (height + GAP) + GAP,
      channels: 3,
      background: name.endsWith('dark') ? '#000' : '#ddd',
    },
  });
  const placed = small.map((input, i) => ({
    input,
    left: GAP + (i % columns) * (width + GAP),
    top: GAP + Math.floor(i / columns) * (height + GAP),
  }));
  await sheet
    .composite(placed)
    .webp({ quality: 78 })
    .toFile(join(DOCS, 'dashboard', `${name}.webp`));
}

/** Work to be seen: a film that plays while it is encoded, jobs that ended well and badly, a channel on air. */
async function prepare(on: RenditionServer, at: Browser, path: string) {
  const post = async (address: string, body: unknown) => {
    const answer = await fetch(on.url + address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as { id: number; uuid: string; job: number };
  };
  await post('/admin/keys', { name: 'web site', scopes: ['read', 'write'] });
  await post('/admin/keys', { name: 'studio', scopes: ['admin'] });
  const live = { name: 'Studio one', input_type: 'test', output_type: 'hls', resolution: '640x360', frame_rate: 25 };
  const channel = await post('/api/channels/', live);
  await using seen = await visit(at, `${on.url}/#/videos`, { ...WIDE, scheme: 'light' });
  const { page } = seen;
  await page.locator('input[type=file]').setInputFiles(path);
  await page.getByRole('list', { name: 'Uploads' }).getByRole('link').click();
  await page.getByRole('button', { name: 'Play' }).click();
  await holds(page, 'document.querySelector("video")?.currentTime > 1.5');
  const hero = await page.screenshot();
  const video = `/videos/${page.url().split('/').at(-1)}`;
  await post(`/api/job/${channel.job}/start/`, {});
  await post('/jobs', {
    source: { kind: 'inline', data: 'bm8gZmlsbQ==', filename: 'notes.mov' },
    outputs: [{ container: 'mp4' }],
  });
  const id = await on.submit(path, [{ container: 'hls', renditions: ['480p', '240p'] }, { container: 'mp3' }]);
  await on.waitFor(id, 150);
  return { hero, video, job: `/jobs/${id}`, channel: `/channels/${channel.id}` };
}
