// Deletes a job: its work stops, its rows, entries and stored files go; what was delivered whole elsewhere stays. Called by the APIs and by retention.
import type { Kysely } from 'kysely';
import { listPendingDeliveries } from '#database/deliveries.ts';
import { deleteJobRow, type JobRef, type LockedJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { lockForChange } from '#workflows/find-for-change.ts';
import { DELETION_OWNERS } from '#workflows/job-owners.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { findPartDeliveries, removePart } from '#workflows/remove-delivered.ts';

/** @throws PlatformError `not_found` */
export async function deleteJob(platform: Platform, ref: JobRef): Promise<void> {
  const { db } = platform.database;
  const removeFiles = await db.transaction().execute((transaction) => deleteJobRows(platform, transaction, ref));
  await removeFiles();
}

/** Removes what a deleted job had stored. */
export type RemoveFiles = () => Promise<void>;

/**
 * The same within a transaction. What it answers is called after the commit: rows without files can be seen, files without rows only cost
 * space until the janitor comes.
 * @throws PlatformError `not_found`
 */
export async function deleteJobRows(platform: Platform, db: Kysely<Schema>, ref: JobRef): Promise<RemoveFiles> {
  const job = await lockForChange(db, ref);
  const parts = job.status === 'completed' ? [] : await findPartDeliveries(platform, db, ref);
  await DELETION_OWNERS[job.api]?.(platform, db, ref);
  await platform.queue.cancelJob(job.id, db);
  await platform.queue.cancelDeliveries(await listPendingDeliveries(db, ref), db);
  await deleteJobRow(db, ref);
  await announce(db, JOB_CONTROL, { jobId: job.id });
  await recordEvent(platform, db, { job, type: 'job.deleted', status: 'deleted' });
  return () => removeFilesOf(platform, { job, parts });
}

type Deleted = {
  readonly job: Pick<LockedJob, 'id' | 'uuid'>;
  readonly parts: Awaited<ReturnType<typeof findPartDeliveries>>;
};

async function removeFilesOf(platform: Platform, { job, parts }: Deleted): Promise<void> {
  await platform.storage.removeAll(jobPrefix(job.uuid));
  for (const part of parts) {
    try {
      await removePart(platform, part);
    } catch (error) {
      platform.log.warn({ err: error, jobId: job.id }, 'what a deleted job had delivered in part could not be removed');
    }
  }
}
