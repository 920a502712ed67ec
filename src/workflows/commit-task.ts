// Stores a task's result, and in the same transaction whatever follows from it: the next tasks, an output, the end of the job. Called by run-task.ts.
import type { Kysely } from 'kysely';
import { completeTask, findDoneBy } from '#database/held-tasks.ts';
import { type LockedJob, lockJob } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import { completePendingTask } from '#database/pending-tasks.ts';
import type { Schema } from '#database/schema.ts';
import { findNeededBy, listReadyTasks, type ReadyTask } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import { EMPTY_RESULT, type TaskResult } from '#domain/task.ts';
import { finishIfOver } from '#workflows/finish-job.ts';
import { PARTS_OWNERS } from '#workflows/job-owners.ts';
import { openUploads } from '#workflows/open-uploads.ts';
import { outputResult } from '#workflows/output-result.ts';
import { persist } from '#workflows/persist.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { removeAttempts } from '#workflows/remove-attempts.ts';
import { tellJobProgress } from '#workflows/report-progress.ts';
import type { TaskAttempt } from '#workflows/run-task.ts';
import { sendOutputs } from '#workflows/send-tasks.ts';

/** @throws PlatformError `lease_lost` where the attempt is no longer the task's: then nothing of it was stored */
export async function commitTask(platform: Platform, attempt: TaskAttempt, result: TaskResult): Promise<void> {
  const { held, task } = attempt;
  const { db } = platform.database;
  await persist(async () => {
    const committed = await db
      .transaction()
      .execute((transaction) => commit(platform, transaction, { ...attempt, result }));
    // A commit whose answer got lost is repeated by persist, and finds itself done.
    if (committed || (await findDoneBy(db, held))) return;
    throw new PlatformError('lease_lost', `Task ${task.id} was taken from attempt ${task.attempt}`);
  });
}

/** Removes what earlier attempts left that died before they could, and tells how far the job is. The result is safe already. */
export async function tidyAfterCommit(platform: Platform, attempt: TaskAttempt): Promise<void> {
  const { held, job } = attempt;
  try {
    await removeAttempts(platform, attempt, attempt.task.attempt - 1);
    await tellJobProgress(platform, held);
    await PARTS_OWNERS[job.api]?.(platform, held);
  } catch (error) {
    platform.log.warn({ err: error, jobId: job.id }, 'what earlier attempts left could not be removed');
  }
}

type Commit = TaskAttempt & { readonly result: TaskResult };

async function commit(platform: Platform, db: Kysely<Schema>, done: Commit): Promise<boolean> {
  const { held, task, result } = done;
  const job = await lockJob(db, held);
  if (!job || !(await completeTask(db, held, result))) return false;
  if (task.kind === 'output') {
    await completeOutput(platform, db, { job, done });
  } else {
    // Before the outputs are looked at: they wait for what is sent of them.
    await openUploads(platform, db, { job, done });
    const ready = await listReadyTasks(db, { ...held, onlyOutputs: await findNeededBy(db, held) });
    const made = ready.filter((one) => isMade(done, one));
    await sendOutputs(platform, db, { job, tasks: ready.filter((one) => !made.includes(one)) });
    for (const { taskId, subject } of made) {
      const finished: TaskResult = { ...EMPTY_RESULT, files: result.files };
      if (await completePendingTask(db, { ...held, taskId }, finished))
        await completeOutput(platform, db, { job, done: { ...done, task: { ...task, subject }, result: finished } });
    }
  }
  return true;
}

/** An output that is one file of this very task, and stays where it lies: there is nothing left to do for another worker. */
function isMade({ task, plan, outputs, result }: Commit, { subject }: ReadyTask): boolean {
  const output = plan.outputs[subject];
  const destination = outputs.find(({ index }) => index === subject)?.spec.destination ?? null;
  const isFile = output?.method === 'direct' || output?.method === 'image';
  const stays = destination === null || destination.kind === 'managed';
  const isOwn = task.kind === 'direct' && task.subject === subject && result.files.length > 0;
  return isOwn && isFile && stays && output.pictures.length === 0;
}

async function completeOutput(
  platform: Platform,
  db: Kysely<Schema>,
  { job, done }: { readonly job: LockedJob; readonly done: Commit },
): Promise<void> {
  const index = done.task.subject;
  await changeOutputs(
    db,
    { ...done.held, indexes: [index], from: ['pending', 'processing', 'uploading'] },
    { status: 'uploaded', progress: 100, result: outputResult(done), error: null },
  );
  await recordEvent(platform, db, { job, type: 'output.uploaded', status: job.status, output: index });
  await finishIfOver(platform, db, job);
}
