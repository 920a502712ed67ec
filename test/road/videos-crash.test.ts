// Stop, kill -9, start, resume of videos re-encodes no finished chunk; nor does a film that still arrived when the server died.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startRendition } from '../kit/rendition-server.ts';
import { makeFilm, readNumbers } from './film.ts';
import { catchInTheAct, killTree, writeSlowFfmpeg } from './processes.ts';

/** Keyframes so far apart that nothing is copied. */
const ENCODED = ['-g', '500', '-crf', '30', '-movflags', '+faststart'];
const LONG = { width: 320, height: 180, fps: '25', seconds: 44, output: ENCODED };
const SHORT = { ...LONG, seconds: 26 };
/** Chunks of 4, 12 and 28 s of the long one; of the one that arrives, short ones. */
const SEGMENTS = { SEGMENT_SECONDS: '2' };
const PIECES = 16;
/** So many of them hold the first chunk of film and what a decoder reads ahead. */
const ENOUGH = 12;

let folder = '';
let dataDir = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-videos-crash-`);
  dataDir = join(folder, 'data');
  await mkdir(dataDir);
  await makeFilm({ path: `${folder}/long.mp4`, ...LONG });
  await makeFilm({ path: `${folder}/short.mp4`, ...SHORT });
});
after(() => rm(folder, { recursive: true, force: true }));

type Chunk = { readonly id: number; readonly status: string; readonly attempt: number };
type Task = Chunk & { readonly kind: string };

function callsOf(url: string) {
  const call = async <T>(method: string, path: string, body?: FormData): Promise<T> => {
    const answer = await fetch(url + path, { method, ...(body ? { body } : {}) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  };
  const post = <T>(path: string, fields: Readonly<Record<string, string | Blob>>): Promise<T> => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return call('POST', path, form);
  };
  const statusOf = async (id: string) => (await call<{ status: string }>('GET', `/videos/${id}`)).status;
  const jobOf = async (id: string) =>
    (await call<{ jobs: { uuid: string }[] }>('GET', `/admin/videos/${id}/status`)).jobs[0]?.uuid ?? null;
  const chunksOf = async (id: string) => {
    const job = await jobOf(id);
    const { tasks } = job === null ? { tasks: [] } : await call<{ tasks: Task[] }>('GET', `/jobs/${job}/tasks`);
    return tasks.filter(({ kind }) => kind === 'chunk').map(({ id, status, attempt }) => ({ id, status, attempt }));
  };
  return { call, post, statusOf, chunksOf, jobOf };
}

/** What identifies a file that was not written again: segments of the attempts that are named, by path. */
async function segmentsOf(job: string, chunks: readonly Chunk[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { id, attempt } of chunks) {
    const place = join(dataDir, 'storage/jobs', job, `t${id}-${attempt}`);
    for (const name of await readdir(place, { recursive: true })) {
      if (!/\.m(4s|p4)$/.test(name)) continue;
      const { ino, mtimeMs, size } = await stat(join(place, name));
      found.set(`${basename(place)}/${name}`, `${ino} ${mtimeMs} ${size}`);
    }
  }
  return found;
}

test('stop, kill -9, start, resume: finished chunks are those of before, of a film that arrived as well', async () => {
  const short = await readFile(`${folder}/short.mp4`);
  const size = Math.ceil(short.length / PIECES);
  const FFMPEG_PATH = await writeSlowFfmpeg(folder, 8);
  await using first = await startRendition({ dataDir, settings: { ...SEGMENTS, FFMPEG_PATH } });
  const { post, call, ...before } = callsOf(first.url);
  const begin = (filename: string, chunks: number) =>
    post<{ upload_id: string }>('/upload/init', { filename, total_chunks: String(chunks) });
  const piece = (upload_id: string, index: number, file: Uint8Array<ArrayBuffer>) => ({
    upload_id,
    index: String(index),
    file: new Blob([file]),
  });
  const part = (index: number) => new Uint8Array(short.subarray(index * size, (index + 1) * size));
  const { upload_id: arriving } = await begin('short.mp4', PIECES);
  for (let i = 0; i < ENOUGH; i++) await post('/upload/chunk', piece(arriving, i, part(i)));
  await eventually(async () => assert.equal((await before.chunksOf(arriving))[0]?.status, 'done'), { within: 240_000 });
  const { upload_id: stopped } = await begin('long.mp4', 1);
  await post('/upload/chunk', piece(stopped, 0, new Uint8Array(await readFile(`${folder}/long.mp4`))));
  await post('/upload/complete', { upload_id: stopped });
  await catchInTheAct(join(dataDir, 'storage'), async () => {
    const states = (await before.chunksOf(stopped)).map(({ status }) => status);
    assert.ok(states.includes('done') && states.includes('processing'), states.join());
  });
  await call('PUT', `/videos/${stopped}/stop`);
  const wanted = new Map<string, { job: string; done: Chunk[]; segments: Map<string, string> }>();
  for (const id of [arriving, stopped]) {
    const done = (await before.chunksOf(id)).filter(({ status }) => status === 'done');
    const job = (await before.jobOf(id)) ?? '';
    wanted.set(id, { job, done, segments: await segmentsOf(job, done) });
    assert.ok((wanted.get(id)?.segments.size ?? 0) > 0);
  }
  await killTree(first.pid);
  await first.stop();

  await using second = await startRendition({ dataDir, settings: SEGMENTS });
  const again = callsOf(second.url);
  assert.deepEqual([await again.statusOf(stopped), await again.statusOf(arriving)], ['stopped', 'uploading']);
  const { missing } = await again.call<{ missing: number[] }>('GET', `/upload/${arriving}`);
  assert.deepEqual(missing, [12, 13, 14, 15]);
  for (const i of missing) await again.post('/upload/chunk', piece(arriving, i, part(i)));
  await again.post('/upload/complete', { upload_id: arriving });
  assert.deepEqual(await again.call('POST', '/admin/resume_all'), { resumed: [stopped] });
  for (const [id, { job, done, segments }] of wanted) {
    await eventually(async () => assert.equal(await again.statusOf(id), 'ready'), { within: 240_000 });
    const chunks = await again.chunksOf(id);
    assert.ok(chunks.length > done.length, 'something was left to do');
    assert.deepEqual(
      chunks.filter((chunk) => done.some((one) => one.id === chunk.id)),
      done,
    );
    assert.deepEqual(await segmentsOf(job, done), segments);
    const film = id === stopped ? LONG : SHORT;
    const numbers = await readNumbers(`${second.url}/stream/${id}/180p/playlist.m3u8`, 1);
    assert.deepEqual(
      numbers,
      Array.from({ length: film.seconds * 25 }, (_, i) => i),
    );
  }
});
