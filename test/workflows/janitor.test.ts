// What dead processes and half-done acts leave is removed, and nothing else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { channelSchema, toChannel } from '#api/channels/schema.ts';
import { insertDeliveries } from '#database/deliveries.ts';
import { changeJob, findJob } from '#database/jobs.ts';
import { saveMachine } from '#database/live.ts';
import { saveWorker } from '#database/workers.ts';
import { RUN_MARK } from '#media/ffmpeg.ts';
import { createChannel } from '#workflows/channels/save-channel.ts';
import { endOrphans } from '#workflows/end-orphans.ts';
import { expireJobs, sweepCluster } from '#workflows/janitor.ts';
import { receiveUpload } from '#workflows/receive-upload.ts';
import { bootId, runMark } from '#workflows/run-mark.ts';
import { makeScratch, sweepScratch } from '#workflows/scratch.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { jobRequest, openTestPlatform, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database, { settings: { RETENTION_HOURS: '1' } });
});
after(async () => {
  await opened.close();
  await fresh.drop();
});

test('scratch folders of dead processes go; those of the living, of other hosts and of strangers stay', async () => {
  const { config } = opened.platform;
  const own = await makeScratch(config, 't1-1');
  const root = join(own, '..', '..');
  const dead = [`${hostname()}~${bootId()}~${process.pid}~1`, `${hostname()}~another-boot~1~1`];
  const kept = [`another-host~boot~1~1`, 'holiday-pictures'];
  for (const name of [...dead, ...kept]) await mkdir(join(root, name));
  await writeFile(join(root, dead[0] ?? '', 'segment'), 'x');
  assert.equal(await sweepScratch(config), 2);
  const left = await readdir(root);
  assert.deepEqual(left.sort(), [...kept, own.split('/').at(-2)].sort());
  await utimes(join(root, 'another-host~boot~1~1'), 0, 0);
  assert.equal(await sweepScratch(config), 1, 'of another host, untouched for long');
});

test('orphans of dead supervisors are ended; ours, strangers and those of other boots are not', {
  skip: process.platform === 'linux' ? false : 'needs /proc',
}, async () => {
  const start = (mark: string | null) =>
    spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', ...(mark ? { [RUN_MARK]: mark } : {}) } });
  const orphan = start(`${bootId()}/${process.pid}/1`);
  const others = [start(runMark()), start(null), start('other-boot/1/1'), start('none')];
  const all = [orphan, ...others];
  try {
    await Promise.all(all.map((child) => once(child, 'spawn')));
    const ended = once(orphan, 'exit');
    const swept = await endOrphans();
    assert.ok(swept.includes(orphan.pid ?? 0));
    assert.deepEqual((await ended).at(1), 'SIGKILL');
    assert.ok(
      others.every(
        ({ pid, exitCode, signalCode }) => !swept.includes(pid ?? 0) && exitCode === null && signalCode === null,
      ),
    );
  } finally {
    for (const child of all) child.kill('SIGKILL');
  }
});

