// Lets a paused job go on with what is not done yet. Called by the APIs.
import { changeJob, type JobRef } from '#database/jobs.ts';
import type { Job } from '#domain/job.ts';
import { checkStatus, lockForChange, readJob } from '#workflows/find-for-change.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { requeueJob } from '#workflows/requeue-job.ts';

/** @throws PlatformError `not_found`, `conflict` where the job is not paused */
export async function resumeJob(platform: Platform, ref: JobRef): Promise<Job> {
  return platform.database.db.transaction().execute(async (db) => {
    const job = await lockForChange(db, ref);
    checkStatus(job, 'resumed', ['paused']);
    const status = job.isPlanned ? 'processing' : 'queued';
    await changeJob(db, ref, { status, tries: 0 });
    const resumed = await readJob(platform, db, ref);
    await requeueJob(platform, db, resumed);
    await recordEvent(platform, db, { job, type: `job.${status}`, status });
    return resumed;
  });
}
