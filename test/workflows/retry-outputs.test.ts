// A retry does the failed outputs again and nothing else: neither what was delivered nor what both were made from.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { PlatformError } from '#domain/error.ts';
import { retryJob } from '#workflows/retry-job.ts';
import { startWorker } from '#workflows/start-worker.ts';
import type { TaskExecutor } from '#workflows/task-context.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { executors, storeFile } from './fake-executors.ts';
import { openPlannedJob, openTestPlatform, streamSpec, type TestPlatform, taskStates } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database, { settings: { WORKER_CONCURRENCY: '2' } });
});
after(async () => {
  await opened.close();
  await fresh.drop();
});

test('of a stream, a file and a sound, whose last two were refused, only those two are done again', async () => {
  const { platform } = opened;
  const outputs = [
    streamSpec({ instant: true }),
    streamSpec({ container: 'mp4' }),
    streamSpec({ container: 'm4a', destination: { kind: 'file', path: 'a.m4a' } }),
  ];
  const job = await openPlannedJob(platform, { outputs });
  const ran: string[] = [];
  let refusing = true;
  const noting: TaskExecutor = async (to, context) => {
    const { kind, subject, index } = context.task;
    ran.push(`${kind} ${kind === 'chunk' ? index : subject}`);
    if (refusing && kind === 'output' && subject > 0)
      throw new PlatformError('destination_denied', 'no', { retryable: false });
    return storeFile(to, context);
  };
  const all = { 'first-light': noting, copy: noting, audio: noting, subtitles: noting, direct: noting, output: noting };
  const worker = await startWorker(platform, executors(noting, all));
  const ends = (status: string) =>
    eventually(async () => assert.equal((await findJob(fresh.database.db, job.ref, platform.sealer))?.status, status));
  const shown = async () =>
    (await listOutputs(fresh.database.db, job.ref, platform.sealer)).map(({ status, error, result }) => [
      status,
      error?.code ?? null,
      result?.url ?? null,
    ]);
  try {
    await ends('failed');
    const before = await shown();
    assert.deepEqual(
      before.map(([status, code]) => [status, code]),
      [
        ['uploaded', null],
        ['failed', 'destination_denied'],
        ['failed', 'destination_denied'],
      ],
    );
    const states = Object.entries(await taskStates(platform, job.ref));
    assert.deepEqual(
      states.filter(([, status]) => status === 'failed').map(([name]) => name),
      ['output 1', 'output 2'],
    );
    ran.length = 0;
    refusing = false;
    const retried = await retryJob(platform, job.ref);
    assert.equal(retried.error, null);
    await ends('completed');
    assert.deepEqual(ran.toSorted(), ['output 1', 'output 2']);
    const afterwards = await shown();
    assert.deepEqual(afterwards[0], before[0], 'the delivered one is as it was');
    assert.deepEqual(
      afterwards.map(([status, code]) => [status, code]),
      Array(3).fill(['uploaded', null]),
    );
  } finally {
    await worker.stop();
  }
});
