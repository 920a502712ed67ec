// Cancel, pause, resume, retry and delete: which fits which status, and what they do to tasks, entries and files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listEvents } from '#database/events.ts';
import { claimTask, completeTask, failTask } from '#database/held-tasks.ts';
import { changeJob, findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listTasks } from '#database/tasks.ts';
import { PlatformError, toFailure } from '#domain/error.ts';
import { JOB_STATUSES, type JobStatus } from '#domain/job.ts';
import { EMPTY_RESULT } from '#domain/task.ts';
import { buryDeadEntry } from '#workflows/bury-dead-entry.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { retryJob } from '#workflows/retry-job.ts';
import { submitJob } from '#workflows/submit-job.ts';
import {
  jobRequest,
  type OpenedJob,
  openOwnPlatform,
  openPlannedJob,
  streamSpec,
  taskStates,
} from './test-platform.ts';

const { fresh, opened } = await openOwnPlatform();

const waiting = async (jobId: number): Promise<string[]> => {
  const { rows } = await fresh.database.pool.query<{ name: string }>(
    `select name from pgboss.job where state < 'active' and data @> $1::jsonb order by 1`,
    [JSON.stringify({ jobId })],
  );
  return rows.map(({ name }) => name);
};
const claim = (job: OpenedJob, taskId: number) =>
  claimTask(fresh.database.db, { ...job.ref, taskId }, { workerId: 'w', entry: crypto.randomUUID(), delivery: 0 });
const code = (wanted: string) => (error: unknown) => error instanceof PlatformError && error.code === wanted;
const statusOf = async (job: OpenedJob) => (await findJob(fresh.database.db, job.ref, opened.platform.sealer))?.status;

/** One task done, one running, one failed, the rest waiting. */
async function halfDone() {
  const job = await openPlannedJob(opened.platform);
  const [a, b, c] = await listTasks(fresh.database.db, job.ref);
  assert.ok(a && b && c);
  for (const task of [a, b, c]) await claim(job, task.id);
  await completeTask(fresh.database.db, { ...job.ref, taskId: a.id, attempt: 1 }, EMPTY_RESULT);
  return {
    job,
    done: a,
    running: { ...job.ref, taskId: b.id, attempt: 1 },
    third: { ...job.ref, taskId: c.id, attempt: 1 },
  };
}

test('each act fits the statuses the contract names, and no other', async () => {
  const { platform } = opened;
  const acts = { cancelJob, pauseJob, resumeJob, retryJob };
  const fitting: Record<keyof typeof acts, readonly JobStatus[]> = {
    cancelJob: ['queued', 'processing', 'paused'],
    pauseJob: ['queued', 'processing'],
    resumeJob: ['paused'],
    retryJob: ['failed', 'canceled'],
  };
  for (const [name, act] of Object.entries(acts)) {
    for (const status of JOB_STATUSES) {
      const { job } = await submitJob(platform, jobRequest());
      const ref = { projectId: 'default', jobId: job.id };
      await changeJob(fresh.database.db, ref, { status });
      const fits = fitting[name as keyof typeof acts].includes(status);
      if (fits) await act(platform, ref);
      else await assert.rejects(act(platform, ref), code('conflict'), `${name} of a ${status} job`);
    }
    await assert.rejects(act(platform, { projectId: 'default', jobId: 999_999 }), code('not_found'));
    await assert.rejects(act(platform, { projectId: 'another', jobId: 1 }), code('not_found'));
  }
});

test('pause keeps what is done, takes back what runs without burning its try, and empties the queue; resume goes on', async () => {
  const { platform } = opened;
  const { job, done, running } = await halfDone();
  await pauseJob(platform, job.ref);
  assert.deepEqual(await waiting(job.ref.jobId), []);
  const states = await listTasks(fresh.database.db, job.ref);
  assert.equal(states.find(({ id }) => id === done.id)?.status, 'done');
  assert.ok(states.filter(({ id }) => id !== done.id).every(({ status }) => status === 'pending'));
  assert.equal(
    await completeTask(fresh.database.db, running, EMPTY_RESULT),
    false,
    'the paused attempt must not commit',
  );
  assert.equal(await claim(job, running.taskId), null, 'nobody claims a task of a paused job');
  assert.equal((await resumeJob(platform, job.ref)).status, 'processing');
  const pending = states.filter(({ status, kind }) => status === 'pending' && kind !== 'output').length;
  assert.equal((await waiting(job.ref.jobId)).length, pending);
  assert.equal((await claim(job, running.taskId))?.tries, 1, 'the paused try does not count');
});

test('a job paused before its plan is planned after it is resumed', async () => {
  const { platform } = opened;
  const { job } = await submitJob(platform, jobRequest());
  const ref = { projectId: 'default', jobId: job.id };
  await pauseJob(platform, ref);
  assert.deepEqual(await waiting(job.id), []);
  assert.equal((await resumeJob(platform, ref)).status, 'queued');
  assert.deepEqual(await waiting(job.id), ['run']);
});

test('nobody works for a job that waits: its outputs wait with it, whatever they had reached', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const shown = async ({ ref }: OpenedJob) =>
    (await listOutputs(db, ref, platform.sealer)).map(({ status }) => status).join();
  const { job } = await halfDone();
  assert.equal(await shown(job), 'processing');
  await pauseJob(platform, job.ref);
  assert.equal(await shown(job), 'pending', 'paused');
  await resumeJob(platform, job.ref);
  assert.equal(await shown(job), 'processing', 'resumed');
  await cancelJob(platform, job.ref);
  await retryJob(platform, job.ref);
  assert.deepEqual([await statusOf(job), await shown(job)], ['queued', 'pending'], 'retried');
  // As planning anew does, and a worker that gives a planned job back.
  await changeJob(db, job.ref, { status: 'processing' });
  assert.equal(await shown(job), 'processing');
  await changeJob(db, job.ref, { status: 'queued' });
  assert.equal(await shown(job), 'pending');
});

