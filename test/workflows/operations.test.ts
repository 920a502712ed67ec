// What becomes of operations: one queue for each kind of media with workers of its own, time limits, tries, cancelling. Executors are fakes, the rest is real.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { PlatformError } from '#domain/error.ts';
import type { JobLane } from '#domain/job.ts';
import { retryRule } from '#workflows/retry-delay.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import type { TaskExecutor } from '#workflows/task-context.ts';
import { makeFilm, openServer, type TestServer } from '../api/open-server.ts';
import { Client, formOf, makePicture, type OperationBody, resizeForm, UNLIMITED } from '../api/operations-client.ts';
import { eventually } from '../kit/eventually.ts';
import { executors, storeFile, workForever } from './fake-executors.ts';

const SETTINGS = {
  ...UNLIMITED,
  OPERATION_RETRY_DELAYS: '1,2',
  QUEUE_POLL_INTERVAL_MS: '200',
};

let server: TestServer;
let worker: Worker;
/** What makes things, whatever they are, in the test that runs. */
let making: TaskExecutor = storeFile;
/** OPERATION_IMAGE_TIME_LIMIT as the worker has it. */
let imageSeconds = 60;
let film: Buffer;
let picture: Buffer;
let client: Client;
before(async () => {
  server = await openServer({ settings: SETTINGS });
  film = Buffer.from(await makeFilm(server.folder, 1), 'base64');
  picture = await makePicture();
  client = new Client(server.base);
  const make: TaskExecutor = (platform, context) => making(platform, context);
  const config = {
    ...server.platform.config,
    get OPERATION_IMAGE_TIME_LIMIT() {
      return imageSeconds;
    },
  };
  worker = await startWorker(
    { ...server.platform, config },
    executors(make, { audio: make, direct: make, copy: make }),
  );
});
afterEach(async () => {
  for (const { id } of (await client.call<OperationBody[]>('GET', 'operations/?page_size=100')).body.data)
    await client.call('DELETE', `operations/${id}/`);
});
after(async () => {
  await worker.stop();
  await server[Symbol.asyncDispose]();
});

const blob = (bytes: Buffer) => new Blob([new Uint8Array(bytes)]);
const convertFilm = () =>
  client.create(formOf(['operation', 'video_compress'], ['file', blob(film), 'film.mp4'], ['parameters', '{}']));
const extractSound = () =>
  client.create(
    formOf(['operation', 'audio_extract'], ['parameters', '{"output_format":"mp3"}'], ['file', blob(film), 'film.mp4']),
  );
const resizePicture = () => client.create(resizeForm(picture));
const several = async (count: number, make: () => Promise<OperationBody>): Promise<string[]> => {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await make()).id);
  return ids;
};
/** So many, each planned before the next is asked for: their order in the lane is the order they were made in. */
const inTurn = async (count: number, lane: JobLane, make: () => Promise<OperationBody>): Promise<string[]> => {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await make()).id);
    await eventually(async () => {
      const { rows } = await server.platform.database.pool.query(
        `select count(distinct data->>'jobId')::int as jobs from pgboss.job where name = $1 and state <= 'active'`,
        [lane],
      );
      assert.deepEqual(rows, [{ jobs: ids.length }]);
    });
  }
  return ids;
};
const statuses = async (ids: readonly string[]): Promise<string[]> =>
  Promise.all(ids.map(async (id) => (await client.get(id)).status));

/** Which jobs' work runs, and a door that lets it end. */
function makeDoor(isShut: (lane: string) => boolean) {
  const running = new Map<string, Set<number>>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const make: TaskExecutor = async (platform, context) => {
    const lane = context.job.lane ?? '';
    const mine = running.get(lane) ?? new Set();
    running.set(lane, mine.add(context.job.id));
    try {
      if (isShut(lane)) await opened;
      return await storeFile(platform, context);
    } finally {
      mine.delete(context.job.id);
    }
  };
  return { make, open, count: (lane: string) => running.get(lane)?.size ?? 0 };
}

test('each kind has workers of its own: one for video, two for images, one for audio; the oldest goes first', async (t) => {
  const door = makeDoor(() => true);
  t.after(() => door.open());
  making = door.make;
  const videos = await inTurn(3, 'operation-video', convertFilm);
  const images = await inTurn(4, 'operation-image', resizePicture);
  const sounds = await inTurn(2, 'operation-audio', extractSound);
  await eventually(() =>
    assert.deepEqual(
      ['operation-video', 'operation-image', 'operation-audio'].map((lane) => door.count(lane)),
      [1, 2, 1],
    ),
  );
  assert.deepEqual(await statuses(videos), ['processing', 'queued', 'queued']);
  assert.deepEqual(await statuses(images), ['processing', 'processing', 'queued', 'queued']);
  assert.deepEqual(await statuses(sounds), ['processing', 'queued']);
  const { body } = await client.call<Record<string, { queued: number; processing: number; active: number }>>(
    'GET',
    'queues/',
  );
  assert.deepEqual(
    Object.values(body.data).map(({ queued, processing, active }) => [queued, processing, active]),
    [
      [2, 1, 1],
      [2, 2, 2],
      [1, 1, 1],
    ],
  );
  door.open();
  for (const id of [...videos, ...images, ...sounds]) await client.until(id, 'completed');
  const ended = await Promise.all(videos.map(async (id) => Date.parse((await client.get(id)).completed_at ?? '')));
  assert.deepEqual(ended, ended.toSorted());
});

