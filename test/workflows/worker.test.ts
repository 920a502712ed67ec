// A worker with executors that only pretend: claims, retries, pause, cancel, drain, software instead of hardware.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { listJobLog } from '#database/job-log.ts';
import { changeJob, findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listPlayableParts, listTasks } from '#database/tasks.ts';
import { listWorkers } from '#database/workers.ts';
import { PlatformError } from '#domain/error.ts';
import type { VideoRendition } from '#domain/plan.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import type { TaskExecutor } from '#workflows/task-context.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { executors, storeFile, workForever } from './fake-executors.ts';
import { type OpenedJob, openPlannedJob, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let workers: Worker[] = [];

before(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  opened = await openTestPlatform(fresh.database, { settings: { WORKER_CONCURRENCY: '2' } });
});
afterEach(async () => {
  for (const worker of workers) await worker.stop();
  workers = [];
  await opened.close();
  await fresh.database.pool.query('delete from job');
  await fresh.database.pool.query('delete from pgboss.job');
});
after(() => fresh.drop());

async function work(chunk?: TaskExecutor, changes?: Parameters<typeof executors>[1]): Promise<Worker> {
  const worker = await startWorker(opened.platform, executors(chunk, changes));
  workers.push(worker);
  return worker;
}
const jobOf = async (job: OpenedJob) => {
  const found = await findJob(fresh.database.db, job.ref, opened.platform.sealer);
  assert.ok(found);
  return found;
};
const ends = (job: OpenedJob, wanted: string) =>
  eventually(async () => {
    const { status, error } = await jobOf(job);
    assert.equal(status, wanted, `${status}: ${error?.message}`);
  });
const tries = async (job: OpenedJob): Promise<number[]> => {
  const { rows } = await fresh.database.pool.query<{ tries: number }>(
    'select tries from task where job_id = $1 order by id',
    [job.ref.jobId],
  );
  return rows.map((row) => row.tries);
};
async function keysOf(job: OpenedJob): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of opened.platform.storage.list(jobPrefix(job.job.uuid))) keys.push(key);
  return keys.sort();
}
const only = { outputs: [streamSpec({ container: 'mp4', audioCodec: 'none' as const })] };

test('every task is done once, the output is uploaded, the job is completed; scratch is empty again', async () => {
  await work();
  const job = await openPlannedJob(opened.platform);
  await ends(job, 'completed');
  const tasks = await listTasks(fresh.database.db, job.ref);
  assert.ok(
    tasks.every(
      ({ status, attempt, workerId }) => status === 'done' && attempt === 1 && workerId === opened.platform.workerId,
    ),
  );
  const stored = new Set(tasks.map(({ id, attempt }) => `t${id}-${attempt}`));
  assert.ok((await keysOf(job)).every((key) => stored.has(key.split('/')[2] ?? '')));
  const [output] = await listOutputs(fresh.database.db, job.ref, opened.platform.sealer);
  assert.deepEqual(
    [output?.status, output?.progress, output?.result?.url],
    ['uploaded', 100, `/media/${job.job.uuid}/0/master.m3u8`],
  );
  const [folder] = await readdir(join(opened.folder, 'scratch'));
  await eventually(async () => assert.deepEqual(await readdir(join(opened.folder, 'scratch', folder ?? '')), []));
});

test('a live worker is listed with what it works on', async () => {
  await work(workForever);
  const job = await openPlannedJob(opened.platform);
  await eventually(async () => {
    const [worker] = await listWorkers(fresh.database.db, new Date(Date.now() - 60_000));
    assert.deepEqual(
      [worker?.id, worker?.pid, worker?.concurrency, worker?.running],
      [opened.platform.workerId, process.pid, 2, [job.ref.jobId]],
    );
  });
  await workers[0]?.stop();
  assert.deepEqual(await listWorkers(fresh.database.db, new Date(0)), []);
});

test('a running chunk tells progress, speed and time left, and its segments can be played', async () => {
  await work(workForever);
  const job = await openPlannedJob(opened.platform);
  await eventually(async () => {
    const { progress, speed, etaSeconds } = await jobOf(job);
    assert.ok(
      progress > 0 && progress < 100 && speed === 4 && etaSeconds !== null && etaSeconds > 0,
      `${progress} ${speed} ${etaSeconds}`,
    );
    const parts = await listPlayableParts(fresh.database.db, job.ref);
    assert.ok(parts.filter(({ kind, parts }) => kind === 'chunk' && parts.length === 1).length === 2);
  });
});

