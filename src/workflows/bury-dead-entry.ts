// A queue entry whose workers died too often: what it stood for fails with `worker_lost`. Called for every entry of the lane `dead`.
import { lockJob } from '#database/jobs.ts';
import { failDeadTask, findNeededBy } from '#database/tasks.ts';
import { PlatformError, toFailure } from '#domain/error.ts';
import type { Entry } from '#queue/queue.ts';
import { failOutputs } from '#workflows/finish-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { endUploadAgain } from '#workflows/uploads/finish-upload.ts';

/** Seconds. */
const DELIVERY_PAUSE = 60;

export async function buryDeadEntry(platform: Platform, entry: Entry<'dead'>): Promise<void> {
  const { projectId, jobId, taskId, deliveryId, receiver, chore, uploadId } = entry.data;
  // No webhook ends its worker: others did, while it was on its way.
  if (typeof deliveryId === 'string' && typeof receiver === 'string') {
    return platform.queue.send('notify', { deliveryId, receiver }, { startAfter: DELIVERY_PAUSE });
  }
  if (chore === 'finish-upload' && typeof projectId === 'string' && typeof uploadId === 'string')
    return endUploadAgain(platform, { projectId, uploadId });
  // Other chores come again by themselves.
  if (typeof projectId !== 'string' || typeof jobId !== 'number') return;
  const ref = { projectId, jobId };
  const failure = toFailure(
    new PlatformError('worker_lost', `The work ended its worker ${platform.config.QUEUE_MAX_ATTEMPTS} times`),
  );
  await platform.database.db.transaction().execute(async (db) => {
    const job = await lockJob(db, ref);
    if (job?.status !== 'queued' && job?.status !== 'processing') return;
    if (typeof taskId !== 'number') {
      // Only an unplanned job depends on this entry.
      if (!job.isPlanned) await failOutputs(platform, db, { job, failure });
      return;
    }
    if (!(await failDeadTask(db, { ...ref, taskId, entry: entry.sourceId }, failure))) return;
    const indexes = await findNeededBy(db, { ...ref, taskId });
    if (indexes.length > 0) await failOutputs(platform, db, { job, indexes, failure });
  });
}
