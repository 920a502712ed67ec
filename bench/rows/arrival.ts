// Row of films that are encoded while they arrive: from the last byte of a slow upload until all is encoded, beside the same film sent at once.
import { execFile } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type RenditionServer, startRendition } from '../../test/kit/rendition-server.ts';
import { missingPrograms } from '../../test/kit/server-process.ts';
import { runFfmpeg } from '../baseline.ts';
import { measure, median } from '../meter.ts';
import type { Row } from '../row.ts';
import { makeLongFilm, type Source } from '../sources.ts';

const run = promisify(execFile);
const SECONDS = { full: 60, quick: 36 } as const;
/** The slow one takes so many times as long to send as to play. */
const SLOWNESS = 1.5;
const CHUNKS = 20;
/** Seconds after which nobody waits any longer. */
const PATIENCE = 600;

/** A film of which nothing can be copied. */
async function makeFilm(folder: string, { film, seconds, name }: { film: Source; seconds: number; name: string }) {
  const { path } = seconds > 40 ? await makeLongFilm(folder, 2) : film;
  const to = join(folder, name);
  const encode = ['-c:v', 'mpeg4', '-q:v', '4', '-g', '48', '-c:a', 'aac', '-movflags', '+faststart'];
  await runFfmpeg(['-v', 'error', '-y', '-i', path, '-t', String(seconds), ...encode, to]);
  return to;
}

async function call(url: string, body?: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : {});
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

type Sending = {
  readonly path: string;
  /** bytes/s; null for as fast as it goes */
  readonly rate: number | null;
};
/** Seconds since the first byte, and since the last. */
type Sent = { readonly whole: number; readonly after: number };

/** Sends a film, ends its upload, waits until it is ready. */
async function send(server: RenditionServer, { path, rate }: Sending): Promise<Sent> {
  const { size } = await stat(path);
  const fields = { filename: 'film', total_chunks: CHUNKS, size };
  const begun = (await call(`${server.url}/upload/init`, fields)) as { upload_id: string; chunk_size: number };
  const id = begun.upload_id;
  const started = performance.now();
  for (let index = 0; index < CHUNKS; index++) {
    const piece = [`skip=${index}`, 'count=1', `bs=${begun.chunk_size}`, 'status=none', 'iflag=fullblock'];
    const limit = rate === null ? '' : `--limit-rate ${Math.round(rate)}`;
    const put = `dd if='${path}' ${piece.join(' ')} | curl -sf ${limit} -X PUT -H 'content-type: application/octet-stream' --data-binary @- '${server.url}/upload/${id}/chunks/${index}'`;
    await run('sh', ['-c', put]);
  }
  const last = performance.now();
  await call(`${server.url}/upload/complete`, { upload_id: id });
  for (;;) {
    const { status } = (await call(`${server.url}/videos/${id}`)) as { status: string };
    if (status === 'ready') break;
    const seconds = (performance.now() - last) / 1000;
    if (status === 'failed' || seconds > PATIENCE) throw new Error(`the film is ${status} after ${seconds} s`);
    await sleep(100);
  }
  const now = performance.now();
  await fetch(`${server.url}/videos/${id}`, { method: 'DELETE' });
  return { whole: (now - started) / 1000, after: (now - last) / 1000 };
}

const row = (name: string, file: string, about: string): Row => ({
  name,
  title: `From the last byte of a slow upload until all of it is encoded, and the same of a fast one: ${about}`,
  target: { atMost: 0.5 },
  unit: '×',
  missing: () => missingPrograms('curl', 'dd'),
  run: async ({ folder, film, quick }) => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const seconds = quick ? SECONDS.quick : SECONDS.full;
    const path = await makeFilm(own, { film, seconds, name: file });
    const rate = (await stat(path)).size / (seconds * SLOWNESS);
    await using server = await startRendition({});
    const slow: Sent[] = [];
    const fast: Sent[] = [];
    let foreign = 0;
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      fast.push(await send(server, { path, rate: null }));
      slow.push(await send(server, { path, rate }));
      foreign = Math.max(foreign, (await measure(null, () => sleep(300))).foreign);
    }
    return {
      value: median(slow.map(({ after }) => after)) / median(fast.map(({ after }) => after)),
      series: [
        { name: 'slow, from the last byte', unit: 's', values: slow.map(({ after }) => after) },
        { name: 'fast, from the last byte', unit: 's', values: fast.map(({ after }) => after) },
        { name: 'slow, from the first byte', unit: 's', values: slow.map(({ whole }) => whole) },
        { name: 'fast, from the first byte', unit: 's', values: fast.map(({ whole }) => whole) },
      ],
      foreign,
      commands: [],
      source: `${film.about}, ${seconds} s as ${about}, sent in ${seconds * SLOWNESS} s`,
      remarks: [],
    };
  },
});

export const ARRIVAL_ROWS: readonly Row[] = [
  row('arrival', 'sent.mp4', 'MPEG-4 in an MP4 with its index in front'),
  row('arrival-mkv', 'sent.mkv', 'MPEG-4 in Matroska'),
];
