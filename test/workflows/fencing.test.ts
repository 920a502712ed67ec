// Claims, fences and the fan-in: at-least-once execution, exactly-once effect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listEvents } from '#database/events.ts';
import { claimTask, completeTask, failTask, releaseTask } from '#database/held-tasks.ts';
import { listOutputs } from '#database/outputs.ts';
import { publishParts } from '#database/task-parts.ts';
import { listPlayableParts, listTasks, redoTasks, releaseRunningTasks } from '#database/tasks.ts';
import { toFailure } from '#domain/error.ts';
import type { Task } from '#domain/task.ts';
import { EMPTY_RESULT } from '#domain/task.ts';
import { commitTask } from '#workflows/commit-task.ts';
import { type OpenedJob, openOwnPlatform, openPlannedJob, streamSpec, taskStates } from './test-platform.ts';

const { fresh, opened } = await openOwnPlatform();

const claimBy = (entry: string, delivery = 0) => ({ workerId: 'w', entry, delivery });

/** Claims a task as run-task does and answers what commits it. */
async function take(job: OpenedJob, task: Task) {
  const { db } = fresh.database;
  const claimed = await claimTask(db, { ...job.ref, taskId: task.id }, claimBy(crypto.randomUUID()));
  assert.ok(claimed, `${task.kind} ${task.index} could not be claimed`);
  return {
    held: { ...job.ref, taskId: task.id, attempt: claimed.task.attempt },
    task: claimed.task,
    tries: claimed.tries,
    published: claimed.published,
    job: job.job,
    plan: job.plan,
    outputs: await listOutputs(db, job.ref, opened.platform.sealer),
    done: [],
    prefix: 'none',
  };
}

test('of many claims of one task exactly one succeeds', async () => {
  const { platform } = opened;
  const job = await openPlannedJob(platform);
  const [task] = await listTasks(fresh.database.db, job.ref);
  assert.ok(task);
  const claims = await Promise.all(
    Array.from({ length: 40 }, () =>
      claimTask(fresh.database.db, { ...job.ref, taskId: task.id }, claimBy(crypto.randomUUID())),
    ),
  );
  assert.equal(claims.filter((claim) => claim !== null).length, 1);
});

test('only a later delivery of the same entry takes over, and its claim ends the attempt before', async () => {
  const { db } = fresh.database;
  const job = await openPlannedJob(opened.platform);
  const [task] = await listTasks(db, job.ref);
  assert.ok(task);
  const ref = { ...job.ref, taskId: task.id };
  const entry = crypto.randomUUID();
  assert.equal((await claimTask(db, ref, claimBy(entry, 0)))?.task.attempt, 1);
  assert.equal(await claimTask(db, ref, claimBy(entry, 0)), null, 'the same delivery');
  assert.equal(await claimTask(db, ref, claimBy(crypto.randomUUID(), 5)), null, 'another entry');
  const second = await claimTask(db, ref, claimBy(entry, 1));
  assert.deepEqual([second?.task.attempt, second?.tries], [2, 2]);
  assert.equal(await claimTask(db, ref, claimBy(entry, 0)), null, 'a delivery that came late');
  const stale = { ...ref, attempt: 1 };
  assert.equal(await completeTask(db, stale, EMPTY_RESULT), false);
  assert.equal(await failTask(db, stale, toFailure(new Error('stale'))), false);
  assert.equal(await releaseTask(db, stale, { burnt: false, error: null }), false);
  assert.equal(await publishParts(db, stale, []), false);
  assert.equal(await completeTask(db, { ...ref, attempt: 2 }, EMPTY_RESULT), true);
  assert.equal(await completeTask(db, { ...ref, attempt: 2 }, EMPTY_RESULT), false, 'twice');
});

test('what an attempt has shown is shown on when it is interrupted, and given to the next; a stale one adds nothing', async () => {
  const { db } = fresh.database;
  const job = await openPlannedJob(opened.platform);
  const [task] = await listTasks(db, job.ref);
  assert.ok(task);
  const ref = { ...job.ref, taskId: task.id };
  const part = (keys: readonly string[]) => ({
    ...{ rendition: 'v0', init: null, codecs: 'avc1', timescale: 24 },
    segments: keys.map((key, index) => ({ index, key, size: 5, start: 24 * index, duration: 24, samples: 24 })),
  });
  const shown = async () =>
    (await listPlayableParts(db, job.ref))
      .flatMap(({ parts }) => parts.flatMap(({ segments }) => segments))
      .map(({ key }) => key);
  await claimTask(db, ref, claimBy(crypto.randomUUID()));
  assert.equal(await publishParts(db, { ...ref, attempt: 1 }, [part(['a'])]), true);
  await releaseRunningTasks(db, job.ref);
  assert.deepEqual(await shown(), ['a']);
  // Stored before it was stopped, written down after.
  assert.equal(await publishParts(db, { ...ref, attempt: 1 }, [part(['a', 'b'])]), true);
  const next = await claimTask(db, ref, claimBy(crypto.randomUUID()));
  assert.deepEqual(next?.published, [part(['a', 'b'])]);
  assert.equal(await publishParts(db, { ...ref, attempt: 1 }, [part(['x'])]), false);
  assert.deepEqual(await shown(), ['a', 'b']);
  assert.equal(await failTask(db, { ...ref, attempt: 2 }, toFailure(new Error('broken'))), true);
  assert.deepEqual(await shown(), ['a', 'b']);
  await db.updateTable('task').set({ status: 'pending' }).where('id', '=', task.id).execute();
  await redoTasks(db, { ...job.ref, kinds: [task.kind], subjects: [task.subject] });
  assert.deepEqual(await shown(), []);
});

