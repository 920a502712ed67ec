// The table families: paging, search, projects apart, strange texts, bounded logs, keys of workers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import { isClosed, listChannels } from '#database/channels.ts';
import { insertDeliveries } from '#database/deliveries.ts';
import { findDueDelivery } from '#database/due-deliveries.ts';
import { claimTask, saveTaskProgress } from '#database/held-tasks.ts';
import { appendJobLog, LOG_LINES, listJobLog, trimJobLog } from '#database/job-log.ts';
import { changeJob, countJobs, findJob, findJobByUuid, type JobRef, listJobs } from '#database/jobs.ts';
import { insertJobs, type NewJob } from '#database/new-jobs.ts';
import { changeOutputs, listOutputs, listOutputsOf } from '#database/outputs.ts';
import { saveJobProgress } from '#database/progress.ts';
import { SEALED_TABLES } from '#database/reseal.ts';
import { forShowing } from '#database/sealed-location.ts';
import { insertTasks, listReadyTasks, listTasks } from '#database/tasks.ts';
import { type Keys, makeSealer } from '#domain/sealing.ts';
import { type ResealProgress, resealAll } from '#workflows/reseal-all.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { streamSpec } from '../workflows/test-platform.ts';

let fresh: FreshDatabase;
const OLD = randomBytes(32);
const sealer = makeSealer([OLD]);

before(async () => {
  fresh = await freshDatabase();
  await fresh.database.pool.query(`insert into project (id, name) values ('other', 'Other')`);
});
after(() => fresh.drop());

async function makeJob(changes: Partial<NewJob> = {}, by = sealer): Promise<JobRef & { uuid: string }> {
  const [made] = await insertJobs(
    fresh.database.db,
    [
      {
        projectId: 'default',
        api: 'jobs',
        source: { kind: 'managed', key: 'film' },
        outputs: [],
        priority: 50,
        metadata: {},
        notificationUrl: null,
        idempotencyKey: null,
        uuid: uuidv7(),
        requestHash: 'x',
        sourceKey: null,
        ...changes,
      },
    ],
    by,
  );
  assert.ok(made);
  return { projectId: made.job.projectId, jobId: made.job.id, uuid: made.job.uuid };
}

test('jobs are listed newest first, in pages, by status and by search; another project sees none of them', async () => {
  const { db } = fresh.database;
  const made = [];
  for (let i = 0; i < 7; i++)
    made.push(await makeJob({ projectId: 'other', metadata: { title: i === 3 ? '100%_Holiday' : `film ${i}` } }));
  const ids = made.map(({ jobId }) => jobId).reverse();
  const first = await listJobs(db, { projectId: 'other', limit: 3 }, sealer);
  assert.deepEqual(
    first.map(({ id }) => id),
    ids.slice(0, 3),
  );
  const next = await listJobs(db, { projectId: 'other', limit: 10, before: first.at(-1)?.id ?? 0 }, sealer);
  assert.deepEqual(
    next.map(({ id }) => id),
    ids.slice(3),
  );
  const found = async (search: string) =>
    (await listJobs(db, { projectId: 'other', limit: 10, search }, sealer)).map(({ id }) => id);
  assert.deepEqual(await found('holiday'), [made[3]?.jobId]);
  assert.deepEqual(await found('100%_'), [made[3]?.jobId], 'wildcards are letters');
  assert.deepEqual(await found('%'), [made[3]?.jobId]);
  assert.deepEqual(await found(made[5]?.uuid ?? ''), [made[5]?.jobId]);
  await changeJob(db, { projectId: 'other', jobId: made[0]?.jobId ?? 0 }, { status: 'completed' });
  assert.deepEqual(
    (await listJobs(db, { projectId: 'other', limit: 10, status: 'completed' }, sealer)).map(({ id }) => id),
    [made[0]?.jobId],
  );
  assert.deepEqual(await countJobs(db, 'other'), { completed: 1, queued: 6 });
  assert.deepEqual(await listJobs(db, { projectId: 'default', limit: 10 }, sealer), []);
  assert.equal(await findJob(db, { projectId: 'default', jobId: made[0]?.jobId ?? 0 }, sealer), null);
  assert.equal(await findJobByUuid(db, { projectId: 'default', uuid: made[0]?.uuid ?? '' }, sealer), null);
  assert.equal(await changeJob(db, { projectId: 'default', jobId: made[0]?.jobId ?? 0 }, { status: 'failed' }), false);
});

