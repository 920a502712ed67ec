// Rows of the operations API: a picture through it beside the image library alone, and a picture that comes while films are worked on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

const ROOT = join(import.meta.dirname, '../..');
const WIDTH = 1024;
const UNLIMITED = {
  RATE_LIMIT_BURST: 'off',
  RATE_LIMIT_SUSTAINED: 'off',
  RATE_LIMIT_UPLOADS: 'off',
  RATE_LIMIT_STATUS: 'off',
};
/** The whole of what a script would do: upright, sRGB, the same size and quality. */
const SCRIPT = `import sharp from 'sharp';
const [, from, to] = process.argv;
await sharp(from, { autoOrient: true, sequentialRead: true }).toColourspace('srgb').resize({ width: ${WIDTH}, fit: 'inside' }).jpeg({ quality: 82 }).toFile(to);`;

/** 12 megapixels with the noise of a phone's camera: about 5 MB. */
async function makePhoto(folder: string): Promise<{ readonly path: string; readonly about: string }> {
  const path = `${folder}/photo.jpg`;
  const noise = { type: 'gaussian', mean: 120, sigma: 14 } as const;
  const { size } = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#456', noise } })
    .blur(0.7)
    .jpeg({ quality: 92 })
    .toFile(path);
  return { path, about: `noise, 4000×3000 JPEG, ${(size / 1e6).toFixed(1)} MB` };
}

async function runSharp(from: string, to: string): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, from, to], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the script ended with ${code}`);
}

type Api = { readonly url: string; readonly session: string };

async function create(
  { url, session }: Api,
  operation: string,
  file: { bytes: Buffer; parameters: object },
): Promise<string> {
  const form = new FormData();
  form.set('operation', operation);
  form.set('parameters', JSON.stringify(file.parameters));
  form.set('file', new Blob([new Uint8Array(file.bytes)]), 'file');
  const answer = await fetch(`${url}/api/v1/operations/`, {
    method: 'POST',
    body: form,
    headers: { 'x-session-key': session },
  });
  const body = (await answer.json()) as { data: { id: string }; error?: object };
  if (answer.status !== 201) throw new Error(JSON.stringify(body.error));
  return body.data.id;
}

/** Seconds from asking to the last byte of the result: what a client waits. It follows the events, as a page would. */
async function resizeThroughApi(api: Api, bytes: Buffer): Promise<number> {
  const headers = { 'x-session-key': api.session };
  const asked = performance.now();
  const id = await create(api, 'image_resize', { bytes, parameters: { width: WIDTH, quality: 82 } });
  const events = await fetch(`${api.url}/api/v1/operations/${id}/events/`, { headers });
  let told = '';
  for await (const part of events.body ?? []) {
    told += Buffer.from(part).toString();
    if (/"status":"failed"/.test(told)) throw new Error(told);
    if (/"status":"completed"/.test(told)) break;
  }
  const result = await fetch(`${api.url}/api/v1/operations/${id}/download/`, { headers });
  const { width } = await sharp(Buffer.from(await result.arrayBuffer())).metadata();
  if (width !== WIDTH) throw new Error(`the result is ${width} wide`);
  return (performance.now() - asked) / 1000;
}

const SESSION = 'the-session-of-the-bench';

const image: Row = {
  name: 'image',
  title: 'image_resize of a 12-megapixel JPEG through the operations API, over a process that runs sharp alone (p50)',
  target: { atMost: 1.3 },
  unit: '×',
  run: async ({ folder, quick }) => {
    const photo = await makePhoto(folder);
    const bytes = await readFile(photo.path);
    await using server = await startRendition({ settings: UNLIMITED });
    const api = { url: server.url, session: SESSION };
    // The first one loads the image library, once for the life of the server.
    await resizeThroughApi(api, bytes);
    await runSharp(photo.path, `${folder}/small.jpg`);
    const raw: Sample[] = [];
    const ours: number[] = [];
    for (let round = 0; round < (quick ? 15 : 41); round++) {
      raw.push(await measure(null, () => runSharp(photo.path, `${folder}/small.jpg`)));
      ours.push(await resizeThroughApi(api, bytes));
    }
    const alone = raw.map(({ wall }) => wall);
    return {
      value: median(ours) / median(alone),
      series: [
        { name: 'process with sharp', unit: 's', values: alone },
        { name: 'operation, upload and download included', unit: 's', values: ours },
      ],
      foreign: raw.reduce((sum, one) => sum + one.foreign, 0) / raw.length,
      commands: [`node --input-type=module -e "${SCRIPT}" photo.jpg small.jpg`],
      source: photo.about,
      remarks: [],
    };
  },
};

const crowd: Row = {
  name: 'image-behind-films',
  title: 'The same while films wait and one is encoded: the longest of all, less the usual time of an idle server',
  target: { atMost: 1 },
  unit: 's',
  run: async ({ folder, film, quick }) => {
    const photo = await makePhoto(folder);
    const bytes = await readFile(photo.path);
    await using server = await startRendition({ settings: UNLIMITED });
    const api = { url: server.url, session: SESSION };
    await resizeThroughApi(api, bytes);
    const alone: number[] = [];
    for (let round = 0; round < 10; round++) alone.push(await resizeThroughApi(api, bytes));
    const ids: string[] = [];
    const movie = { bytes: await readFile(film.path), parameters: { quality: 18, preset: 'slow' } };
    for (let i = 0; i < 6; i++) ids.push(await create(api, 'video_compress', movie));
    const headers = { 'x-session-key': SESSION };
    const statuses = async () =>
      Promise.all(
        ids.map(async (id) => {
          const answer = await fetch(`${api.url}/api/v1/operations/${id}/status/`, { headers });
          return ((await answer.json()) as { data: { status: string } }).data.status;
        }),
      );
    while (!(await statuses()).includes('processing')) await sleep(100);
    const crowded: number[] = [];
    for (let round = 0; round < (quick ? 10 : 25); round++) {
      crowded.push(await resizeThroughApi(api, bytes));
      await sleep(200);
    }
    const unfinished = (await statuses()).filter((status) => status !== 'completed').length;
    if (unfinished < 5) throw new Error('the films were too short: the queue ran empty');
    for (const id of ids) await fetch(`${api.url}/api/v1/operations/${id}/`, { method: 'DELETE', headers });
    return {
      value: Math.max(...crowded) - median(alone),
      series: [
        { name: 'idle server', unit: 's', values: alone },
        { name: 'behind films', unit: 's', values: crowded },
      ],
      foreign: 0,
      commands: [],
      source: `${photo.about}; ${film.about}`,
      remarks: [`${unfinished} of 6 films were still waiting or under way at the end`],
    };
  },
};

export const OPERATION_ROWS: readonly Row[] = [image, crowd];
