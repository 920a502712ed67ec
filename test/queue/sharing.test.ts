// Who gets what of a lane: shares of projects, ageing of what waits, lanes that are held. On a real PostgreSQL.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '#database/listen.ts';
import { jobPriority, type TaskEntry, taskPriority } from '#queue/lane.ts';
import { type GroupLimits, openQueue, type Queue } from '#queue/queue.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';

let fresh: FreshDatabase;
const queues: Queue[] = [];

before(async () => {
  fresh = await freshDatabase();
});
afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.stop({ drainSeconds: 0 });
  await fresh.database.pool.query('delete from pgboss.job');
});
after(() => fresh.drop());

async function open(): Promise<Queue> {
  const { database } = fresh;
  const queue = await openQueue(
    { pool: database.pool, listen: (channel, handler) => listen(database, channel, handler) },
    { visibilityTimeoutMs: 10_000, pollIntervalMs: 100, maxAttempts: 3, supervise: false, onError: assert.ifError },
  );
  queues.push(queue);
  return queue;
}

const entryOf = (jobId: number, changes: Partial<TaskEntry> = {}): TaskEntry => ({
  projectId: 'default',
  jobId,
  taskId: jobId,
  priority: 50,
  ...changes,
});

/** Works on entries for a moment each, and keeps count by project. */
function counter() {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const done: string[] = [];
  const handler = async ({ data: { projectId } }: { readonly data: TaskEntry }) => {
    const now = (running.get(projectId) ?? 0) + 1;
    running.set(projectId, now);
    most.set(projectId, Math.max(now, most.get(projectId) ?? 0));
    await sleep(15);
    running.set(projectId, (running.get(projectId) ?? 0) - 1);
    done.push(projectId);
  };
  return { most, done, handler };
}

test('no project has more than its share in the whole cluster, and none waits behind another’s backlog', async () => {
  const [a, b] = [await open(), await open()];
  const entries = (projectId: string, count: number) =>
    Array.from({ length: count }, (_, i) => ({ data: entryOf(i, { projectId }), priority: 0 }));
  await a.sendAll('encode', entries('greedy', 60));
  await a.sendAll('encode', [...entries('modest', 6), ...entries('wide', 40)]);
  const { most, done, handler } = counter();
  const limits = async (): Promise<GroupLimits> => ({ default: 2, groups: { wide: 5 }, exact: true });
  for (const queue of [a, b]) await queue.work('encode', { concurrency: 8, limits, handler });
  await eventually(() => assert.equal(done.length, 106));
  assert.deepEqual(Object.fromEntries(most), { greedy: 2, modest: 2, wide: 5 });
  assert.ok(done.lastIndexOf('modest') < 50, `modest ended as number ${done.lastIndexOf('modest')}`);
});

test('without limits everything is taken', async () => {
  const queue = await open();
  await queue.sendAll(
    'encode',
    Array.from({ length: 30 }, (_, i) => ({ data: entryOf(i), priority: 0 })),
  );
  const { most, done, handler } = counter();
  await queue.work('encode', { concurrency: 6, limits: async () => null, handler });
  await eventually(() => assert.equal(done.length, 30));
  assert.deepEqual([...most.values()], [6]);
});

test('a lane that is held takes nothing, also one that begins so; released it goes on', async () => {
  const queue = await open();
  const taken: string[] = [];
  queue.hold(['run']);
  await queue.work('run', { concurrency: 1, handler: async () => void taken.push('run') });
  await queue.work('encode', { concurrency: 1, handler: async () => void taken.push('encode') });
  await queue.send('run', entryOf(1));
  await queue.send('encode', entryOf(1));
  await eventually(() => assert.deepEqual(taken, ['encode']));
  queue.hold(['run', 'encode']);
  await queue.send('encode', entryOf(2));
  await sleep(400);
  assert.deepEqual(taken, ['encode']);
  queue.hold([]);
  await eventually(() => assert.deepEqual(taken.toSorted(), ['encode', 'encode', 'run']));
});

const ages = async (): Promise<Record<number, number>> => {
  const { rows } = await fresh.database.pool.query<{ job: number; priority: number }>(
    `select (data->>'jobId')::int as job, priority from pgboss.job order by 1`,
  );
  return Object.fromEntries(rows.map(({ job, priority }) => [job, priority / jobPriority(1)]));
};
const makeOld = (seconds: number, ...jobs: number[]) =>
  fresh.database.pool.query(
    `update pgboss.job set created_on = created_on - $1 * interval '1 second', start_after = start_after - $1 * interval '1 second' where (data->>'jobId')::int = any($2)`,
    [seconds, jobs],
  );

test('what waits gains a point a minute, up to fifty, while something of higher priority stands before it', async () => {
  const queue = await open();
  const send = (jobId: number, priority: number) =>
    queue.send('run', entryOf(jobId, { priority }), { priority: jobPriority(priority) });
  await send(1, 10);
  await send(2, 10);
  await send(3, 40);
  await send(4, 90);
  await makeOld(61, 1, 3, 4);
  assert.equal(await queue.age(), 2, 'the young one waits its minute, the foremost has nobody before it');
  assert.deepEqual(await ages(), { 1: 11, 2: 10, 3: 41, 4: 90 });
  await makeOld(61, 2);
  for (let minute = 0; minute < 100; minute++) await queue.age();
  assert.deepEqual(await ages(), { 1: 60, 2: 60, 3: 90, 4: 90 });
});

test('equal priorities are never rewritten; a job of which something runs does not age', async () => {
  const queue = await open();
  const chunks = (jobId: number, priority: number) =>
    [0, 1, 2].map((index) => ({
      data: entryOf(jobId, { priority }),
      priority: taskPriority(priority, { kind: 'chunk', index }),
    }));
  await queue.sendAll('encode', [...chunks(1, 50), ...chunks(2, 50)]);
  await makeOld(600, 1, 2);
  assert.equal(await queue.age(), 0);
  await queue.sendAll('encode', [...chunks(3, 20), ...chunks(4, 20)]);
  await makeOld(600, 3, 4);
  await fresh.database.pool.query(
    `update pgboss.job set state = 'active' where id = (select id from pgboss.job where (data->>'jobId')::int = 4 limit 1)`,
  );
  assert.equal(await queue.age(), 3, 'job 3 as a whole, job 4 not at all');
});

test('a low job among an endless flow of high ones gets its turn', async () => {
  const queue = await open();
  const order: number[] = [];
  await queue.send('run', entryOf(1, { priority: 30 }), { priority: jobPriority(30) });
  await makeOld(61, 1);
  for (let minute = 0; minute < 21; minute++) {
    await queue.send('run', entryOf(100 + minute), { priority: jobPriority(50) });
    await queue.age();
  }
  await queue.work('run', { concurrency: 1, handler: async ({ data }) => void order.push(data.jobId) });
  await eventually(() => assert.equal(order.length, 22));
  assert.equal(order[0], 1);
});