test('prefixes without a job, expired uploads, silent workers and jobs past retention go; everything else stays', async () => {
  const { platform, folder } = opened;
  const { pool, db } = fresh.database;
  const body = () => Readable.from([Buffer.from('film')]);
  const inline = { kind: 'inline' as const, data: 'eHg=', filename: null };
  const kept = (await submitJob(platform, jobRequest({ source: inline }))).job;
  const old = (await submitJob(platform, jobRequest({ source: inline }))).job;
  await changeJob(
    db,
    { projectId: 'default', jobId: old.id },
    { status: 'completed', completedAt: new Date(Date.now() - 2 * 3_600_000) },
  );
  const recent = (await submitJob(platform, jobRequest({ source: inline }))).job;
  await changeJob(db, { projectId: 'default', jobId: recent.id }, { status: 'completed', completedAt: new Date() });
  const nobody = `jobs/${crypto.randomUUID()}/source/original`;
  const justNow = `jobs/${crypto.randomUUID()}/source/original`;
  const [missed, longBack] = ['live/silent/a', 'live/silent/b'];
  for (const key of [nobody, justNow, missed, longBack]) await platform.storage.write(key, Buffer.from('x'));
  const ages = [nobody, longBack, kept.sourceKey ?? ''];
  for (const key of ages) await utimes(join(folder, 'storage', key), 0, 0);
  const read = await receiveUpload(platform, { projectId: 'default', filename: 'read', body: body() });
  const reading = (await submitJob(platform, jobRequest({ source: { kind: 'upload', uploadId: read.id } }))).job;
  const unread = await receiveUpload(platform, { projectId: 'default', filename: 'unread', body: body() });
  await pool.query(`update upload set expires_at = now() - interval '1 minute'`);
  const fresher = await receiveUpload(platform, { projectId: 'default', filename: 'fresh', body: body() });
  await saveWorker(db, {
    id: 'silent',
    hostname: 'h',
    pid: 1,
    version: '1',
    concurrency: 1,
    running: [],
    encoders: [],
  });
  await pool.query(`update worker set last_heartbeat_at = now() - interval '2 minutes'`);
  await saveWorker(db, { id: 'alive', hostname: 'h', pid: 1, version: '1', concurrency: 1, running: [], encoders: [] });

  for (const id of ['dead', 'beating'])
    await saveMachine(db, { id, hostname: id, mark: 'b/1/2', namespace: '', cores: 2 });
  await pool.query(`update live_machine set beat_at = now() - interval '2 days' where id = 'dead'`);

  const never = { ...platform, config: { ...platform.config, RETENTION_HOURS: null } };
  assert.equal(await expireJobs(never), 0, 'RETENTION_HOURS=off');
  await sweepCluster(platform);

  const keys = new Set<string>();
  for await (const { key } of platform.storage.list('')) keys.add(key);
  const expected = [kept.sourceKey, recent.sourceKey, justNow, missed, reading.sourceKey, fresher.storageKey];
  assert.deepEqual([...keys].sort(), expected.map(String).sort());
  assert.ok(!keys.has(unread.storageKey));
  assert.deepEqual((await pool.query('select id from worker')).rows, [{ id: 'alive' }]);
  assert.deepEqual((await pool.query('select id from live_machine')).rows, [{ id: 'beating' }]);
  assert.equal(await findJob(db, { projectId: 'default', jobId: old.id }, platform.sealer), null);
  assert.equal(await expireJobs(platform), 0);
});

test('what one chore of the sweep cannot do keeps none of the others', async () => {
  const { platform } = opened;
  const { db, pool } = fresh.database;
  await saveWorker(db, { id: 'gone', hostname: 'h', pid: 1, version: '1', concurrency: 1, running: [], encoders: [] });
  await pool.query(`update worker set last_heartbeat_at = now() - interval '2 minutes' where id = 'gone'`);
  const nobody = `jobs/${crypto.randomUUID()}/source/original`;
  await platform.storage.write(nobody, Buffer.from('x'));
  await utimes(join(opened.folder, 'storage', nobody), 0, 0);
  const denied = new Error('this store lists no half-written objects');
  const storage = new Proxy(platform.storage, {
    get: (store, name) => {
      if (name === 'sweep') return () => Promise.reject(denied);
      const value: unknown = Reflect.get(store, name);
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
  await assert.rejects(sweepCluster({ ...platform, storage }), denied);
  const keys = [];
  for await (const { key } of platform.storage.list(nobody)) keys.push(key);
  assert.deepEqual(keys, []);
});

test('webhooks of videos and channels are forgotten after a month; what a receiver refused for good is not', async () => {
  const { platform } = opened;
  const { db, pool } = fresh.database;
  const channel = await createChannel(platform, {
    projectId: 'default',
    ...toChannel(channelSchema.parse({ name: 'News', input_type: 'test' })),
  });
  const alarm = {
    projectId: 'default',
    channelId: channel.id,
    type: 'channel.down',
    url: 'http://a.test/',
    body: '{}',
  };
  const ids = {
    old: crypto.randomUUID(),
    refused: crypto.randomUUID(),
    waiting: crypto.randomUUID(),
    fresh: crypto.randomUUID(),
  };
  for (const id of Object.values(ids)) await insertDeliveries(db, [{ ...alarm, id }], platform.sealer);
  const set = (id: string, status: string, days: number) =>
    pool.query(`update delivery set status = $2, created_at = now() - $3 * interval '1 day' where id = $1`, [
      id,
      status,
      days,
    ]);
  await set(ids.old, 'delivered', 31);
  await set(ids.refused, 'disabled', 31);
  await set(ids.waiting, 'pending', 31);
  await set(ids.fresh, 'failed', 29);
  await sweepCluster(platform);
  const { rows } = await pool.query<{ id: string }>('select id from delivery where channel_id = $1', [channel.id]);
  assert.deepEqual(rows.map(({ id }) => id).sort(), [ids.refused, ids.waiting, ids.fresh].sort());
});
