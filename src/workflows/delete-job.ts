// Deletes a job: its work stops, its rows, entries and stored files go; what was delivered whole elsewhere stays. Called by the APIs and by retention.
import { listPendingDeliveries } from '#database/deliveries.ts';
import { deleteJobRow, type JobRef } from '#database/jobs.ts';
import { lockForChange } from '#workflows/find-for-change.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { findPartDeliveries, removePart } from '#workflows/remove-delivered.ts';

/** @throws PlatformError `not_found` */
export async function deleteJob(platform: Platform, ref: JobRef): Promise<void> {
  const { job, parts } = await platform.database.db.transaction().execute(async (db) => {
    const locked = await lockForChange(db, ref);
    const unfinished = locked.status === 'completed' ? [] : await findPartDeliveries(platform, db, ref);
    await platform.queue.cancelJob(locked.id, db);
    await platform.queue.cancelDeliveries(await listPendingDeliveries(db, ref), db);
    await deleteJobRow(db, ref);
    await announce(db, JOB_CONTROL, { jobId: locked.id });
    await recordEvent(platform, db, { job: locked, type: 'job.deleted', status: 'deleted' });
    return { job: locked, parts: unfinished };
  });
  // After the commit: rows without files can be seen, files without rows only cost space until the janitor comes.
  await platform.storage.removeAll(jobPrefix(job.uuid));
  for (const part of parts) {
    try {
      await removePart(platform, part);
    } catch (error) {
      platform.log.warn({ err: error, jobId: job.id }, 'what a deleted job had delivered in part could not be removed');
    }
  }
}