test('300 races between a stale attempt and its successor: the stale one never commits', async () => {
  const { db } = fresh.database;
  let races = 0;
  const staleWins: number[] = [];
  while (races < 300) {
    const job = await openPlannedJob(opened.platform, { outputs: [streamSpec({ container: 'mp4' })] });
    for (const task of await listTasks(db, job.ref)) {
      if (task.kind === 'output') continue;
      races += 1;
      const ref = { ...job.ref, taskId: task.id };
      const entry = crypto.randomUUID();
      await claimTask(db, ref, claimBy(entry, 0));
      // The stale worker commits while its successor claims and commits: any order is possible.
      const mark = (frames: number) => ({ ...EMPTY_RESULT, frames });
      const [stale, fresh2] = await Promise.all([
        completeTask(db, { ...ref, attempt: 1 }, mark(1)),
        claimTask(db, ref, claimBy(entry, 1)).then((claim) =>
          claim ? completeTask(db, { ...ref, attempt: 2 }, mark(2)) : null,
        ),
      ]);
      const after = (await listTasks(db, job.ref)).find(({ id }) => id === task.id);
      // Exactly one committed, and the row is that one's.
      assert.equal(Number(stale) + Number(fresh2 ?? false), 1);
      assert.equal(after?.result?.frames, stale ? 1 : 2);
      if (stale && fresh2 !== null) staleWins.push(task.id);
    }
  }
  assert.deepEqual(staleWins, [], 'a successor had claimed and the stale one committed');
});

test('the last of many tasks that end at once sends each output exactly once, and the last output ends the job once', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const job = await openPlannedJob(platform, {
    outputs: [streamSpec(), streamSpec({ container: 'mp4' }), streamSpec({ container: 'm4a' })],
  });
  const before = await platform.queue.counts();
  const tasks = (await listTasks(db, job.ref)).filter(({ kind }) => kind !== 'output');
  assert.ok(tasks.length > 10);
  const attempts = [];
  for (const task of tasks) attempts.push(await take(job, task));
  await Promise.all(attempts.map((attempt) => commitTask(platform, attempt, EMPTY_RESULT)));
  assert.equal((await platform.queue.counts()).deliver.waiting - before.deliver.waiting, 3);
  const finishing = (await listTasks(db, job.ref)).filter(({ kind }) => kind === 'output');
  const ends = [];
  for (const task of finishing) ends.push(await take(job, task));
  const file = { name: 'output', key: 'k', size: 5, mediaType: 'video/mp4' };
  await Promise.all(ends.map((attempt) => commitTask(platform, attempt, { ...EMPTY_RESULT, files: [file] })));
  const { rows } = await fresh.database.pool.query(
    'select status, progress, completed_at is not null as ended from job where id = $1',
    [job.ref.jobId],
  );
  assert.deepEqual(rows, [{ status: 'completed', progress: 100, ended: true }]);
  const events = await listEvents(db, { projectId: 'default', after: 0, limit: 1000, jobId: job.ref.jobId });
  assert.deepEqual(
    events.map(({ type }) => type),
    ['job.queued', 'output.uploaded', 'output.uploaded', 'output.uploaded', 'job.completed'],
  );
  assert.ok(Object.values(await taskStates(platform, job.ref)).every((status) => status === 'done'));
});

test('an output is sent as soon as what it needs is done, although others of the job are not', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const job = await openPlannedJob(platform, { outputs: [streamSpec(), streamSpec({ container: 'm4a' })] });
  const direct = (await listTasks(db, job.ref)).find(({ kind }) => kind === 'direct');
  assert.ok(direct);
  const before = (await platform.queue.counts()).deliver.waiting;
  await commitTask(platform, await take(job, direct), EMPTY_RESULT);
  assert.equal((await platform.queue.counts()).deliver.waiting, before + 1);
});

test('events can be followed by number while many are written at once: none is skipped', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const seen: number[] = [];
  let after = (await listEvents(db, { projectId: 'default', after: 0, limit: 10_000 })).at(-1)?.id ?? 0;
  const start = after;
  let writing = true;
  const follow = (async () => {
    for (let isLast = false; !isLast; ) {
      isLast = !writing;
      const events = await listEvents(db, { projectId: 'default', after, limit: 1000 });
      seen.push(...events.map(({ id }) => id));
      after = events.at(-1)?.id ?? after;
    }
  })();
  await Promise.all(Array.from({ length: 30 }, () => openPlannedJob(platform)));
  writing = false;
  await follow;
  const all = await listEvents(db, { projectId: 'default', after: start, limit: 10_000 });
  assert.equal(all.length, 30);
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );
});
