// The queue on a real PostgreSQL: transactions, order, wake-up, leases, dead entries, drain.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '#database/listen.ts';
import { PlatformError } from '#domain/error.ts';
import { jobPriority, type Lane, taskPriority } from '#queue/lane.ts';
import { type Entry, openQueue, type Queue, type QueueSettings } from '#queue/queue.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';

let fresh: FreshDatabase;
const queues: Queue[] = [];
const errors: unknown[] = [];

before(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  for (const queue of queues.splice(0)) await queue.stop({ drainSeconds: 0 });
  errors.length = 0;
});
after(async () => {
  for (const queue of queues) await queue.stop({ drainSeconds: 0 });
  await fresh.drop();
});

async function open(settings: Partial<QueueSettings> = {}): Promise<Queue> {
  const { database } = fresh;
  const queue = await openQueue(
    { pool: database.pool, listen: (channel, handler) => listen(database, channel, handler) },
    {
      visibilityTimeoutMs: 10_000,
      pollIntervalMs: 60_000,
      maxAttempts: 3,
      supervise: false,
      onError: (error) => errors.push(error),
      ...settings,
    },
  );
  queues.push(queue);
  return queue;
}

/** Waiting and active. */
async function inLane(queue: Queue, lane: Lane): Promise<number[]> {
  const { waiting, active } = (await queue.counts())[lane];
  return [waiting, active];
}

const entryOf = (jobId: number, taskId = jobId) => ({ projectId: 'default', jobId, taskId });

test('an entry exists if and only if its transaction commits', async () => {
  const queue = await open();
  const { db } = fresh.database;
  await assert.rejects(
    db.transaction().execute(async (transaction) => {
      await queue.send('encode', entryOf(1), { transaction });
      throw new Error('rolled back');
    }),
    /rolled back/,
  );
  assert.deepEqual(await inLane(queue, 'encode'), [0, 0]);
  await db.transaction().execute((transaction) => queue.send('encode', entryOf(1), { transaction }));
  assert.deepEqual(await inLane(queue, 'encode'), [1, 0]);
  await db.transaction().execute((transaction) => queue.cancelJob(1, transaction));
  assert.deepEqual(await inLane(queue, 'encode'), [0, 0]);
});

test('higher priority first, a new job’s first chunk before an old job’s later ones, equals by age', async () => {
  const queue = await open();
  const chunk = (jobId: number, index: number, priority = 50) => ({
    data: entryOf(jobId, jobId * 100 + index),
    priority: taskPriority(priority, { kind: 'chunk', index }),
  });
  await queue.sendAll('encode', [chunk(1, 0), chunk(1, 1), chunk(1, 2)]);
  await queue.sendAll('encode', [chunk(2, 0), chunk(2, 1)]);
  await queue.sendAll('encode', [chunk(3, 0, 60), chunk(3, 9, 60)]);
  const order: number[] = [];
  await queue.work('encode', {
    concurrency: 1,
    handler: async ({ data }) => {
      order.push(data.taskId);
    },
  });
  await eventually(() => assert.equal(order.length, 7));
  assert.deepEqual(order, [300, 309, 100, 200, 101, 201, 102]);
  assert.ok(jobPriority(100) + 1 < 2 ** 31);
});

test('a notification wakes the lane: nobody waits for the poll', async (t) => {
  const queue = await open({ pollIntervalMs: 60_000 });
  const taken: number[] = [];
  await queue.work('audio', {
    concurrency: 4,
    handler: async () => {
      taken.push(performance.now());
    },
  });
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) {
    const sent = performance.now();
    await queue.send('audio', entryOf(i));
    await eventually(() => assert.equal(taken.length, i + 1), { every: 1 });
    waits.push((taken.at(-1) ?? 0) - sent);
  }
  waits.sort((a, b) => a - b);
  const median = waits[10] ?? 0;
  t.diagnostic(`from send to handler: median ${median.toFixed(1)} ms, worst ${waits.at(-1)?.toFixed(1)} ms`);
  assert.ok(median < 5000, `median ${median} ms of a poll every minute`);
});

test('a bulk of entries keeps every slot busy until the lane is empty', async () => {
  const queue = await open();
  let running = 0;
  let most = 0;
  let done = 0;
  await queue.work('image', {
    concurrency: 3,
    handler: async () => {
      most = Math.max(most, ++running);
      await sleep(2);
      running -= 1;
      done += 1;
    },
  });
  await queue.sendAll(
    'image',
    Array.from({ length: 60 }, (_, i) => ({ data: entryOf(i), priority: 0 })),
  );
  await eventually(() => assert.equal(done, 60));
  assert.equal(most, 3);
});

