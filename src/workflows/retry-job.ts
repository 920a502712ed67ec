// Starts a failed or canceled job again, with what it lacks only: finished chunks and delivered outputs are kept. Called by the APIs.
import { takeLock } from '#database/hold-lock.ts';
import { changeJob, type JobRef } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import { reopenTasks } from '#database/tasks.ts';
import type { Job } from '#domain/job.ts';
import { checkStatus, lockForChange, readJob } from '#workflows/find-for-change.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { removalLock } from '#workflows/remove-delivered.ts';
import { requeueJob } from '#workflows/requeue-job.ts';

/** @throws PlatformError `not_found`, `conflict` where the job is neither failed nor canceled */
export async function retryJob(platform: Platform, ref: JobRef): Promise<Job> {
  return platform.database.db.transaction().execute(async (db) => {
    // Before its row: whoever removes does not hold that one.
    await takeLock(db, removalLock(ref));
    const job = await lockForChange(db, ref);
    checkStatus(job, 'retried', ['failed', 'canceled']);
    await changeOutputs(
      db,
      { ...ref, from: ['failed', 'canceled'] },
      { status: job.isPlanned ? 'processing' : 'pending', error: null, progress: 0 },
    );
    await reopenTasks(db, ref);
    await changeJob(db, ref, { status: 'queued', tries: 0, error: null, completedAt: null, progress: 0 });
    const retried = await readJob(platform, db, ref);
    await requeueJob(platform, db, retried);
    await recordEvent(platform, db, { job, type: 'job.queued', status: 'queued' });
    return retried;
  });
}