for (const [name, act, status] of [
  ['pause', pauseJob, 'paused'],
  ['cancel', cancelJob, 'canceled'],
] as const) {
  test(`${name} stops the running work at once; of its files only those stay that a pause builds on`, async (t) => {
    let stopped = 0;
    await work(async (platform, context) => {
      try {
        return await workForever(platform, context);
      } finally {
        stopped = performance.now();
      }
    });
    const job = await openPlannedJob(opened.platform, only);
    await eventually(async () => assert.equal((await keysOf(job)).length, 2));
    const shown = await keysOf(job);
    const asked = performance.now();
    assert.equal((await act(opened.platform, job.ref)).status, status);
    await eventually(async () => {
      assert.ok(stopped > 0);
      assert.equal((await opened.platform.queue.counts()).encode.active, 0);
      assert.deepEqual(await keysOf(job), name === 'pause' ? shown : []);
    });
    t.diagnostic(`stopped ${(stopped - asked).toFixed(0)} ms after it was asked`);
    if (name === 'pause')
      assert.ok(
        (await tries(job)).every((count) => count === 0),
        'a paused try counts',
      );
  });
}

test('a resumed job does only what was not done before the pause', async () => {
  const runs = new Map<number, number>();
  let slow = true;
  await work(async (platform, context) => {
    runs.set(context.task.index, (runs.get(context.task.index) ?? 0) + 1);
    return slow && context.task.index >= 3 ? workForever(platform, context) : storeFile(platform, context);
  });
  const job = await openPlannedJob(opened.platform, only);
  await eventually(() => assert.ok(runs.has(3) && runs.has(4)));
  await pauseJob(opened.platform, job.ref);
  slow = false;
  await resumeJob(opened.platform, job.ref);
  await ends(job, 'completed');
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((index) => runs.get(index)),
    [1, 1, 1, 2, 2, 1],
  );
  assert.ok((await tries(job)).every((count) => count === 1));
});

test('deleting a running job stops it and leaves nothing', async () => {
  await work(workForever);
  const job = await openPlannedJob(opened.platform, only);
  await eventually(async () => assert.equal((await keysOf(job)).length, 2));
  await deleteJob(opened.platform, job.ref);
  await eventually(async () => {
    assert.deepEqual((await opened.platform.queue.counts()).encode.active, 0);
    assert.deepEqual(await keysOf(job), []);
  });
});

test('a failure that may pass is tried again after a pause, then fails with its own code; one that cannot fails at once', async () => {
  const runs: Record<string, number> = {};
  const fail =
    (code: 'encode_failed' | 'corrupt_media'): TaskExecutor =>
    async (platform, context) => {
      if (context.task.index !== 1) return storeFile(platform, context);
      runs[code] = (runs[code] ?? 0) + 1;
      await storeFile(platform, context);
      context.log(`saying ${code}`);
      throw new PlatformError(code, 'it broke');
    };
  const twice = { ...opened.platform, config: { ...opened.platform.config, QUEUE_MAX_ATTEMPTS: 2 } };
  const worker = await startWorker(twice, executors(fail('encode_failed')));
  const first = await openPlannedJob(opened.platform, only);
  await ends(first, 'failed');
  await worker.stop();
  assert.equal(runs.encode_failed, 2);
  assert.deepEqual((await jobOf(first)).error?.code, 'encode_failed');
  const failed = (await listTasks(fresh.database.db, first.ref)).find(({ status }) => status === 'failed');
  // The last attempt showed it: a retry builds on it.
  await eventually(async () => {
    const left = (await keysOf(first)).filter((key) => key.includes(`/t${failed?.id}-`));
    assert.deepEqual(left, [`jobs/${first.job.uuid}/t${failed?.id}-2/file`], 'other files were left');
  });
  assert.ok(
    (await listJobLog(fresh.database.db, first.ref)).some(
      ({ task, line }) => task === 'chunk 1' && line === 'saying encode_failed',
    ),
  );
  await opened.close();
  opened = await openTestPlatform(fresh.database);
  await work(fail('corrupt_media'));
  const second = await openPlannedJob(opened.platform, only);
  await ends(second, 'failed');
  assert.equal(runs.corrupt_media, 1);
});

test('while managed storage is away failures count as no tries, and what it has refused is made when it is back', async () => {
  let isAway = true;
  const refuse = () => Promise.reject(new PlatformError('storage_failed', 'the bucket is away'));
  const { storage, config } = opened.platform;
  const check: typeof storage.check = (signal) => (isAway ? refuse() : storage.check(signal));
  const write: typeof storage.write = (...args) => (isAway ? refuse() : storage.write(...args));
  const platform = {
    ...opened.platform,
    storage: { ...storage, check, write },
    config: { ...config, QUEUE_MAX_ATTEMPTS: 1 },
  };
  workers.push(await startWorker(platform, executors()));
  const job = await openPlannedJob(opened.platform, only);
  await eventually(async () => {
    assert.ok((await listJobLog(fresh.database.db, job.ref)).some(({ line }) => /storage is away/.test(line)));
    assert.deepEqual([...new Set(await tries(job))], [0]);
  });
  isAway = false;
  await ends(job, 'completed');
  assert.ok((await tries(job)).every((count) => count === 1));
});

