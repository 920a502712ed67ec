// Two `rendition work` processes share the chunks of one film. One that is killed or frozen loses its chunk to the other, and nothing else.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { checkFile, checkStream, urlOf } from './check-result.ts';
import { makeFilm } from './film.ts';
import {
  ffmpegOn,
  readTasks,
  scratchFiles,
  startWorkerProcess,
  strayFolders,
  type TaskRow,
  type WorkerProcess,
  writeSlowFfmpeg,
} from './processes.ts';

const FILM = { width: 192, height: 108, fps: '25', seconds: 40 };
const WANTED = { frames: 1000, fps: { num: 25, den: 1 }, sourceWidth: FILM.width };
const OUTPUTS = [
  { container: 'hls', renditions: ['108p', '54p'], preset: 'superfast', passthrough: 'never' },
  { container: 'mp4', height: 108, preset: 'superfast', passthrough: 'never' },
];

let folder = '';
let fresh: FreshDatabase;
let api: RenditionServer;
let settings: Record<string, string>;
const workers: WorkerProcess[] = [];

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-cluster-`);
  fresh = await freshDatabase();
  // Short segments make three chunks of a short film: of 4, 12 and 24 s, which last one, three and six seconds at the least.
  settings = {
    ...{ DATABASE_URL: fresh.url, STORAGE_URL: join(folder, 'storage'), SECRET_KEY: randomBytes(32).toString('hex') },
    ...{ SEGMENT_SECONDS: '2', WORKER_CONCURRENCY: '1', QUEUE_VISIBILITY_TIMEOUT_MS: '10000' },
    FFMPEG_PATH: await writeSlowFfmpeg(folder, 4),
  };
  await makeFilm({ path: `${folder}/film.mp4`, ...FILM, output: ['-g', '50'] });
  await mkdir(`${folder}/api`);
  api = await startRendition({ dataDir: `${folder}/api`, settings: { ...settings, ROLES: 'api' } });
  await Promise.all([startOne('a'), startOne('b')]);
});

after(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.map(({ ended }) => ended));
  await api?.stop();
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function startOne(name: string): Promise<WorkerProcess> {
  const worker = await startWorkerProcess({ ...settings, DATA_DIR: `${folder}/${name}`, WORKER_ID: name });
  workers.push(worker);
  return worker;
}

const workerOf = (id: string | null): WorkerProcess => {
  const worker = workers.findLast((one) => one.id === id);
  assert.ok(worker, `worker ${id}`);
  return worker;
};

describe('two workers, one film', { concurrency: 1 }, () => {
  test('one is stopped for longer than its lease: the other takes over, and the sleeper wakes to nothing', async () => {
    const uuid = await api.submit(`${folder}/film.mp4`, OUTPUTS);
    const { task: victim, worker: sleeper } = await stopInTheMiddle(uuid);
    try {
      const taken = await takenOver(uuid, victim);
      assert.notEqual(taken.workerId, sleeper.id);
    } finally {
      sleeper.kill('SIGCONT');
    }
    await finished(uuid);
    const tasks = await readTasks(fresh.database, uuid);
    const task = tasks.find(({ id }) => id === victim.id);
    assert.equal(task?.attempt, victim.attempt + 1, 'the other attempt is the one that counts');
    // Of what the sleeper had made only the segments stay that the other attempt goes on behind, where there are any.
    await eventually(async () => assert.deepEqual(await strayFolders(fresh.database, `${folder}/storage`, uuid), []));
    // It is alive and takes part again.
    await eventually(async () => {
      const running = (await (await fetch(`${api.url}/workers`)).json()) as { workers: { id: string }[] };
      assert.deepEqual(running.workers.map(({ id }) => id).sort(), ['a', 'b']);
    });
  });

  test('one is killed: the other takes over', async () => {
    const uuid = await api.submit(`${folder}/film.mp4`, OUTPUTS);
    const { task: victim, worker: dead } = await stopInTheMiddle(uuid);
    const before = await readTasks(fresh.database, uuid);
    dead.kill('SIGKILL');
    await dead.ended;
    const taken = await takenOver(uuid, victim);
    assert.notEqual(taken.workerId, dead.id);
    await finished(uuid);
    const tasks = await readTasks(fresh.database, uuid);
    for (const done of before.filter(({ status }) => status === 'done')) {
      assert.equal(
        tasks.find(({ id }) => id === done.id)?.attempt,
        done.attempt,
        'nothing that was done is done again',
      );
    }
    await eventually(async () => assert.deepEqual(await strayFolders(fresh.database, `${folder}/storage`, uuid), []));
  });
});

/** A worker in the middle of a chunk that is not the first, stopped (SIGSTOP), and that chunk. */
function stopInTheMiddle(uuid: string): Promise<{ readonly task: TaskRow; readonly worker: WorkerProcess }> {
  const look = async () => {
    const tasks = await readTasks(fresh.database, uuid);
    const task = tasks.find(
      ({ kind, status, index, progress }) =>
        kind === 'chunk' && status === 'processing' && index > 0 && progress > 0.1 && progress < 0.7,
    );
    assert.ok(task, 'one is well under way');
    return task;
  };
  return eventually(
    async () => {
      const worker = workerOf((await look()).workerId);
      worker.kill('SIGSTOP');
      try {
        // What was seen a moment ago may have ended since.
        const task = await look();
        assert.equal(task.workerId, worker.id);
        return { task, worker };
      } catch (error) {
        worker.kill('SIGCONT');
        throw error;
      }
    },
    { within: 240_000, every: 50 },
  );
}

/** The task once another attempt has it. */
async function takenOver(uuid: string, { id, attempt }: TaskRow): Promise<TaskRow> {
  let found: TaskRow | undefined;
  await eventually(
    async () => {
      found = (await readTasks(fresh.database, uuid)).find((task) => task.id === id);
      assert.ok(found && found.attempt > attempt && found.status !== 'pending', 'taken over');
    },
    { within: 240_000, every: 100 },
  );
  assert.ok(found);
  return found;
}

async function finished(uuid: string): Promise<void> {
  await api.waitFor(uuid, 300);
  await checkStream(await urlOf(api, uuid, 0), WANTED);
  await checkFile(await urlOf(api, uuid, 1), WANTED, FILM.width);
  await eventually(async () => {
    assert.deepEqual(await ffmpegOn(folder), []);
    for (const worker of workers.filter(({ pid }) => isRunning(pid)))
      assert.deepEqual(await scratchFiles(`${folder}/${worker.id}/scratch`), []);
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // Ended.
    return false;
  }
}
