import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { SegmentFacts, Task } from '#domain/task.ts';
import { eventually } from '../kit/eventually.ts';
import { beginTus, chunksOf, FILM, LADDER } from './arriving-client.ts';
import { openServer, type TestServer } from './open-server.ts';
import { standardFilm, upload, whenReady } from './stream-client.ts';
import { evenly, init, sendChunk, sha256, storedKeys } from './upload-client.ts';

const run = promisify(execFile);
const CHUNKS = 16;
/** So many hold the first chunk of film, with what a decoder reads ahead. */
const MOST = 11;
let server: TestServer;
let film: string;
let bytes: Buffer;
before(async () => {
  server = await openServer({ works: true, settings: LADDER });
  film = await standardFilm(server.folder, FILM.seconds, FILM);
  bytes = await readFile(film);
});
after(() => server[Symbol.asyncDispose]());

type Shown = { readonly status: string; readonly duration: number; readonly qualities: readonly string[] };
const show = async (id: string) => (await server.call('GET', `/videos/${id}`)).body as Shown;
const complete = (id: string) => server.call('POST', '/upload/complete', { body: { upload_id: id } });

const tasksOf = (id: string) => chunksOf(server, id);

async function begin(fields: Readonly<Record<string, unknown>> = {}) {
  const pieces = evenly(bytes, CHUNKS);
  const { upload_id: id } = await init(server, { total_chunks: CHUNKS, filename: 'faststart.mp4', ...fields });
  const send = async (indexes: readonly number[]) => {
    for (const index of indexes) {
      const { status } = await sendChunk(server.base, { id, index, bytes: pieces[index] ?? Buffer.alloc(0) });
      assert.equal(status, 200);
    }
  };
  return { id, send };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Sends so much that its first chunk of film can be encoded, and waits until it is. */
async function beginAndEncode(fields: Readonly<Record<string, unknown>> = {}) {
  const begun = await begin(fields);
  await begun.send(range(0, MOST));
  const tasks = await eventually(() => tasksOf(begun.id), { until: (all) => all[0]?.status === 'done' });
  return { ...begun, first: tasks[0] };
}

/** A chunk is gone; another may be begun at any time. */
const assertGone = async (id: string, chunk: Task | undefined): Promise<void> =>
  assert.ok(chunk && !(await tasksOf(id)).some((one) => one.id === chunk.id));

/** Every frame that a player decodes of a quality: its time and what it looks like. */
async function framesOf(id: string, quality: string): Promise<string> {
  const playlist = `${server.base}/stream/${id}/${quality}/playlist.m3u8`;
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', playlist, '-map', '0:v:0', '-f', 'framemd5', '-'], {
    maxBuffer: 1 << 26,
  });
  return stdout;
}

const segmentsOf = async (id: string) =>
  (await tasksOf(id)).map(({ result }) =>
    result?.parts.map(({ rendition, timescale, segments }) => ({
      rendition,
      timescale,
      segments: segments.map(({ key: _key, ...facts }: SegmentFacts) => facts),
    })),
  );

test('what has come of a film is encoded while the rest arrives, once, and comes out as it always does', async () => {
  const { id, send, first } = await beginAndEncode();
  assert.ok(first);
  const key = first.result?.parts[0]?.segments[0]?.key ?? '';
  const early = await show(id);
  assert.deepEqual([early.status, early.duration, early.qualities], ['uploading', FILM.seconds, ['360p', '240p']]);
  // What may yet turn out to be another film is shown to nobody.
  assert.equal((await fetch(`${server.base}/stream/${id}/360p/playlist.m3u8`)).status, 404);
  await send(range(MOST, CHUNKS));
  const answers = await Promise.all([complete(id), complete(id)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202],
  );
  assert.equal(((await whenReady(server, id)).body as Shown).status, 'ready');
  const kept = (await tasksOf(id))[0];
  assert.deepEqual([kept?.id, kept?.attempt, kept?.result?.parts[0]?.segments[0]?.key], [first.id, first.attempt, key]);
  const usual = await upload(server, film);
  await whenReady(server, usual);
  assert.deepEqual(await segmentsOf(id), await segmentsOf(usual));
  const [quality = ''] = (await show(id)).qualities.slice(-1);
  const frames = await framesOf(id, quality);
  assert.equal(frames.split('\n').filter((line) => /^0,/.test(line)).length, FILM.seconds * FILM.rate);
  assert.equal(frames, await framesOf(usual, quality));
  await server.call('DELETE', `/videos/${id}`);
  await server.call('DELETE', `/videos/${usual}`);
});

