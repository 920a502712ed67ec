// Which machine may take whose channels, and which must let go: with a real database that both lose, or one of them alone.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimChannelJob, insertChannelJob, listFreeChannelJobs } from '#database/channel-jobs.ts';
import { listBeats } from '#database/live.ts';
import { Pulse, type PulseOptions } from '#live/pulse.ts';
import { Silence } from '#live/silence.ts';
import { openDisk } from '#storage/disk.ts';
import type { ManagedStore } from '#storage/managed.ts';
import { eventually } from '../kit/eventually.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { freshDatabase } from '../kit/postgres.ts';

/** A quarter of the real one. */
const PACE = { beat: 0.25, answer: 0.75, warn: 1.75, dead: 2.5, notice: 0.75, doubt: 0.75, cutOff: 1.75 };

let folder: string;
let disk: ManagedStore;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-pulse-'));
  disk = await openDisk(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

/** A database, and machines with a way of their own to it each. */
async function openCluster() {
  const stack = new AsyncDisposableStack();
  const fresh = await freshDatabase();
  stack.defer(fresh.drop);
  const add = async (id: string, options: Partial<PulseOptions> = {}) => {
    const url = new URL(fresh.url);
    const proxy = await startFaultProxy({ target: Number(url.port), fault: () => ({}) });
    stack.defer(() => proxy.stop());
    url.port = String(proxy.port);
    const lost: string[] = [];
    const pulse = new Pulse({
      ...{ url: url.href, storage: disk, detachedSeconds: 60, pace: PACE },
      self: { id, hostname: id, mark: 'b/1/2', namespace: '', cores: 2 },
      onLost: (reason) => void lost.push(reason),
      onError: () => undefined,
      ...options,
    });
    await pulse.start();
    stack.defer(() => pulse.stop());
    return { pulse, proxy, lost, dead: () => pulse.dead.map((machine) => machine.id) };
  };
  return { database: fresh.database, add, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('silence is what was watched: looks that were not answered end it, and slow ones count little', () => {
  const silence = new Silence(2);
  const at = (now: number, beat: number) => {
    silence.hear([{ id: 'a', beat }], now);
    return silence.atLeast(0).map(({ seconds }) => seconds);
  };
  assert.deepEqual(at(100, 7), [0], 'however old a beat is: nobody has watched it yet');
  assert.deepEqual(at(101, 7), [1]);
  assert.deepEqual(at(131, 7), [3], 'what was not seen for half a minute may have been away as long');
  assert.deepEqual(at(132, 8), [0], 'heard');
  assert.deepEqual(at(133, 8), [1]);
  silence.interrupt();
  assert.deepEqual(silence.atLeast(0), []);
  assert.deepEqual([at(134, 8), at(135, 8)], [[0], [1]], 'from the beginning');
  silence.hear([], 136);
  assert.deepEqual(silence.atLeast(0), [], 'forgotten');
});

test('a database that was away for all moves no channel; a machine that is cut off alone is told, lets go, and comes back', async () => {
  await using cluster = await openCluster();
  const [a, b] = [await cluster.add('a'), await cluster.add('b')];
  const { db, pool } = cluster.database;
  const { rows } = await pool.query<{ id: number }>(
    `insert into channel (project_id, name, slug, spec) values ('default', 'News', 'news', '{}') returning id`,
  );
  const jobId = await insertChannelJob(db, { projectId: 'default', channelId: Number(rows[0]?.id) });
  await pool.query('update channel_job set wanted = true where id = $1', [jobId]);
  assert.ok(await claimChannelJob(db, { jobId, machineId: 'a', dead: [] }));
  const free = async () => (await listFreeChannelJobs(db, b.pulse.dead)).map(({ id }) => id);

  for (const { proxy } of [a, b]) proxy.freeze();
  await sleep(3000);
  for (const { pulse } of [a, b]) assert.equal(pulse.isHeard, false);
  for (const { proxy } of [a, b]) proxy.thaw();
  await eventually(() => {
    assert.deepEqual([b.dead(), a.lost, b.lost], [[], [], []]);
    for (const { pulse } of [a, b]) assert.ok(pulse.isHeard);
  });
  assert.deepEqual(await free(), []);
  assert.deepEqual([a.lost, b.lost], [[], []]);

  // Only one of them, and only from the database.
  a.proxy.freeze();
  await eventually(() => assert.equal(a.lost.length, 1));
  assert.match(a.lost[0] ?? '', /others do/);
  await eventually(() => assert.deepEqual(b.dead(), ['a']));
  assert.deepEqual(await free(), [jobId]);
  const [seen] = b.pulse.dead;
  a.proxy.thaw();
  await eventually(() => assert.ok(a.pulse.isHeard));
  await eventually(() => assert.deepEqual(b.dead(), []));
  assert.equal(await claimChannelJob(db, { jobId, machineId: 'b', dead: seen ? [seen] : [] }), null, 'heard since');
  assert.equal(a.lost.length, 1);
});

test('without storage a machine that is not alone lets go at once; one that is goes on, for its time', async () => {
  let isAway = false;
  const read: ManagedStore['read'] = (...args) => (isAway ? Promise.reject(new Error('away')) : disk.read(...args));
  const storage = { ...disk, read };
  await using cluster = await openCluster();
  const one = await cluster.add('one', { storage });
  await cluster.add('other');
  await eventually(async () => assert.equal((await listBeats(cluster.database.db)).length, 2));
  await eventually(() => assert.ok(!one.pulse.isAlone));
  isAway = true;
  one.proxy.freeze();
  await eventually(() => assert.match(one.lost.join(), /Neither/));

  await using another = await openCluster();
  const single = await another.add('single', { storage, detachedSeconds: 1 });
  const cutAt = performance.now();
  single.proxy.freeze();
  await eventually(() => assert.match(single.lost.join(), /CHANNEL_DETACHED_SECONDS/));
  assert.ok(performance.now() - cutAt > 500);
});
