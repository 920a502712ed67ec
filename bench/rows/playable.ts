// Rows of videos: from the last uploaded byte to the first decoded picture, for films of every length, through the real server.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type RenditionServer, startRendition } from '../../test/kit/rendition-server.ts';
import { runFfmpeg } from '../baseline.ts';
import { measure, median } from '../meter.ts';
import type { Row } from '../row.ts';
import { makeLongFilm, type Source } from '../sources.ts';

const run = promisify(execFile);
const TIMES = { full: 10, quick: 3 } as const;
const CHUNK = 64 * 1024 ** 2;
/** Seconds between two films: what the system still writes of the last one is not the next one's. */
const REST = 2;

type Upload = { readonly upload_id: string; readonly chunk_size: number };

/** Uploads a file in chunks, all but the end. */
async function uploadFile(url: string, path: string): Promise<string> {
  const { size } = await stat(path);
  const total = Math.max(1, Math.ceil(size / CHUNK));
  const post = async (place: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url + place, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${place} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const begun = (await post('/upload/init', { filename: 'film.mp4', total_chunks: total, size })) as Upload;
  // curl reads the file: our own memory and time are not measured.
  for (let index = 0; index < total; index++) {
    const piece = [`skip=${index}`, 'count=1', `bs=${begun.chunk_size}`, 'status=none'];
    const put = `dd if='${path}' ${piece.join(' ')} | curl -sf -X PUT -H 'content-type: application/octet-stream' --data-binary @- '${url}/upload/${begun.upload_id}/chunks/${index}'`;
    await run('sh', ['-c', put]);
  }
  return begun.upload_id;
}

const get = async (address: string): Promise<Buffer> => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
};

/** What a player does until it has a picture: master, playlist, init, first segment; then the segment is decoded. */
async function firstPicture(url: string, id: string, folder: string): Promise<void> {
  const master = `${url}/stream/${id}/master.m3u8`;
  const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [variant = ''] = lines(String(await get(master)));
  const address = new URL(variant, master).href;
  const list = String(await get(address));
  const [segment = ''] = lines(list);
  const init = /URI="([^"]+)"/.exec(list)?.[1] ?? '';
  const parts = await Promise.all([init, segment].map((name) => get(new URL(name, address).href)));
  const file = join(folder, 'first.mp4');
  await writeFile(file, Buffer.concat(parts));
}

async function decodes(folder: string): Promise<void> {
  await runFfmpeg(['-v', 'error', '-xerror', '-i', join(folder, 'first.mp4'), '-frames:v', '1', '-f', 'null', '-']);
}

/** Seconds from asking to end the upload until a player holds its first segment, which then decodes. */
async function playable(server: RenditionServer, film: Source, folder: string): Promise<number> {
  const id = await uploadFile(server.url, film.path);
  const started = performance.now();
  const body = JSON.stringify({ upload_id: id });
  const headers = { 'content-type': 'application/json' };
  const done = await fetch(`${server.url}/upload/complete`, { method: 'POST', headers, body });
  if (done.status !== 202) throw new Error(`/upload/complete answered ${done.status}: ${await done.text()}`);
  await firstPicture(server.url, id, folder);
  const seconds = (performance.now() - started) / 1000;
  await decodes(folder);
  await fetch(`${server.url}/videos/${id}`, { method: 'DELETE' });
  await sleep(REST * 1000);
  return seconds;
}

type Class = {
  readonly name: string;
  readonly title: string;
  readonly atMost: number;
  readonly make: (folder: string, film: Source) => Promise<Source>;
};

const row = ({ name, title, atMost, make }: Class): Row => ({
  name,
  title: `From the last uploaded byte to the first segment that decodes: ${title}`,
  target: { atMost },
  unit: 's',
  run: async ({ folder, film, quick }) => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const source = await make(own, film);
    await using server = await startRendition({});
    const times: number[] = [];
    let foreign = 0;
    // The first one loads what later ones use.
    await playable(server, source, own);
    for (let round = 0; round < (quick ? TIMES.quick : TIMES.full); round++) {
      times.push(await playable(server, source, own));
      foreign += (await measure(null, () => sleep(300))).foreign;
    }
    return {
      value: median(times),
      series: [{ name: 'time to playable', unit: 's', values: times }],
      foreign: foreign / times.length,
      commands: [],
      source: source.about,
      remarks: [],
    };
  },
});

/** A film of so many seconds out of rounds of the bench's own. */
const standard = (seconds: number) => async (folder: string) => {
  const film = await makeLongFilm(folder, Math.ceil(seconds / 43.125));
  const path = join(folder, 'cut.mp4');
  if (!existsSync(path))
    await runFfmpeg(['-v', 'error', '-y', '-i', film.path, '-t', String(seconds), '-c', 'copy', path]);
  return { path, about: `${film.about}, the first ${seconds} s` };
};

/** Not cut: an end between frames that belong together would make it a film with frames missing. */
const hour = (folder: string) => makeLongFilm(folder, Math.ceil(3600 / 43.125));

/** The same picture as HEVC in Matroska: nothing of it can be copied. */
async function other(folder: string): Promise<Source> {
  const film = await standard(60)(folder);
  const path = join(folder, 'other.mkv');
  const encode = [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-crf',
    '28',
    '-x265-params',
    'log-level=error',
    '-c:a',
    'libopus',
  ];
  await runFfmpeg(['-v', 'error', '-y', '-i', film.path, ...encode, path]);
  return { path, about: `${film.about}, as HEVC and Opus in Matroska` };
}

export const PLAYABLE_ROWS: readonly Row[] = [
  row({ name: 'playable', title: 'a standard 1080p film of 60 s', atMost: 1, make: standard(60) }),
  row({ name: 'playable-10min', title: 'of 10 minutes', atMost: 1, make: standard(600) }),
  row({ name: 'playable-1h', title: 'of an hour', atMost: 1.5, make: hour }),
  row({ name: 'playable-other', title: 'a film of 60 s of which nothing can be copied', atMost: 3, make: other }),
];
