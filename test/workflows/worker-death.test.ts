// Workers that die (kill -9) or sleep past their lease (SIGSTOP): another takes over, and the effect is there exactly once.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findJob } from '#database/jobs.ts';
import { listTasks } from '#database/tasks.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { sweepScratch } from '#workflows/scratch.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { executors, storeFile } from './fake-executors.ts';
import { type OpenedJob, openPlannedJob, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker | undefined;
const key = randomBytes(32);
const children: ChildProcess[] = [];

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database, {
    sealingKey: key,
    settings: { WORKER_CONCURRENCY: '2' },
    supervise: true,
  });
});
after(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    child.kill('SIGCONT');
  }
  await worker?.stop();
  await opened.close();
  await fresh.drop();
});

async function startChild(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'worker-process.ts'), [fresh.url, opened.folder, key.toString('hex')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  const [message] = await once(child, 'message');
  assert.equal(message, 'working');
  return child;
}

const running = async (job: OpenedJob) =>
  (await listTasks(fresh.database.db, job.ref)).filter(({ status }) => status === 'processing');

test('what a killed and a sleeping worker held is done by another within 30 s, once; the sleeper’s wake-up changes nothing', async (t) => {
  const [killed, sleeper] = [await startChild(), await startChild()];
  const job = await openPlannedJob(opened.platform, {
    outputs: [streamSpec({ container: 'mp4', audioCodec: 'none' })],
  });
  await eventually(async () => assert.equal((await running(job)).length, 2));
  const held = await running(job);
  killed.kill('SIGKILL');
  sleeper.kill('SIGSTOP');
  const died = performance.now();
  const runs = new Map<number, number>();
  worker = await startWorker(
    opened.platform,
    executors(async (platform, context) => {
      runs.set(context.task.index, (runs.get(context.task.index) ?? 0) + 1);
      return storeFile(platform, context);
    }),
  );
  await eventually(
    async () => {
      const found = await findJob(fresh.database.db, job.ref, opened.platform.sealer);
      assert.equal(found?.status, 'completed', JSON.stringify(found?.error));
    },
    { within: 30_000 },
  );
  t.diagnostic(`taken over and completed ${((performance.now() - died) / 1000).toFixed(1)} s after the death`);
  const tasks = await listTasks(fresh.database.db, job.ref);
  assert.ok(tasks.every(({ status, workerId }) => status === 'done' && workerId === opened.platform.workerId));
  assert.ok(
    [...runs.values()].every((count) => count === 1),
    'a chunk was done twice by the survivor',
  );
  assert.deepEqual(
    held.map(({ id }) => tasks.find((task) => task.id === id)?.attempt),
    [2, 2],
  );

  sleeper.kill('SIGCONT');
  // Awake, it learns that its lease is gone, stops, and removes what its attempt had stored.
  const sleepersPrefix = held.map(({ id }) => `${jobPrefix(job.job.uuid)}t${id}-1/`);
  await eventually(async () => {
    const { rows } = await fresh.database.pool.query(
      `select count(*)::int as active from pgboss.job where name = 'encode' and state = 'active'`,
    );
    assert.deepEqual(rows, [{ active: 0 }]);
    for await (const { key: left } of opened.platform.storage.list(jobPrefix(job.job.uuid))) {
      assert.ok(!sleepersPrefix.some((prefix) => left.startsWith(prefix)), left);
    }
  });
  assert.deepEqual(await listTasks(fresh.database.db, job.ref), tasks);
  const ended = once(sleeper, 'exit');
  sleeper.kill('SIGKILL');
  await ended;
  // The survivor's own sweep at its start may have removed the folder of the killed one already: what counts is that neither stays.
  await sweepScratch(opened.platform.config);
  const scratch = await readdir(join(opened.folder, 'scratch'));
  for (const { pid } of [killed, sleeper])
    assert.deepEqual(
      scratch.filter((name) => name.split('~').includes(String(pid))),
      [],
      'the scratch folder of a dead process',
    );
});
