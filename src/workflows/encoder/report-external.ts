// What an external worker says of a job that it does itself: progress, completion, failure. Called by the encoder API.
import type { Kysely } from 'kysely';
import { plainText } from '#database/columns.ts';
import { changeEncoderJob, findEncoderJob, listSilentExternals } from '#database/encoder-jobs.ts';
import { insertEncoderLog } from '#database/encoder-logs.ts';
import { changeJob, type JobRef, type LockedJob, lockJob } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import type { EncoderJob } from '#domain/encoder-job.ts';
import { PlatformError, toFailure } from '#domain/error.ts';
import { isFinished } from '#domain/job.ts';
import { tellProgress } from '#workflows/encoder/follow-encoder-job.ts';
import { failOutputs, finishIfOver } from '#workflows/finish-job.ts';
import { announce, JOB_PROGRESS } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';

export type ExternalReport = JobRef & {
  /** As the worker calls itself. */
  readonly workerId: string | null;
};

/** @param report `progress` 0–100 @throws PlatformError `not_found`, `conflict` */
export async function reportProgress(
  platform: Platform,
  report: ExternalReport & { readonly progress: number; readonly message: string | null },
): Promise<EncoderJob> {
  const { projectId, jobId } = report;
  return takeReport(platform, report, async (db) => {
    const job = await findEncoderJob(db, report);
    const progress = Math.max(job?.progress ?? 0, report.progress);
    await changeJob(db, { projectId, jobId }, { progress });
    if (report.message) await insertEncoderLog(db, report, [{ level: 'info', message: report.message }]);
    await announce(db, JOB_PROGRESS, { projectId, jobId, progress, speed: null, etaSeconds: null, stage: 'encode' });
    await tellProgress(platform, db, { projectId, jobId, told: Math.floor(progress / 10) * 10 });
  });
}

/** @throws PlatformError `not_found`, `conflict` */
export async function reportCompleted(
  platform: Platform,
  report: ExternalReport & { readonly outputFileSize: number | null },
): Promise<EncoderJob> {
  return takeReport(platform, report, async (db, job) => {
    await changeEncoderJob(db, report, { outputFileSize: report.outputFileSize });
    const which = { ...report, from: ['pending', 'processing', 'uploading'] as const };
    await changeOutputs(db, which, { status: 'uploaded', progress: 100 });
    await finishIfOver(platform, db, job);
  });
}

/** @throws PlatformError `not_found`, `conflict` */
export async function reportFailed(
  platform: Platform,
  report: ExternalReport & { readonly errorMessage: string },
): Promise<EncoderJob> {
  const failure = toFailure(new PlatformError('reported_failure', plainText(report.errorMessage)));
  return takeReport(platform, report, (db, job) => failOutputs(platform, db, { job, failure }));
}

/** Jobs whose external worker has said nothing for as long as a job may take. Called by the janitor. */
export async function failSilentExternals(platform: Platform): Promise<void> {
  const { db } = platform.database;
  const seconds = platform.config.ENCODER_TIME_LIMIT_SECONDS;
  if (seconds === 0) return;
  const before = new Date(Date.now() - seconds * 1000);
  const message = `The external worker has been silent for ${seconds} seconds`;
  for (const ref of await listSilentExternals(db, before)) {
    await db.transaction().execute(async (transaction) => {
      const job = await lockJob(transaction, ref);
      // It may have spoken while we waited for the row.
      const silent = (await listSilentExternals(transaction, before)).some(({ jobId }) => jobId === ref.jobId);
      if (job && silent)
        await failOutputs(platform, transaction, {
          job,
          failure: toFailure(new PlatformError('worker_lost', message)),
        });
    });
  }
}

/** Gives the job to the external worker where it is free, then writes what it says. */
async function takeReport(
  platform: Platform,
  report: ExternalReport,
  write: (db: Kysely<Schema>, job: LockedJob) => Promise<void>,
): Promise<EncoderJob> {
  return platform.database.db.transaction().execute(async (db) => {
    const job = await lockJob(db, report);
    const encoder = await findEncoderJob(db, report);
    if (!job || !encoder) throw new PlatformError('not_found', `There is no encoder job ${report.jobId}`);
    if (isFinished(job.status))
      throw new PlatformError('conflict', `Job ${encoder.id} is ${job.status}; nothing more can be said of it`);
    const isTheirs = encoder.isExternal && job.status === 'processing';
    if (!isTheirs) {
      if (job.status !== 'queued' || job.isPlanned)
        throw new PlatformError(
          'conflict',
          `Job ${encoder.id} is held by worker ${encoder.workerId ?? 'of this service'}`,
        );
      await giveAway(platform, db, { job, workerId: report.workerId });
    }
    await write(db, { ...job, status: 'processing' });
    const now = await findEncoderJob(db, report);
    if (!now) throw new PlatformError('not_found', `There is no encoder job ${report.jobId}`);
    return now;
  });
}

/** No worker of ours takes it from now on: its entry is gone, and a claim needs a job that is queued. */
async function giveAway(
  platform: Platform,
  db: Kysely<Schema>,
  { job, workerId }: { readonly job: LockedJob; readonly workerId: string | null },
): Promise<void> {
  const ref = { projectId: job.projectId, jobId: job.id };
  await platform.queue.cancelJob(job.id, db);
  await changeJob(db, ref, { status: 'processing', startedAt: job.startedAt ?? new Date(), workerId });
  await changeOutputs(db, { ...ref, from: ['pending'] }, { status: 'processing' });
  await changeEncoderJob(db, ref, { isExternal: true, workerId: workerId ?? 'external' });
  await recordEvent(platform, db, { job, type: 'job.processing', status: 'processing' });
}
