// Removes what nothing owns any longer. sweepMachine: at the start of every worker and hourly, on its own machine; sweepCluster: hourly, by one of them.
import { deleteLooseDeliveriesBefore } from '#database/deliveries.ts';
import { deleteEventsBefore } from '#database/events.ts';
import { findJobUuids } from '#database/jobs.ts';
import { deleteMachinesBefore } from '#database/live.ts';
import { listExpiredJobs } from '#database/retention.ts';
import { deleteWorkersBefore } from '#database/workers.ts';
import { PlatformError } from '#domain/error.ts';
import { DELIVERY_DAYS, EVENT_DAYS } from '#domain/retention.ts';
import { sweepLogs } from '#workflows/channels/channel-logs.ts';
import { sweepLive } from '#workflows/channels/sweep-live.ts';
import { countStorage } from '#workflows/count-storage.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { failSilentExternals } from '#workflows/encoder/report-external.ts';
import { endOrphans } from '#workflows/end-orphans.ts';
import { jobPrefix, jobUuidOf } from '#workflows/job-storage.ts';
import { expireOperations } from '#workflows/operations/delete-operation.ts';
import type { Platform } from '#workflows/platform.ts';
import { removeUnowned } from '#workflows/remove-unowned.ts';
import { sweepScratch } from '#workflows/scratch.ts';
import { sweepUploads } from '#workflows/uploads/sweep-uploads.ts';

const HOUR = 3_600_000;
/** A worker beats every 3 s: one silent for so long is gone. */
const WORKER_SILENCE = 60_000;
/** Half-written objects older than this belong to writers that died. */
const STALE_HOURS = 24;
/** What is newer may just be on its way into a row. */
const UNOWNED_HOURS = 1;

const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR);

/** Dead scratch folders and FFmpeg processes without a supervisor. */
export async function sweepMachine(platform: Platform): Promise<void> {
  const folders = await sweepScratch(platform.config);
  const orphans = await endOrphans();
  const logs = await sweepLogs(platform);
  if (folders + orphans.length + logs > 0)
    platform.log.info({ folders, orphans, logs }, 'removed what dead processes had left');
}

/** In this order: counting comes when all else has been removed. */
const CHORES: Readonly<Record<string, (platform: Platform) => Promise<unknown>>> = {
  workers: ({ database }) => deleteWorkersBefore(database.db, new Date(Date.now() - WORKER_SILENCE)),
  'live machines': ({ database }) => deleteMachinesBefore(database.db, hoursAgo(STALE_HOURS)),
  events: ({ database }) => deleteEventsBefore(database.db, hoursAgo(EVENT_DAYS * 24)),
  deliveries: ({ database }) => deleteLooseDeliveriesBefore(database.db, hoursAgo(DELIVERY_DAYS * 24)),
  'external workers': failSilentExternals,
  jobs: expireJobs,
  operations: expireOperations,
  uploads: sweepUploads,
  // Clients that send to S3 themselves have as long as any upload.
  'half-written objects': ({ storage, config }) =>
    storage.sweep(hoursAgo(Math.max(STALE_HOURS, config.UPLOAD_EXPIRY_HOURS))),
  'files of jobs': removeJobFiles,
  'files of channels': (platform) => sweepLive(platform, hoursAgo(UNOWNED_HOURS)),
  'storage usage': countStorage,
};

/** What one chore cannot do keeps none of the others. @throws the first failure, when all were done */
export async function sweepCluster(platform: Platform): Promise<void> {
  const failures: unknown[] = [];
  for (const [chore, act] of Object.entries(CHORES)) {
    try {
      await act(platform);
    } catch (error) {
      platform.log.error({ err: error, chore }, 'a chore of the hourly sweep failed');
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Has a worker sweep now instead of within the hour. */
export const orderSweep = ({ queue }: Platform): Promise<void> => queue.send('housekeeping', { chore: 'sweep' });

/** Deletes finished jobs older than RETENTION_HOURS; also `rendition retention`. Answers how many. */
export async function expireJobs(platform: Platform): Promise<number> {
  const hours = platform.config.RETENTION_HOURS;
  if (hours === null) return 0;
  const before = hoursAgo(hours);
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

/** Of submissions that died half-way, and of deletions whose files were not reached. */
function removeJobFiles(platform: Platform): Promise<void> {
  const { db } = platform.database;
  return removeUnowned(platform, {
    prefix: 'jobs/',
    idOf: jobUuidOf,
    folderOf: jobPrefix,
    findOwned: (uuids) => findJobUuids(db, uuids),
  });
}
