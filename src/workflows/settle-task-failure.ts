// What becomes of a task whose attempt failed: given back, tried again, done by software instead, or failed with its outputs. Called by run-task.ts.
import type { Kysely } from 'kysely';
import { failTask, findDoneBy, releaseTask } from '#database/held-tasks.ts';
import { type LockedJob, lockJob } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { findNeededBy } from '#database/tasks.ts';
import { type PlatformError, toFailure, toPlatformError } from '#domain/error.ts';
import type { Entry } from '#queue/queue.ts';
import { fallBackToSoftware } from '#workflows/fall-back-to-software.ts';
import { failOutputs } from '#workflows/finish-job.ts';
import { isStorageAway } from '#workflows/is-storage-away.ts';
import type { JobLogger } from '#workflows/job-logger.ts';
import { persist } from '#workflows/persist.ts';
import type { Platform } from '#workflows/platform.ts';
import { removeAttempts } from '#workflows/remove-attempts.ts';
import { planRetry } from '#workflows/retry-delay.ts';
import type { TaskAttempt } from '#workflows/run-task.ts';
import type { TaskLane } from '#workflows/send-tasks.ts';

export type FailedAttempt = {
  readonly attempt: TaskAttempt;
  readonly entry: Entry<TaskLane>;
  readonly logger: JobLogger;
};

export async function settleTaskFailure(platform: Platform, failed: FailedAttempt, thrown: unknown): Promise<void> {
  const error = toPlatformError(thrown);
  const { attempt, logger } = failed;
  if (error.code === 'shutting_down') logger.log('given back: this worker is stopping');
  else if (error.code === 'lease_lost') logger.log('stopped: the work was taken away');
  else logger.log(`failed: ${error.code}: ${error.message}`);
  if (error.code === 'internal')
    platform.log.error(
      { err: error, jobId: attempt.job.id, task: attempt.task.id },
      'a task failed for a reason of ours',
    );
  const isAway = await isStorageAway(platform, { error, logger });
  // The row first: what it no longer names may then be removed, whatever the storage says to that.
  if (error.code !== 'lease_lost') await persist(() => settle(platform, { ...failed, error, isStorageAway: isAway }));
  // A commit may have succeeded although its answer never came: then the files are the job's.
  if (!isAway && !(await findDoneBy(platform.database.db, attempt.held)))
    await removeAttempts(platform, attempt, attempt.task.attempt);
}

type Settled = FailedAttempt & { readonly error: PlatformError; readonly isStorageAway: boolean };

async function settle(platform: Platform, settled: Settled): Promise<void> {
  const { held } = settled.attempt;
  await platform.database.db.transaction().execute(async (db) => {
    const job = await lockJob(db, held);
    if (job) await settleLocked(platform, db, { ...settled, job });
  });
}

type Settling = Settled & { readonly job: LockedJob };

async function settleLocked(platform: Platform, db: Kysely<Schema>, settling: Settling): Promise<void> {
  const { attempt, entry, job, error, isStorageAway } = settling;
  const { held, task, tries } = attempt;
  const failure = toFailure(error);
  if (error.code === 'shutting_down') {
    if (!(await releaseTask(db, held, { burnt: false, error: null }))) return;
    return requeue(platform, db, { attempt, entry, startAfter: 0 });
  }
  if (attempt.job.arrival === 'arriving') {
    // What failed on a source that was not whole is tried again when it is.
    if (!(await releaseTask(db, held, { burnt: job.arrival === 'arriving', error: failure }))) return;
    if (job.arrival === null) await requeue(platform, db, { attempt, entry, startAfter: 0 });
    return;
  }
  if (error.code === 'hardware_failed' && (await fallBackToSoftware(platform, db, { attempt, job, failure }))) return;
  const retry = planRetry(platform.config, attempt.job, { error, tries, attempt: task.attempt, isStorageAway });
  if (retry) {
    if (!(await releaseTask(db, held, { burnt: retry.burnt, error: failure }))) return;
    return requeue(platform, db, { attempt, entry, startAfter: retry.startAfter });
  }
  if (!(await failTask(db, held, failure))) return;
  const indexes = task.kind === 'output' ? [task.subject] : await findNeededBy(db, held);
  // A task that no output waits for (first light) takes nothing down with it.
  if (indexes.length > 0) await failOutputs(platform, db, { job, indexes, failure });
}

async function requeue(
  platform: Platform,
  db: Kysely<Schema>,
  { attempt, entry, startAfter }: Pick<FailedAttempt, 'attempt' | 'entry'> & { readonly startAfter: number },
): Promise<void> {
  const { held, task } = attempt;
  if (task.kind === 'output') {
    await changeOutputs(db, { ...held, indexes: [task.subject], from: ['uploading'] }, { status: 'processing' });
  }
  await platform.queue.giveBack(entry, { transaction: db, startAfter });
}