test('cancel ends everything; retry starts again with what is missing only', async () => {
  const { platform } = opened;
  const { job, done, running } = await halfDone();
  const canceled = await cancelJob(platform, job.ref);
  assert.deepEqual([canceled.status, canceled.completedAt !== null], ['canceled', true]);
  assert.deepEqual(await waiting(job.ref.jobId), []);
  assert.equal(await completeTask(fresh.database.db, running, EMPTY_RESULT), false);
  assert.deepEqual(
    (await listOutputs(fresh.database.db, job.ref, platform.sealer)).map(({ status }) => status),
    ['canceled'],
  );
  const retried = await retryJob(platform, job.ref);
  assert.deepEqual([retried.status, retried.completedAt, retried.error], ['queued', null, null]);
  const tasks = await listTasks(fresh.database.db, job.ref);
  assert.deepEqual(
    tasks.filter(({ status }) => status === 'done').map(({ id }) => id),
    [done.id],
  );
  assert.equal(
    (await waiting(job.ref.jobId)).length,
    tasks.filter(({ status, kind }) => status === 'pending' && kind !== 'output').length,
  );
});

test('a failed output takes down the tasks only it waits for; the job fails with the first error when the rest is over', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const job = await openPlannedJob(platform, { outputs: [streamSpec(), streamSpec({ container: 'm4a' })] });
  const tasks = await listTasks(db, job.ref);
  const chunk = tasks.find(({ kind, index }) => kind === 'chunk' && index === 2);
  const direct = tasks.find(({ kind }) => kind === 'direct');
  assert.ok(chunk && direct);
  // As when a worker died three times over it: the entry is dead, the task still held through it.
  const entry = crypto.randomUUID();
  await claimTask(db, { ...job.ref, taskId: chunk.id }, { workerId: 'w', entry, delivery: 2 });
  const dead = {
    id: crypto.randomUUID(),
    lane: 'dead' as const,
    delivery: 0,
    priority: 0,
    signal: new AbortController().signal,
  };
  const data = { ...job.ref, taskId: chunk.id };
  await buryDeadEntry(platform, { ...dead, data, sourceId: crypto.randomUUID() });
  assert.equal(
    (await taskStates(platform, job.ref))['chunk 2'],
    'processing',
    'an entry that is not the one it is held through',
  );
  await buryDeadEntry(platform, { ...dead, data, sourceId: entry });
  const states = await taskStates(platform, job.ref);
  assert.equal(states['chunk 2'], 'failed');
  assert.deepEqual([states['chunk 0'], states['output 0'], states['audio 0']], ['canceled', 'canceled', 'canceled']);
  assert.deepEqual([states['direct 1'], states['output 1'], await statusOf(job)], ['pending', 'pending', 'processing']);
  await claim(job, direct.id);
  await failTask(db, { ...job.ref, taskId: direct.id, attempt: 1 }, toFailure(new PlatformError('no_audio', 'none')));
  await buryDeadEntry(platform, { ...dead, data: { ...job.ref, taskId: tasks.at(-1)?.id }, sourceId: null });
  const failed = await findJob(db, job.ref, platform.sealer);
  assert.deepEqual(
    [failed?.status, failed?.error?.code, failed?.completedAt !== null],
    ['failed', 'worker_lost', true],
  );
  const events = await listEvents(db, { projectId: 'default', after: 0, limit: 1000, jobId: job.ref.jobId });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['job.queued', 'output.failed', 'output.failed', 'job.failed'],
  );
  const retried = await retryJob(platform, job.ref);
  assert.equal(retried.status, 'queued');
  assert.ok(Object.values(await taskStates(platform, job.ref)).every((status) => status === 'pending'));
});

test('an unplanned job whose entry is dead fails with worker_lost', async () => {
  const { platform } = opened;
  const { job } = await submitJob(platform, jobRequest());
  const ref = { projectId: 'default', jobId: job.id };
  await buryDeadEntry(platform, {
    id: 'x',
    lane: 'dead',
    delivery: 0,
    priority: 0,
    sourceId: null,
    signal: new AbortController().signal,
    data: ref,
  });
  const failed = await findJob(fresh.database.db, ref, platform.sealer);
  assert.deepEqual([failed?.status, failed?.error?.code], ['failed', 'worker_lost']);
});

test('delete removes rows, entries and stored files, and tells it', async () => {
  const { platform } = opened;
  const { job, running } = await halfDone();
  await platform.storage.write(`${jobPrefix(job.job.uuid)}t1-1/segment`, Buffer.from('x'));
  await platform.storage.write('jobs-of-nobody', Buffer.from('x'));
  await deleteJob(platform, job.ref);
  assert.equal(await statusOf(job), undefined);
  assert.deepEqual(await waiting(job.ref.jobId), []);
  assert.equal(await completeTask(fresh.database.db, running, EMPTY_RESULT), false);
  for await (const { key } of platform.storage.list(jobPrefix(job.job.uuid))) assert.fail(`left behind: ${key}`);
  assert.equal((await platform.storage.stat('jobs-of-nobody')).size, 1);
  const events = await listEvents(fresh.database.db, {
    projectId: 'default',
    after: 0,
    limit: 1000,
    jobId: job.ref.jobId,
  });
  assert.equal(events.at(-1)?.type, 'job.deleted');
  await assert.rejects(deleteJob(platform, job.ref), code('not_found'));
});
