// Tells how far a task and its job have come: to the rows, and by notification to whoever watches. Used by run-task.ts and run-job.ts.

import { type HeldTask, saveTaskProgress } from '#database/held-tasks.ts';
import { saveJobProgress, saveOutputProgress } from '#database/progress.ts';
import type { Job } from '#domain/job.ts';
import { PROGRESS_OWNERS } from '#workflows/job-owners.ts';
import { announce, JOB_PROGRESS } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { Throttle } from '#workflows/throttle.ts';

/** Twice a second is what an eye follows; more would be a storm of writes. */
const INTERVAL_MS = 500;

export type TaskProgress = {
  /** @param done 0–1 @param speed media seconds per second */
  readonly report: (done: number, speed: number | null) => void;
  readonly close: () => Promise<void>;
};

export function reportTaskProgress(platform: Platform, task: HeldTask): TaskProgress {
  const throttle = new Throttle<{ progress: number; speed: number | null }>(INTERVAL_MS, async (value) => {
    try {
      const { db } = platform.database;
      if (await saveTaskProgress(db, task, value)) await tellJobProgress(platform, task);
    } catch (error) {
      platform.log.warn({ err: error, jobId: task.jobId }, 'the progress of a task could not be written');
    }
  });
  return {
    report: (done, speed) => {
      if (Number.isFinite(done)) throttle.push({ progress: Math.min(1, Math.max(0, done)), speed });
    },
    close: () => throttle.close(),
  };
}

/** Adds up a job's progress, stores it and tells it. */
export async function tellJobProgress(
  platform: Platform,
  { projectId, jobId }: Pick<HeldTask, 'projectId' | 'jobId'>,
): Promise<void> {
  const { db } = platform.database;
  const now = await saveJobProgress(db, { projectId, jobId });
  if (!now) return;
  await saveOutputProgress(db, { projectId, jobId });
  const { progress, speed, etaSeconds, api, before } = now;
  await announce(db, JOB_PROGRESS, { projectId, jobId, progress, speed, etaSeconds, stage: 'encode' });
  if (Math.floor(progress / 10) > Math.floor(before / 10))
    await PROGRESS_OWNERS[api]?.(platform, { projectId, jobId }, progress);
}

/** Tells how much of a source has come. Its length is part of no job's progress: nothing is known of it yet. */
export function reportFetch(
  platform: Platform,
  job: Job,
): { readonly report: (bytes: number, total: number | null) => void; readonly close: () => Promise<void> } {
  const throttle = new Throttle<number>(INTERVAL_MS, async (progress) => {
    try {
      const note = {
        projectId: job.projectId,
        jobId: job.id,
        progress,
        speed: null,
        etaSeconds: null,
        stage: 'fetch' as const,
      };
      await announce(platform.database.db, JOB_PROGRESS, note);
    } catch (error) {
      platform.log.warn({ err: error, jobId: job.id }, 'the progress of a transfer could not be told');
    }
  });
  return {
    report: (bytes, total) => throttle.push(total ? Math.round((1000 * bytes) / total) / 10 : 0),
    close: () => throttle.close(),
  };
}
