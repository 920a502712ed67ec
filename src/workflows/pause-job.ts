// Pauses a job: running attempts are given back and do not count, what is finished stays. Called by the APIs.
import { changeJob, type JobRef } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import { releaseRunningTasks } from '#database/tasks.ts';
import type { Job } from '#domain/job.ts';
import { checkStatus, lockForChange, readJob } from '#workflows/find-for-change.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';

/** @throws PlatformError `not_found`, `conflict` where the job neither waits nor runs */
export async function pauseJob(platform: Platform, ref: JobRef): Promise<Job> {
  return platform.database.db.transaction().execute(async (db) => {
    const job = await lockForChange(db, ref);
    checkStatus(job, 'paused', ['queued', 'processing']);
    await releaseRunningTasks(db, ref);
    await changeOutputs(db, { ...ref, from: ['uploading'] }, { status: 'processing' });
    await platform.queue.cancelJob(job.id, db);
    await changeJob(db, ref, { status: 'paused', speed: null, etaSeconds: null, workerId: null });
    const paused = await readJob(platform, db, ref);
    await announce(db, JOB_CONTROL, { jobId: job.id });
    await recordEvent(platform, db, { job, type: 'job.paused', status: 'paused' });
    return paused;
  });
}