test('a queue of videos delays no image: it is done while all of them still wait', async (t) => {
  const door = makeDoor((lane) => lane === 'operation-video');
  t.after(() => door.open());
  making = door.make;
  const videos = await several(12, convertFilm);
  const image = await resizePicture();
  await client.until(image.id, 'completed');
  assert.ok((await statuses(videos)).every((status) => status === 'queued' || status === 'processing'));
});

test('the time of a kind is up: the operation fails, though its work cannot be stopped; a retry begins anew', async () => {
  let isStuck = true;
  const { promise: unstuck, resolve } = Promise.withResolvers<void>();
  imageSeconds = 2;
  making = async (platform, context) => {
    if (isStuck) await unstuck;
    return storeFile(platform, context);
  };
  const { id } = await resizePicture();
  const failed = await client.until(id, 'failed');
  assert.equal(failed.error_code, 'encode_timeout');
  assert.match(failed.error_message ?? '', /longer than 2 s \(OPERATION_IMAGE_TIME_LIMIT\)/);
  assert.ok(Date.parse(failed.completed_at ?? '') - Date.parse(failed.started_at ?? '') >= 2000);
  isStuck = false;
  imageSeconds = 60;
  const retried = await client.call('POST', `operations/${id}/retry/`);
  assert.deepEqual([retried.status, retried.body.data.status, retried.body.data.error_message], [200, 'queued', null]);
  await client.until(id, 'completed');
  resolve();
});

test('a failure that may pass is tried twice more after its pauses, another one is not', async () => {
  const config = loadConfig({});
  const rule = retryRule(config, { api: 'operations' });
  assert.deepEqual([rule.tries, rule.delay(1), rule.delay(2)], [3, 60, 300]);
  const at: number[] = [];
  making = async () => {
    at.push(performance.now());
    throw new PlatformError('destination_unreachable', 'nobody there');
  };
  const passing = await resizePicture();
  const failed = await client.until(passing.id, 'failed');
  assert.deepEqual([failed.error_code, failed.error_message], ['destination_unreachable', 'nobody there']);
  const [first = 0, second = 0, third = 0] = at;
  assert.equal(at.length, 3);
  assert.ok(second - first >= 1000 && third - second >= 2000, at.join());
  let tries = 0;
  making = async () => {
    tries += 1;
    throw new PlatformError('corrupt_media', 'broken');
  };
  const lasting = await resizePicture();
  await client.until(lasting.id, 'failed');
  assert.equal(tries, 1);
});

test('cancelling: what waits never runs, what runs is stopped; finished ones are in conflict', async () => {
  let stopped = 0;
  const seen: string[] = [];
  making = async (platform, context) => {
    seen.push(String(context.job.metadata.operation_id));
    context.signal.addEventListener('abort', () => {
      stopped += 1;
    });
    return workForever(platform, context);
  };
  const [running = '', waiting = ''] = await several(2, convertFilm);
  await eventually(() => assert.deepEqual(seen, [running]));
  for (const id of [waiting, running]) {
    const { status, body } = await client.call('POST', `operations/${id}/cancel/`);
    assert.deepEqual([status, body.data.status], [200, 'cancelled']);
  }
  await eventually(() => assert.equal(stopped, 1));
  assert.deepEqual(seen, [running]);
  for (const act of ['cancel', 'download']) {
    const { status, body } = await client.call(act === 'cancel' ? 'POST' : 'GET', `operations/${running}/${act}/`);
    assert.deepEqual([status, body.error.code], [409, 'conflict'], act);
  }
  making = storeFile;
  assert.equal((await client.call('POST', `operations/${waiting}/retry/`)).status, 200);
  await client.until(waiting, 'completed');
  for (const act of ['cancel', 'retry'])
    assert.equal((await client.call('POST', `operations/${waiting}/${act}/`)).status, 409, act);
});

test('a paused job is pending; one deleted by other means takes its operation along', async () => {
  making = workForever;
  const { id } = await resizePicture();
  const jobs = (await server.call('GET', '/jobs')).body as { jobs: { id: number; metadata: Record<string, string> }[] };
  const job = jobs.jobs.find(({ metadata }) => metadata.operation_id === id);
  assert.equal((await server.call('POST', `/jobs/${job?.id}/pause`)).status, 200);
  assert.equal((await client.get(id)).status, 'pending');
  assert.equal((await server.call('DELETE', `/jobs/${job?.id}`)).status, 204);
  assert.equal((await client.call('GET', `operations/${id}/`)).status, 404);
});