test('texts that PostgreSQL refuses are stored without what it refuses', async () => {
  const { db } = fresh.database;
  const job = await makeJob({ metadata: { odd: 'a\u0000b\ud800c', quoted: '\\u0000', list: ['\u0000'] } });
  const found = await findJob(db, job, sealer);
  assert.deepEqual(found?.metadata, { odd: 'ab\ufffdc', quoted: '\\u0000', list: [''] });
  await appendJobLog(db, job, [{ at: new Date(), task: 'chunk 0', line: 'title: \u0000\ud800' }]);
  assert.deepEqual(
    (await listJobLog(db, job)).map(({ line }) => line),
    ['title: \ufffd'],
  );
});

test('a log keeps its order and its last lines; long lines are cut; a job that is gone takes none', async () => {
  const { db } = fresh.database;
  const job = await makeJob();
  for (let i = 0; i < 6; i++) {
    const lines = Array.from({ length: 1000 }, (_, k) => ({ at: new Date(), task: 't', line: String(i * 1000 + k) }));
    await appendJobLog(db, job, lines);
  }
  await appendJobLog(db, job, [{ at: new Date(), task: 't', line: 'x'.repeat(100_000) }]);
  await trimJobLog(db, job);
  const { rows } = await fresh.database.pool.query('select count(*) from job_log where job_id = $1', [job.jobId]);
  assert.deepEqual(rows, [{ count: LOG_LINES }]);
  const kept = await listJobLog(db, job);
  assert.deepEqual([kept[0]?.line, kept.at(-2)?.line], ['1001', '5999']);
  assert.ok((kept.at(-1)?.line.length ?? 0) < 5000);
  await appendJobLog(db, { projectId: 'default', jobId: 999_999 }, [{ at: new Date(), task: 't', line: 'nobody' }]);
});

test('outputs change only from the statuses that are named', async () => {
  const { db } = fresh.database;
  const job = await makeJob({
    outputs: [streamSpec(), streamSpec({ container: 'mp4' }), streamSpec({ container: 'gif' })],
  });
  assert.deepEqual(await changeOutputs(db, { ...job, indexes: [1], from: ['pending'] }, { status: 'uploaded' }), [1]);
  assert.deepEqual(await changeOutputs(db, { ...job, from: ['pending'] }, { status: 'canceled' }), [0, 2]);
  assert.deepEqual(await changeOutputs(db, { ...job, indexes: [], from: ['uploaded'] }, { status: 'failed' }), []);
  assert.deepEqual(
    (await listOutputs(db, job, sealer)).map(({ status }) => status),
    ['canceled', 'uploaded', 'canceled'],
  );
  assert.equal((await listOutputsOf(db, { projectId: 'other', jobIds: [job.jobId] }, sealer)).length, 0);
  assert.equal((await listOutputsOf(db, { projectId: 'default', jobIds: [job.jobId] }, sealer)).length, 3);
});

test('progress is weighed, adds up all machines, tells the time left, and never falls', async () => {
  const { db, pool } = fresh.database;
  const job = await makeJob();
  const task = (index: number, weight: number) => ({
    kind: 'chunk' as const,
    subject: 0,
    index,
    weight,
    neededBy: [0],
  });
  await insertTasks(db, job, [task(0, 10), task(1, 30), task(2, 60)]);
  await changeJob(db, job, { status: 'processing' });
  const [a, b] = await listTasks(db, job);
  assert.ok(a && b);
  const held = [];
  for (const { id } of [a, b]) {
    const claimed = await claimTask(
      db,
      { ...job, taskId: id },
      { workerId: 'w', entry: crypto.randomUUID(), delivery: 0 },
    );
    assert.equal(claimed?.task.attempt, 1);
    held.push({ ...job, taskId: id, attempt: 1 });
  }
  await pool.query(
    `update task set claimed_at = clock_timestamp() - interval '10 seconds' where job_id = $1 and status = 'processing'`,
    [job.jobId],
  );
  const [first, second] = held;
  assert.ok(first && second);
  await saveTaskProgress(db, first, { progress: 0.5, speed: 1.5 });
  await saveTaskProgress(db, second, { progress: 0.5, speed: 2 });
  const now = await saveJobProgress(db, job);
  assert.deepEqual([now?.progress, now?.speed], [20, 3.5]);
  // 20 of 100 in 10 s: 40 s for the other 80.
  assert.ok(Math.abs((now?.etaSeconds ?? 0) - 40) < 1, String(now?.etaSeconds));
  await saveTaskProgress(db, second, { progress: 0.1, speed: 2 });
  assert.equal((await saveJobProgress(db, job))?.progress, 20);
  assert.equal(await saveTaskProgress(db, { ...second, attempt: 2 }, { progress: 1, speed: null }), false);
  await changeJob(db, job, { status: 'paused' });
  assert.equal(await saveJobProgress(db, job), null);
});

