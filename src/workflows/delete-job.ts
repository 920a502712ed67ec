// Deletes a job: its work stops, its rows, entries and stored files go; what was delivered elsewhere stays. Called by the APIs and by retention.
import { listPendingDeliveries } from '#database/deliveries.ts';
import { deleteJobRow, type JobRef } from '#database/jobs.ts';
import { announce, JOB_CONTROL } from '#workflows/channels.ts';
import { lockForChange } from '#workflows/find-for-change.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';

/** @throws PlatformError `not_found` */
export async function deleteJob(platform: Platform, ref: JobRef): Promise<void> {
  const job = await platform.database.db.transaction().execute(async (db) => {
    const locked = await lockForChange(db, ref);
    await platform.queue.cancelJob(locked.id, db);
    await platform.queue.cancelDeliveries(await listPendingDeliveries(db, ref), db);
    await deleteJobRow(db, ref);
    await announce(db, JOB_CONTROL, { jobId: locked.id });
    await recordEvent(platform, db, { job: locked, type: 'job.deleted', status: 'deleted' });
    return locked;
  });
  // After the commit: rows without files can be seen, files without rows only cost space until the janitor comes.
  await platform.storage.removeAll(jobPrefix(job.uuid));
}
