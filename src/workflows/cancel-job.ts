// Cancels a job: nothing of it waits or runs any longer, delivered outputs stay. Called by the APIs.
import { changeJob, type JobRef } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import { cancelTasks } from '#database/tasks.ts';
import type { Job } from '#domain/job.ts';
import { checkStatus, lockForChange, readJob } from '#workflows/find-for-change.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { sendRemoval } from '#workflows/remove-delivered.ts';

/** @throws PlatformError `not_found`, `conflict` where the job is finished */
export async function cancelJob(platform: Platform, ref: JobRef): Promise<Job> {
  return platform.database.db.transaction().execute(async (db) => {
    const job = await lockForChange(db, ref);
    checkStatus(job, 'canceled', ['queued', 'processing', 'paused']);
    await cancelTasks(db, { ...ref, dropped: true });
    await changeOutputs(db, { ...ref, from: ['pending', 'processing', 'uploading'] }, { status: 'canceled' });
    await platform.queue.cancelJob(job.id, db);
    await changeJob(db, ref, {
      status: 'canceled',
      completedAt: new Date(),
      speed: null,
      etaSeconds: null,
      workerId: null,
    });
    await sendRemoval(platform, db, ref);
    const canceled = await readJob(platform, db, ref);
    await announce(db, JOB_CONTROL, { jobId: job.id });
    await recordEvent(platform, db, { job, type: 'job.canceled', status: 'canceled' });
    return canceled;
  });
}