test('an output task is ready when none of those it waits for is missing', async () => {
  const { db, pool } = fresh.database;
  const job = await makeJob();
  const task = (kind: 'chunk' | 'audio' | 'output', subject: number, neededBy: number[]) => ({
    kind,
    subject,
    index: 0,
    weight: 1,
    neededBy,
  });
  await insertTasks(db, job, [
    task('chunk', 0, [0, 1]),
    task('audio', 0, [1]),
    task('output', 0, []),
    task('output', 1, []),
  ]);
  const ready = async () => (await listReadyTasks(db, job)).map(({ kind, subject }) => `${kind} ${subject}`);
  assert.deepEqual(await ready(), ['chunk 0', 'audio 0']);
  await pool.query(`update task set status = 'done' where job_id = $1 and kind = 'chunk'`, [job.jobId]);
  assert.deepEqual(await ready(), ['audio 0', 'output 0']);
  assert.deepEqual((await listReadyTasks(db, { ...job, onlyOutputs: [1] })).length, 0);
  await pool.query(`update task set status = 'done' where job_id = $1 and kind = 'audio'`, [job.jobId]);
  assert.deepEqual(await ready(), ['output 0', 'output 1']);
});

test('everything sealed is sealed anew beside those who write, goes on where it was ended, and says what no key opens', async () => {
  const { db, pool } = fresh.database;
  const [old, lost, next] = [makeSealer([OLD]), makeSealer([randomBytes(32)]), randomBytes(32)];
  const url = 'https://me:secret@example.org/in.mp4?token=t';
  const destination = { kind: 'http', url, headers: { authorization: 'x' }, method: 'PUT' } as const;
  const wish = {
    source: { kind: 'http', url, headers: { cookie: 'y' }, method: 'PUT' },
    outputs: [streamSpec({ destination })],
    notificationUrl: url,
  } as const;
  const job = await makeJob(wish, old);
  const told = { id: uuidv7(), ...job, type: 't', url, body: 'b', headers: { authorization: 'z' } };
  await insertDeliveries(db, [told], old);
  await insertDeliveries(db, [{ ...told, id: uuidv7() }], lost);
  const sealed = `sealed:${old.seal(url)}`;
  const spec = JSON.stringify({ inputUrl: sealed, outputUrl: sealed, fallbackInput: { inputUrl: sealed } });
  await pool.query(`insert into video (id, project_id, title, filename, content_key, notification_url)
    values ('${uuidv7()}', 'default', 't', 'f', '${old.seal('k')}', '${sealed}')`);
  await pool.query(`with made as (insert into channel (project_id, name, slug, spec)
      values ('default', 'Sealed', 'sealed', '${spec}') returning id)
    insert into channel_profile (project_id, channel_id, position, spec) select 'default', id, 0, '${spec}' from made`);
  const run = (keys: Keys, isCheck = false, onProgress: (progress: ResealProgress) => void = () => undefined) =>
    resealAll({ database: fresh.database, sealer: makeSealer(keys) }, { isCheck, onProgress });
  const sum = (tables: Awaited<ReturnType<typeof run>>) =>
    tables.map(({ resealed, closed, held }) => [resealed, closed, held].join());
  const all = ['1,0,0', '1,0,0', '1,0,0', '1,0,0', '1,0,0', '1,1,0'];
  assert.equal(all.length, SEALED_TABLES.length);
  assert.deepEqual(sum(await run([next, OLD], true)), all);
  const writer = await pool.connect();
  try {
    await writer.query('begin');
    await writer.query('select from job where id = $1 for update', [job.jobId]);
    const { promise: passedOver, resolve } = Promise.withResolvers<void>();
    const resealing = run([next, OLD], false, ({ held }) => held > 0 && resolve());
    await passedOver;
    await writer.query('commit');
    assert.deepEqual(sum(await resealing), all);
  } finally {
    writer.release();
  }
  assert.deepEqual(sum(await run([next])), [...all.slice(1).map(() => '0,0,0'), '0,1,0'], 'done once');
  const fresher = makeSealer([next]);
  const found = await findJob(db, job, fresher);
  assert.deepEqual([found?.source, found?.notificationUrl], [wish.source, url]);
  assert.deepEqual((await listOutputs(db, job, fresher))[0]?.spec.destination, destination);
  assert.equal((await findDueDelivery(db, told.id, fresher))?.headers.authorization, 'z');
  const other = makeSealer([randomBytes(32)]);
  await assert.rejects(findJob(db, job, other), { code: 'wrong_key' });
  const shown = await findJob(db, job, forShowing(other));
  assert.deepEqual(shown?.source, { ...wish.source, url: '***', headers: { '***': '***' } });
  assert.equal((await listChannels(db, { projectId: null }, forShowing(other))).filter(isClosed).length, 1);
});
