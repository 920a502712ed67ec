// Removes what nothing owns any longer. sweepMachine: at the start of every worker and hourly, on its own machine; sweepCluster: hourly, by one of them.
import { deleteEventsBefore } from '#database/events.ts';
import { findJobUuids, listExpiredJobs } from '#database/jobs.ts';
import { deleteWorkersBefore } from '#database/workers.ts';
import { PlatformError } from '#domain/error.ts';
import { EVENT_DAYS } from '#domain/retention.ts';
import { sweepLive } from '#workflows/channels/sweep-live.ts';
import { countStorage } from '#workflows/count-storage.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { failSilentExternals } from '#workflows/encoder/report-external.ts';
import { endOrphans } from '#workflows/end-orphans.ts';
import { jobPrefix, jobUuidOf } from '#workflows/job-storage.ts';
import { expireOperations } from '#workflows/operations/delete-operation.ts';
import type { Platform } from '#workflows/platform.ts';
import { sweepScratch } from '#workflows/scratch.ts';
import { sweepUploads } from '#workflows/uploads/sweep-uploads.ts';

const HOUR = 3_600_000;
/** A worker beats every 3 s: one silent for so long is gone. */
const WORKER_SILENCE = 60_000;
/** Half-written objects older than this belong to writers that died. */
const STALE_HOURS = 24;
/** What is newer may belong to a job that is just being submitted. */
const UNOWNED_HOURS = 1;

/** Dead scratch folders and FFmpeg processes without a supervisor. */
export async function sweepMachine(platform: Platform): Promise<void> {
  const folders = await sweepScratch(platform.config);
  const orphans = await endOrphans();
  if (folders + orphans.length > 0) platform.log.info({ folders, orphans }, 'removed what dead processes had left');
}

export async function sweepCluster(platform: Platform): Promise<void> {
  const { db } = platform.database;
  const now = Date.now();
  await deleteWorkersBefore(db, new Date(now - WORKER_SILENCE));
  await deleteEventsBefore(db, new Date(now - EVENT_DAYS * 24 * HOUR));
  await failSilentExternals(platform);
  await expireJobs(platform);
  await expireOperations(platform);
  await sweepUploads(platform);
  // Clients that send to S3 themselves have as long as any upload.
  const staleHours = Math.max(STALE_HOURS, platform.config.UPLOAD_EXPIRY_HOURS);
  await platform.storage.sweep(new Date(now - staleHours * HOUR));
  await removeUnowned(platform, new Date(now - UNOWNED_HOURS * HOUR));
  await sweepLive(platform, new Date(now - UNOWNED_HOURS * HOUR));
  await countStorage(platform);
}

/** Has a worker sweep now instead of within the hour. */
export const orderSweep = ({ queue }: Platform): Promise<void> => queue.send('housekeeping', { chore: 'sweep' });

/** Deletes finished jobs older than RETENTION_HOURS; also `rendition retention`. Answers how many. */
export async function expireJobs(platform: Platform): Promise<number> {
  const hours = platform.config.RETENTION_HOURS;
  if (hours === null) return 0;
  const before = new Date(Date.now() - hours * HOUR);
  let deleted = 0;
  for (;;) {
    const expired = await listExpiredJobs(platform.database.db, before, 100);
    for (const ref of expired) {
      try {
        await deleteJob(platform, ref);
        deleted += 1;
      } catch (error) {
        // Somebody else was quicker.
        if (!(error instanceof PlatformError && error.code === 'not_found')) throw error;
      }
    }
    if (expired.length < 100) return deleted;
  }
}

/** Prefixes of jobs that have no row: a submission that died half-way, a deletion whose files were not reached. */
async function removeUnowned({ database, storage }: Platform, before: Date): Promise<void> {
  const newest = new Map<string, number>();
  for await (const { key, modifiedAt } of storage.list('jobs/')) {
    const uuid = jobUuidOf(key);
    if (uuid !== null) newest.set(uuid, Math.max(newest.get(uuid) ?? 0, modifiedAt?.getTime() ?? Date.now()));
  }
  const old = [...newest].filter(([, time]) => time < before.getTime()).map(([uuid]) => uuid);
  for (let i = 0; i < old.length; i += 500) {
    const some = old.slice(i, i + 500);
    const owned = await findJobUuids(database.db, some);
    for (const uuid of some) if (!owned.has(uuid)) await storage.removeAll(jobPrefix(uuid));
  }
}
