// Every try of every piece of work is kept, whatever road it takes to its end, and goes with its job.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failJobAttempt, listAttempts } from '#database/attempts.ts';
import { claimTask, completeTask, failTask, type HeldTask, releaseTask } from '#database/held-tasks.ts';
import { claimJob } from '#database/jobs.ts';
import { listTasks } from '#database/tasks.ts';
import { PlatformError, toFailure } from '#domain/error.ts';
import { EMPTY_RESULT } from '#domain/task.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { type OpenedJob, openOwnPlatform, openPlannedJob, streamSpec } from './test-platform.ts';

const { fresh, opened } = await openOwnPlatform();

const claimBy = (workerId: string, entry = crypto.randomUUID(), delivery = 0) => ({ workerId, entry, delivery });
const lost = toFailure(new PlatformError('source_unreachable', 'The line broke'));

async function take(job: OpenedJob, taskId: number, claim = claimBy('w1')): Promise<HeldTask> {
  const claimed = await claimTask(fresh.database.db, { ...job.ref, taskId }, claim);
  assert.ok(claimed, `task ${taskId} could not be claimed`);
  return { ...job.ref, taskId, attempt: claimed.task.attempt };
}
/** Oldest first: task, number, worker, outcome, code. */
const told = async (ref: OpenedJob['ref'], kind: 'tasks' | 'planning' = 'tasks') =>
  (await listAttempts(fresh.database.db, { ...ref, limit: 100 }))
    .filter(({ task }) => (task === null) === (kind === 'planning'))
    .map(({ number, workerId, outcome, error }) => [number, workerId, outcome, error?.code ?? null])
    .reverse();

test('a task: given back, failed, taken over, done; its pieces canceled with the job', async () => {
  const { db } = fresh.database;
  const { platform } = opened;
  const job = await openPlannedJob(platform);
  const [first, second, third] = (await listTasks(db, job.ref)).filter(({ kind }) => kind !== 'output');
  assert.ok(first && second && third);
  await releaseTask(db, await take(job, first.id), { burnt: false, error: null });
  await releaseTask(db, await take(job, first.id, claimBy('w2')), { burnt: true, error: lost });
  const entry = crypto.randomUUID();
  await take(job, first.id, claimBy('w3', entry, 0));
  const taken = await take(job, first.id, claimBy('w4', entry, 1));
  assert.deepEqual((await told(job.ref)).at(-1), [4, 'w4', 'running', null]);
  await completeTask(db, taken, EMPTY_RESULT);
  assert.deepEqual(await told(job.ref), [
    [1, 'w1', 'returned', null],
    [2, 'w2', 'failed', 'source_unreachable'],
    [3, 'w3', 'lost', null],
    [4, 'w4', 'done', null],
  ]);
  const kept = await listAttempts(db, { ...job.ref, limit: 10 });
  assert.ok(kept.every(({ startedAt, endedAt }) => endedAt && endedAt >= startedAt));
  assert.deepEqual([kept[0]?.task?.id, kept[0]?.task?.kind], [first.id, first.kind]);
  const failed = await listAttempts(db, { ...job.ref, outcome: 'failed', limit: 10 });
  assert.deepEqual(
    failed.map(({ number }) => number),
    [2],
  );
  const page = await listAttempts(db, { ...job.ref, before: kept[1]?.id ?? 0, limit: 1 });
  assert.deepEqual(
    page.map(({ number }) => number),
    [2],
  );

  await take(job, second.id);
  await pauseJob(platform, job.ref);
  assert.deepEqual((await told(job.ref)).at(-1), [1, 'w1', 'returned', null]);
  await resumeJob(platform, job.ref);
  await failTask(db, await take(job, second.id), lost);
  await take(job, third.id);
  await cancelJob(platform, job.ref);
  assert.deepEqual((await told(job.ref)).slice(-2), [
    [2, 'w1', 'failed', 'source_unreachable'],
    [1, 'w1', 'canceled', null],
  ]);
  await deleteJob(platform, job.ref);
  const { rows } = await fresh.database.pool.query('select count(*)::int as left from attempt');
  assert.deepEqual(rows, [{ left: 0 }], 'they go with their job');
});

test('planning a job is a try too: one that is tried again keeps its reason', async () => {
  const { db } = fresh.database;
  const { platform } = opened;
  const { job } = await submitJob(platform, {
    projectId: 'default',
    api: 'jobs',
    source: { kind: 'inline', data: 'bm8gZmlsbQ==', filename: null },
    outputs: [streamSpec()],
    priority: 50,
    metadata: {},
    notificationUrl: null,
    idempotencyKey: null,
  });
  const ref = { projectId: job.projectId, jobId: job.id };
  const entry = crypto.randomUUID();
  assert.equal(await claimJob(db, ref, claimBy('w1', entry, 0)), 1);
  await failJobAttempt(db, { ...ref, attempt: 1 }, lost);
  assert.equal(await claimJob(db, ref, claimBy('w2', entry, 1)), 2);
  assert.equal(await claimJob(db, ref, claimBy('w3', entry, 2)), 3);
  await pauseJob(platform, ref);
  assert.deepEqual(await told(ref, 'planning'), [
    [1, 'w1', 'failed', 'source_unreachable'],
    [2, 'w2', 'lost', null],
    [3, 'w3', 'returned', null],
  ]);
});
