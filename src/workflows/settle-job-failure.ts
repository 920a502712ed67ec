// What becomes of a job whose fetching, probing or planning failed: given back, tried again, or failed. Called by run-job.ts.
import { failJobAttempt } from '#database/attempts.ts';
import { changeJob, lockJob } from '#database/jobs.ts';
import { toFailure, toPlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import type { RunLane } from '#queue/lane.ts';
import type { Entry } from '#queue/queue.ts';
import { failOutputs } from '#workflows/finish-job.ts';
import { isStorageAway } from '#workflows/is-storage-away.ts';
import type { JobLogger } from '#workflows/job-logger.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { planRetry } from '#workflows/retry-delay.ts';

export type FailedRun = { readonly job: Job; readonly entry: Entry<RunLane>; readonly logger: JobLogger };

export async function settleJobFailure(
  platform: Platform,
  { job, entry, logger }: FailedRun,
  thrown: unknown,
): Promise<void> {
  const error = toPlatformError(thrown);
  // Whoever took the job away knows what becomes of it.
  if (error.code === 'lease_lost') return;
  const isDrain = error.code === 'shutting_down';
  logger.log(isDrain ? 'given back: this worker is stopping' : `failed: ${error.code}: ${error.message}`);
  if (error.code === 'internal') platform.log.error({ err: error, jobId: job.id }, 'a job failed for a reason of ours');
  const isAway = await isStorageAway(platform, { error, logger });
  await platform.database.db.transaction().execute(async (db) => {
    const ref = { projectId: job.projectId, jobId: job.id };
    const locked = await lockJob(db, ref);
    if (!locked || locked.attempt !== job.attempt || locked.status !== 'processing') return;
    const retry = isDrain
      ? { startAfter: 0, burnt: false }
      : planRetry(platform.config, job, { ...locked, error, isStorageAway: isAway });
    if (!retry) return failOutputs(platform, db, { job: locked, failure: toFailure(error) });
    if (!isDrain) await failJobAttempt(db, { ...ref, attempt: job.attempt }, toFailure(error));
    await changeJob(db, ref, { status: 'queued', workerId: null, tries: locked.tries - (retry.burnt ? 0 : 1) });
    await platform.queue.giveBack(entry, { transaction: db, startAfter: retry.startAfter });
    await recordEvent(platform, db, { job, type: 'job.queued', status: 'queued' });
  });
}