test('a first light that fails takes nothing down', async () => {
  await work(storeFile, {
    'first-light': async () => {
      throw new PlatformError('corrupt_media', 'dark');
    },
  });
  const job = await openPlannedJob(opened.platform, { outputs: [streamSpec({ instant: true })] });
  await ends(job, 'completed');
});

test('a drain gives running work back without burning a try, and another worker ends it', async () => {
  const worker = await work(workForever);
  const job = await openPlannedJob(opened.platform, only);
  await eventually(async () => assert.equal((await keysOf(job)).length, 2));
  await worker.drain({ seconds: 0.3 });
  const { rows: active } = await fresh.database.pool.query(`select id from pgboss.job where state = 'active'`);
  assert.deepEqual(active, [], 'nothing is left to a lease');
  assert.ok((await tries(job)).every((count) => count === 0));
  const given = await keysOf(job);
  assert.equal(given.length, 2, 'what was shown stays');
  const other = await openTestPlatform(fresh.database, { folder: opened.folder });
  const successor = await startWorker(other.platform, executors());
  try {
    await ends(job, 'completed');
    const { rows } = await fresh.database.pool.query('select distinct tries from task where job_id = $1', [
      job.ref.jobId,
    ]);
    assert.deepEqual(rows, [{ tries: 1 }]);
    await eventually(async () => {
      const kept = await keysOf(job);
      assert.deepEqual(
        kept.filter((key) => given.includes(key)),
        [],
        'what the successor did not build on is gone',
      );
    });
  } finally {
    await successor.stop();
    await other.close();
  }
});

test('when hardware fails, all of its renditions are made by software, chunks that were done too', async () => {
  const made: string[] = [];
  let release: () => void = () => undefined;
  const firstDone = new Promise<void>((resolve) => {
    release = resolve;
  });
  const job = await openPlannedJob(opened.platform, only);
  const { plan } = await jobOf(job);
  assert.ok(plan);
  const video = plan.video.map((rendition): VideoRendition => ({ ...rendition, hardware: 'nvenc' }));
  await changeJob(fresh.database.db, job.ref, { plan: { ...plan, video } });
  await work(async (platform, context) => {
    const hardware = context.plan.video[0]?.hardware;
    made.push(`${hardware ?? 'software'} ${context.task.index}`);
    if (hardware && context.task.index === 1) {
      await firstDone;
      throw new PlatformError('hardware_failed', 'no device');
    }
    const result = await storeFile(platform, context);
    if (hardware) setTimeout(release, 100);
    return result;
  });
  await ends(job, 'completed');
  const chunks = plan.timelines[0]?.chunks.length ?? 0;
  const software = made.filter((name) => name.startsWith('software'));
  assert.deepEqual(software.sort(), Array.from({ length: chunks }, (_, i) => `software ${i}`).sort());
  assert.ok(made.includes('nvenc 0') && made.includes('nvenc 1'));
  const tasks = await listTasks(fresh.database.db, job.ref);
  const stored = new Set(tasks.map(({ id, attempt }) => `t${id}-${attempt}`));
  await eventually(async () => {
    const left = (await keysOf(job)).map((key) => key.split('/')[2] ?? '');
    assert.deepEqual(
      left.filter((folder) => !stored.has(folder)),
      [],
      'what hardware had made is gone',
    );
  });
});

test('work that does not fit the scratch disk fails with disk_full and leaves the worker alive', async () => {
  const full = {
    ...opened.platform,
    config: { ...opened.platform.config, SCRATCH_RESERVE_BYTES: Number.MAX_SAFE_INTEGER },
  };
  const worker = await startWorker(full, executors());
  workers.push(worker);
  const job = await openPlannedJob(opened.platform, only);
  await ends(job, 'failed');
  assert.equal((await jobOf(job)).error?.code, 'disk_full');
  assert.equal((await listWorkers(fresh.database.db, new Date(Date.now() - 60_000))).length, 1);
});

test('work whose source is gone fails and leaves no scratch folder', async () => {
  await work();
  const job = await openPlannedJob(opened.platform, {
    ...only,
    source: { kind: 'file', path: join(opened.folder, 'gone.mp4') },
  });
  await ends(job, 'failed');
  assert.equal((await jobOf(job)).error?.code, 'source_not_found');
  const [folder] = await readdir(join(opened.folder, 'scratch'));
  await eventually(async () => assert.deepEqual(await readdir(join(opened.folder, 'scratch', folder ?? '')), []));
});