test('an upload that is given up, or turns out to be another film, leaves nothing of what was begun', async () => {
  const [abandoned, changed, wrong] = await Promise.all([
    beginAndEncode(),
    beginAndEncode({ sha256: sha256(bytes) }),
    beginAndEncode({ sha256: sha256(Buffer.from('something else')) }),
  ]);
  assert.equal((await server.call('DELETE', `/upload/${abandoned.id}`)).status, 204);

  // One of its chunks is sent again, with other bytes in it: the film as a whole has another digest then.
  const { status } = await sendChunk(server.base, { id: changed.id, index: 3, bytes: Buffer.alloc(1000) });
  assert.equal(status, 200);
  await assertGone(changed.id, changed.first);
  for (const { id, send } of [changed, wrong]) {
    await send(range(MOST, CHUNKS));
    assert.equal((await complete(id)).status, 422);
    assert.deepEqual([(await show(id)).status, await tasksOf(id)], ['failed', []]);
  }
  await eventually(async () => [...(await storedKeys(server, 'jobs/')), ...(await storedKeys(server, 'uploads/'))], {
    until: (keys) => keys.length === 0,
  });
});

/** The same by tus: one request brings the beginning, `end` the rest. */
async function beginByTus() {
  const { id, send } = await beginTus(server, bytes);
  const most = Math.round((bytes.length * MOST) / CHUNKS);
  await send(0, most);
  const [first] = await eventually(() => tasksOf(id), { until: (all) => all[0]?.status === 'done' });
  return { id, first, end: () => send(most, bytes.length) };
}

test('one that is stopped while it arrives rests, and goes on with what it has', async () => {
  const { id, end, first } = await beginByTus();
  assert.equal((await server.call('PUT', `/videos/${id}/stop`)).status, 200);
  await end();
  await eventually(() => show(id), { until: ({ status }) => status === 'stopped' });
  assert.equal((await server.call('PUT', `/videos/${id}/resume`)).status, 200);
  assert.equal(((await whenReady(server, id)).body as Shown).status, 'ready');
  assert.deepEqual([(await tasksOf(id))[0]?.attempt, (await tasksOf(id))[0]?.id], [first?.attempt, first?.id]);
});

test('what was made of damaged bytes is thrown away when they are sent again', async () => {
  const { id, send } = await begin();
  const damaged = range(1, 6);
  await send([0, ...range(6, MOST)]);
  const zeros = Buffer.alloc(Math.ceil(bytes.length / CHUNKS));
  for (const index of damaged) await sendChunk(server.base, { id, index, bytes: zeros });
  const [first] = await eventually(() => tasksOf(id), {
    until: ([one]) => one?.status === 'done' || (one?.status === 'pending' && one.attempt > 0),
  });
  assert.equal((await show(id)).status, 'uploading');
  await send(damaged);
  await assertGone(id, first);
  await send(range(MOST, CHUNKS));
  assert.equal((await complete(id)).status, 202);
  assert.equal(((await whenReady(server, id)).body as Shown).status, 'ready');
  type Events = {
    readonly events: readonly { readonly type: string; readonly data: { readonly video_id?: string } }[];
  };
  const told = async () =>
    ((await server.call('GET', '/events?limit=500')).body as Events).events
      .filter(({ data, type }) => data.video_id === id && type !== 'rendition.ready')
      .map(({ type }) => type);
  // That it can be played is told beside its encoding, by whoever sees it first.
  const types = await eventually(told, { until: (all) => all.includes('video.playable') });
  assert.deepEqual(types.toSorted(), ['video.playable', 'video.ready', 'video.uploaded']);
  // Each frame of the film is another one; damaged, the first stands still.
  const frames = (await framesOf(id, '240p')).split('\n').filter((line) => /^0,/.test(line));
  assert.equal(new Set(frames.map((line) => line.split(',').at(-1))).size, FILM.seconds * FILM.rate);
});