test('what is given back comes again as a fresh entry: its delivery count starts anew', async () => {
  const queue = await open();
  const seen: { id: string; delivery: number; priority: number }[] = [];
  await queue.work('deliver', {
    concurrency: 1,
    handler: async (entry) => {
      seen.push({ id: entry.id, delivery: entry.delivery, priority: entry.priority });
      if (seen.length < 6) await queue.giveBack(entry);
    },
  });
  await queue.send('deliver', entryOf(1), { priority: 7 });
  await eventually(() => assert.equal(seen.length, 6));
  assert.equal(new Set(seen.map(({ id }) => id)).size, 6);
  assert.ok(seen.every(({ delivery, priority }) => delivery === 0 && priority === 7));
  await eventually(async () => assert.deepEqual(await inLane(queue, 'deliver'), [0, 0]));
});

test('a handler that throws is tried maxAttempts times; then the entry is dead, with its data', async () => {
  const queue = await open({ maxAttempts: 2, pollIntervalMs: 100 });
  const deliveries: number[] = [];
  const dead: Entry<'dead'>[] = [];
  let id = '';
  await queue.work('dead', {
    concurrency: 1,
    handler: async (entry) => {
      dead.push(entry);
    },
  });
  await queue.work('deliver', {
    concurrency: 1,
    handler: async (entry) => {
      id = entry.id;
      deliveries.push(entry.delivery);
      throw new Error('always');
    },
  });
  await queue.send('deliver', entryOf(77));
  await eventually(() => assert.equal(dead.length, 1));
  assert.deepEqual(deliveries, [0, 1]);
  assert.deepEqual(dead[0]?.data, entryOf(77));
  assert.equal(dead[0]?.sourceId, id);
  assert.equal(errors.length, 2);
});

test('a worker that lost its lease is told so, and its settlement does not touch the successor', async () => {
  const queue = await open();
  const reasons: unknown[] = [];
  let release: () => void = () => undefined;
  await queue.work('encode', {
    concurrency: 1,
    handler: async ({ signal }) => {
      await new Promise<void>((resolve) => {
        release = resolve;
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          resolve();
        });
      });
    },
  });
  await queue.send('encode', entryOf(5));
  await eventually(async () => assert.equal((await queue.counts()).encode.active, 1));
  // What a successor's fetch leaves in the row.
  await fresh.database.pool.query(
    `update pgboss.job set retry_count = retry_count + 1 where name = 'encode' and state = 'active'`,
  );
  await eventually(() => assert.equal(reasons.length, 1));
  release();
  const [reason] = reasons;
  assert.ok(reason instanceof PlatformError && reason.code === 'lease_lost');
  await sleep(50);
  const { rows } = await fresh.database.pool.query(
    `select state from pgboss.job where name = 'encode' and data @> '{"jobId":5}'`,
  );
  assert.deepEqual(rows, [{ state: 'active' }], 'the successor still works on it');
  await fresh.database.pool.query(`delete from pgboss.job where name = 'encode'`);
});

test('a drain lets work end, then aborts the rest with shutting_down; nothing more is taken', async () => {
  const queue = await open();
  const ends: string[] = [];
  let started = 0;
  await queue.work('encode', {
    concurrency: 2,
    handler: async ({ data, signal }) => {
      started += 1;
      if (data.taskId === 1) {
        await sleep(200);
        ends.push('done');
        return;
      }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      ends.push(signal.reason.code);
    },
  });
  await queue.sendAll(
    'encode',
    [1, 2].map((id) => ({ data: entryOf(id), priority: 0 })),
  );
  await eventually(() => assert.equal(started, 2));
  const stopping = queue.stop({ drainSeconds: 1 });
  const other = await open();
  await other.send('encode', entryOf(3));
  await stopping;
  assert.deepEqual(ends, ['done', 'shutting_down']);
  assert.equal(started, 2);
  assert.equal((await other.counts()).encode.waiting, 1);
  await fresh.database.pool.query(`delete from pgboss.job where name = 'encode'`);
});

test('the same chore from many processes at once is one entry', async () => {
  const [a, b] = [await open(), await open()];
  await Promise.all([a, b, a, b].map((queue) => queue.sendOnceEvery('housekeeping', { chore: 'sweep' }, 3600)));
  assert.equal((await a.counts()).housekeeping.waiting, 1);
});

test('a second start finds everything in place and makes nothing', async () => {
  const lanes = async () => (await fresh.database.pool.query('select name, created_on from pgboss.queue')).rows;
  await open();
  const before = await lanes();
  assert.ok(before.length > 0);
  await open();
  assert.deepEqual(await lanes(), before);
});
