// The database goes away again and again while work runs: everything is done in the end, and once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { listEvents } from '#database/events.ts';
import { findJob } from '#database/jobs.ts';
import { listTasks } from '#database/tasks.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { executors, storeFile } from './fake-executors.ts';
import { openPlannedJob, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker;

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database, {
    settings: { WORKER_CONCURRENCY: '3', QUEUE_MAX_ATTEMPTS: '20' },
    supervise: true,
  });
});
after(async () => {
  await worker.stop();
  await opened.close();
  await fresh.drop();
});

test('connections that are cut for two seconds on end lose and double nothing', async (t) => {
  const outputs = [streamSpec({ container: 'mp4', audioCodec: 'none' }), streamSpec({ container: 'm4a' })];
  const jobs = await Promise.all(Array.from({ length: 6 }, () => openPlannedJob(opened.platform, { outputs })));
  worker = await startWorker(
    opened.platform,
    executors(async (platform, context) => {
      await sleep(30, undefined, { signal: context.signal });
      return storeFile(platform, context);
    }),
  );
  const saboteur = new pg.Client({ connectionString: fresh.url });
  await saboteur.connect();
  let cut = 0;
  for (let i = 0; i < 40 || cut <= 10; i++) {
    const { rowCount } = await saboteur.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    cut += rowCount ?? 0;
    await sleep(50);
  }
  await saboteur.end();
  t.diagnostic(`${cut} connections were cut`);
  for (const job of jobs) {
    await eventually(async () => {
      const found = await findJob(fresh.database.db, job.ref, opened.platform.sealer);
      assert.equal(found?.status, 'completed', JSON.stringify(found?.error));
    });
    const events = await listEvents(fresh.database.db, {
      projectId: 'default',
      after: 0,
      limit: 1000,
      jobId: job.ref.jobId,
    });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['job.queued', 'output.uploaded', 'output.uploaded', 'job.completed'],
    );
    // What was delivered is there: nobody removed what had been committed. What only served its making goes with the job's end.
    for (const task of await listTasks(fresh.database.db, job.ref)) {
      assert.equal(task.status, 'done');
      for (const { key } of task.kind === 'output' ? (task.result?.files ?? []) : []) {
        assert.ok(key.startsWith(jobPrefix(job.job.uuid)));
        await opened.platform.storage.stat(key);
      }
    }
  }
});
