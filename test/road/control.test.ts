// Cancel, pause, stop, drain and a full disk in the middle of real work: nothing runs on, nothing is lost, nothing is left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type JobReport, type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { checkStream, urlOf } from './check-result.ts';
import { makeFilm } from './film.ts';
import {
  attemptFolders,
  catchInTheAct,
  countStarts,
  ffmpegOn,
  readTasks,
  scratchFiles,
  startWorkerProcess,
  strayFolders,
  type TaskRow,
  writeSlowFfmpeg,
} from './processes.ts';

const FILM = { width: 192, height: 108, fps: '25', seconds: 32 };
const WANTED = { frames: 800, fps: { num: 25, den: 1 }, sourceWidth: FILM.width };
const OUTPUTS = [
  { container: 'hls', renditions: ['108p', '54p'], preset: 'superfast', passthrough: 'never', instant: false },
];

let folder = '';
let film = '';
/** Chunks of 4, 12 and 16 s, which last two and three seconds at the least. */
let slow = '';
let fresh: FreshDatabase;
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-control-`);
  film = `${folder}/film.mp4`;
  slow = await writeSlowFfmpeg(folder, 6);
  fresh = await freshDatabase();
  await makeFilm({ path: film, ...FILM, output: ['-g', '50'] });
});
after(async () => {
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** A server with a data directory of this name; its rows are in the shared database of this file. */
async function serve(name: string, more: Readonly<Record<string, string>> = {}): Promise<RenditionServer> {
  const dataDir = join(folder, name);
  await mkdir(dataDir, { recursive: true });
  return startRendition({
    dataDir,
    settings: { DATABASE_URL: fresh.url, FFMPEG_PATH: slow, SEGMENT_SECONDS: '2', WORKER_CONCURRENCY: '1', ...more },
  });
}

/** The tasks at a moment when one chunk at least is done and another is in the middle, held there. */
const untilMiddle = (uuid: string) =>
  catchInTheAct(folder, async () => {
    const tasks = await readTasks(fresh.database, uuid);
    const chunks = tasks.filter(({ kind }) => kind === 'chunk');
    assert.ok(
      chunks.some(({ status }) => status === 'done') &&
        chunks.some(({ status, progress }) => status === 'processing' && progress > 0.1 && progress < 0.9),
    );
    return tasks;
  });

const change = async (server: RenditionServer, uuid: string, verb: string): Promise<JobReport> => {
  const response = await fetch(`${server.url}/jobs/${uuid}/${verb}`, { method: 'POST' });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as JobReport;
};

const attemptsOf = (tasks: readonly TaskRow[], of: readonly TaskRow[]) => {
  const done = new Set(of.filter(({ status }) => status === 'done').map(({ id }) => id));
  return tasks.filter(({ id }) => done.has(id)).map(({ id, attempt }) => ({ id, attempt }));
};

describe('in the middle of an encode', { concurrency: 1 }, () => {
  test('cancel ends FFmpeg at once and leaves nothing of what ran', async () => {
    await using server = await serve('one');
    const uuid = await server.submit(film, OUTPUTS);
    await untilMiddle(uuid);
    const canceled = await change(server, uuid, 'cancel');
    assert.equal(canceled.status, 'canceled');
    await eventually(async () => assert.deepEqual(await ffmpegOn(folder), []));
    await eventually(async () => {
      assert.deepEqual(await scratchFiles(`${folder}/one/scratch`), []);
      assert.deepEqual(await strayFolders(fresh.database, `${folder}/one/storage`, uuid), []);
    });
    const report = await server.job(uuid);
    assert.deepEqual([report.status, report.outputs[0]?.status], ['canceled', 'canceled']);
    // Deleting takes the rest.
    assert.equal((await fetch(`${server.url}/jobs/${uuid}`, { method: 'DELETE' })).status, 204);
    await eventually(async () => assert.deepEqual(await attemptFolders(`${folder}/one/storage`, uuid), []));
  });

  test('pause keeps what is finished, resume does the rest only', async () => {
    await using server = await serve('one');
    const uuid = await server.submit(film, OUTPUTS);
    const { seen: before } = await untilMiddle(uuid);
    assert.equal((await change(server, uuid, 'pause')).status, 'paused');
    await eventually(async () => assert.deepEqual(await ffmpegOn(folder), []));
    const paused = await eventually(async () => {
      const tasks = await readTasks(fresh.database, uuid);
      assert.ok(tasks.every(({ status }) => status !== 'processing'));
      return tasks;
    });
    assert.deepEqual(attemptsOf(paused, before), attemptsOf(before, before), 'what was done is kept');
    await change(server, uuid, 'resume');
    assert.equal((await server.waitFor(uuid, 300)).status, 'completed');
    const after = await readTasks(fresh.database, uuid);
    assert.deepEqual(attemptsOf(after, before), attemptsOf(before, before), 'what was done is not done again');
    await checkStream(await urlOf(server, uuid, 0), WANTED);
  });

  test('SIGTERM gives the chunk back without burning a try; the next start goes on', async () => {
    const first = await serve('one');
    const uuid = await first.submit(film, OUTPUTS);
    const { seen: before } = await untilMiddle(uuid);
    const asked = performance.now();
    assert.equal(await first.stop(), 0, first.output());
    assert.ok(performance.now() - asked < 30_000);
    assert.deepEqual(await ffmpegOn(folder), []);
    const stopped = await readTasks(fresh.database, uuid);
    assert.ok(stopped.every(({ status }) => status !== 'processing'));
    const given = stopped.filter(({ id }) => before.some((task) => task.id === id && task.status === 'processing'));
    assert.deepEqual(
      given.map(({ tries, status }) => (status === 'done' ? 'done' : tries)),
      given.map(({ status }) => (status === 'done' ? 'done' : 0)),
    );
    await using second = await serve('one');
    assert.equal((await second.waitFor(uuid, 300)).status, 'completed');
    assert.deepEqual(attemptsOf(await readTasks(fresh.database, uuid), before), attemptsOf(before, before));
    await checkStream(await urlOf(second, uuid, 0), WANTED);
  });

  test('a worker that drains finishes its chunk', async () => {
    await using api = await serve('two', { ROLES: 'api', SECRET_KEY: '1'.repeat(64) });
    const worker = await startWorkerProcess({
      ...{
        DATABASE_URL: fresh.url,
        DATA_DIR: `${folder}/worker`,
        STORAGE_URL: `${folder}/two/storage`,
        SECRET_KEY: '1'.repeat(64),
      },
      ...{ FFMPEG_PATH: slow, SEGMENT_SECONDS: '2', WORKER_CONCURRENCY: '1' },
    });
    try {
      const uuid = await api.submit(film, OUTPUTS);
      const { seen: before, goOn } = await untilMiddle(uuid);
      const asked = performance.now();
      worker.kill('SIGTERM');
      goOn();
      assert.equal(await worker.ended, 0, worker.output());
      assert.ok(performance.now() - asked < 30_000);
      const after = await readTasks(fresh.database, uuid);
      const running = before.filter(({ status }) => status === 'processing').map(({ id }) => id);
      assert.deepEqual(
        after.filter(({ id }) => running.includes(id)).map(({ status }) => status),
        running.map(() => 'done'),
        'what ran is finished',
      );
      assert.ok(
        after.every(({ status }) => status === 'done' || status === 'pending'),
        'nothing new is begun',
      );
      for (const [task, starts] of countStarts(await api.log(uuid))) assert.equal(starts, 1, task);
      await change(api, uuid, 'cancel');
    } finally {
      worker.kill('SIGKILL');
    }
  });
});

describe('a disk that is full', {
  concurrency: 1,
  skip: process.getuid?.() !== 0 && 'only root may mount a small disk',
}, () => {
  const disk = (): string => `${folder}/disk`;
  before(async () => {
    await mkdir(disk());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk()]);
  });
  after(() => execFileSync('umount', [disk()]));

  const places: [name: string, settings: Record<string, string>, output: object][] = [
    ['scratch', { TEMP_VIDEOS_DIR: '' }, { container: 'mp4', height: 54, videoBitrate: '400k', preset: 'ultrafast' }],
    [
      'storage',
      { STORAGE_URL: '' },
      { container: 'hls', renditions: ['108p'], preset: 'ultrafast', passthrough: 'never', instant: false },
    ],
  ];
  for (const [name, settings, output] of places) {
    test(`${name}: the job fails with disk_full, and the worker lives`, async () => {
      const [setting = ''] = Object.keys(settings);
      await using server = await serve(`full-${name}`, {
        [setting]: disk(),
        SCRATCH_RESERVE_BYTES: '0',
        FILE_ROOTS: folder,
        FFMPEG_PATH: 'ffmpeg',
      });
      const body = { source: { kind: 'file', path: film }, outputs: [output] };
      const answer = await fetch(`${server.url}/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 202, await answer.clone().text());
      const { uuid } = (await answer.json()) as { uuid: string };
      const report = await server.waitFor(uuid, 300);
      assert.deepEqual([report.status, report.error?.code], ['failed', 'disk_full'], JSON.stringify(report.error));
      assert.ok(await server.isHealthy());
      // Room again, and it is done: nothing of the failure stands in the way.
      execFileSync('mount', ['-o', 'remount,size=200m', disk()]);
      try {
        await change(server, uuid, 'retry');
        assert.equal((await server.waitFor(uuid, 300)).status, 'completed');
      } finally {
        await fetch(`${server.url}/jobs/${uuid}`, { method: 'DELETE' });
        execFileSync('mount', ['-o', 'remount,size=300k', disk()]);
      }
    });
  }
});
