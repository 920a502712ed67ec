// What a failed job had sent is removed without a transaction that waits for its destination, and a retry waits for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimTask } from '#database/held-tasks.ts';
import { findJob } from '#database/jobs.ts';
import { listTasks } from '#database/tasks.ts';
import { insertUpload } from '#database/upload-tasks.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { removeDelivered } from '#workflows/remove-delivered.ts';
import { retryJob } from '#workflows/retry-job.ts';
import { eventually } from '../kit/eventually.ts';
import { openOwnPlatform, openPlannedJob, streamSpec } from './test-platform.ts';

const { fresh, opened } = await openOwnPlatform();

test('a slow destination holds up a retry of its job, and nothing else of the database', async () => {
  const { platform } = opened;
  const { db, pool } = fresh.database;
  const job = await openPlannedJob(platform, { outputs: [streamSpec({ destination: { kind: 'file', path: 'out' } })] });
  const upload = await insertUpload(db, job.ref, { output: 0, index: 0, weight: 1 });
  const claim = { workerId: 'w', entry: crypto.randomUUID(), delivery: 0 };
  assert.ok(await claimTask(db, { ...job.ref, taskId: upload.taskId }, claim));
  await cancelJob(platform, job.ref);

  const [reached, mayGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = Object.create(platform.locations, {
    openDestination: {
      value: async (...args: Parameters<typeof platform.locations.openDestination>) => {
        reached.resolve();
        await mayGo.promise;
        return platform.locations.openDestination(...args);
      },
    },
  }) as typeof platform.locations;
  const removing = removeDelivered({ ...platform, locations: slow }, job.ref);
  await Promise.race([reached.promise, removing]);
  const openTransactions = `select query from pg_stat_activity where datname = current_database()
    and xact_start < now() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
  // Others come and go; one that waits for the destination would stay.
  await eventually(async () => assert.deepEqual((await pool.query(openTransactions)).rows, []));
  let isRetried = false;
  const retrying = retryJob(platform, job.ref).then(() => {
    isRetried = true;
  });
  // The row is free: another change of it goes through while the retry waits.
  await pool.query('update job set priority = 51 where id = $1', [job.ref.jobId]);
  assert.equal((await findJob(db, job.ref, platform.sealer))?.status, 'canceled');
  assert.equal(isRetried, false);

  mayGo.resolve();
  await removing;
  await retrying;
  const sent = (await listTasks(db, job.ref)).find(({ id }) => id === upload.taskId);
  assert.deepEqual([sent?.status, sent?.attempt], ['pending', 2], 'its attempt is over, and it is done again');
  const locks = await pool.query(
    `select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  assert.equal(locks.rowCount, 0, 'the lock is given back');
});
