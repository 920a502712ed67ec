// Ends a job, or some of its outputs: the only place where a job becomes completed or failed. Called in the transaction that ends the last output.
import type { Kysely } from 'kysely';
import { changeJob, type LockedJob } from '#database/jobs.ts';
import { changeOutputs, listOutputStates } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { cancelTasks } from '#database/tasks.ts';
import type { Failure } from '#domain/error.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { sendRemoval } from '#workflows/remove-delivered.ts';

/**
 * Ends a job when none of its outputs is under way any longer: completed if all were delivered, else failed with the
 * first error; delivered outputs stay. The job's row is locked.
 */
export async function finishIfOver(platform: Platform, db: Kysely<Schema>, job: LockedJob): Promise<void> {
  const ref = { projectId: job.projectId, jobId: job.id };
  const outputs = await listOutputStates(db, ref);
  if (outputs.some(({ status }) => status !== 'uploaded' && status !== 'failed' && status !== 'canceled')) return;
  const error = outputs.find((output) => output.error)?.error ?? null;
  const status = error ? 'failed' : 'completed';
  // What nobody waits for, like a first light that came too late.
  await cancelTasks(db, ref);
  await platform.queue.cancelJob(job.id, db);
  await changeJob(db, ref, {
    status,
    error,
    completedAt: new Date(),
    speed: null,
    etaSeconds: null,
    workerId: null,
    ...(status === 'completed' ? { progress: 100 } : {}),
  });
  // RETENTION_HOURS=0 deletes at once; all else is for the hourly sweep.
  if (platform.config.RETENTION_HOURS === 0)
    await platform.queue.send('housekeeping', { chore: 'expire' }, { transaction: db });
  await announce(db, JOB_CONTROL, { jobId: job.id });
  await recordEvent(platform, db, { job, type: `job.${status}`, status, error });
  if (status === 'completed')
    await platform.queue.send('housekeeping', { chore: 'remove-leftovers', ...ref }, { transaction: db });
  else await sendRemoval(platform, db, ref);
}

/** Fails outputs, and cancels the tasks that only failed outputs waited for. Then the job may be over. */
export async function failOutputs(
  platform: Platform,
  db: Kysely<Schema>,
  {
    job,
    indexes,
    failure,
  }: { readonly job: LockedJob; readonly indexes?: readonly number[]; readonly failure: Failure },
): Promise<void> {
  const ref = { projectId: job.projectId, jobId: job.id };
  const which = { ...ref, from: ['pending', 'processing', 'uploading'] as const, ...(indexes ? { indexes } : {}) };
  const failed = await changeOutputs(db, which, { status: 'failed', error: failure });
  const states = await listOutputStates(db, ref);
  await cancelTasks(db, {
    ...ref,
    outputs: states.filter(({ status }) => status === 'failed').map(({ index }) => index),
  });
  await announce(db, JOB_CONTROL, { jobId: job.id });
  for (const output of failed) {
    await recordEvent(platform, db, { job, type: 'output.failed', status: job.status, output, error: failure });
  }
  await finishIfOver(platform, db, job);
}
