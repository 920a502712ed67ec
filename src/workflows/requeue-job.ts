// Puts what a job still lacks back into the queue: the planning where there is no plan yet, or another is to be made, else its pending tasks. Called by resume and retry.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { Job } from '#domain/job.ts';
import { jobPriority, runLaneOf } from '#queue/lane.ts';
import type { Platform } from '#workflows/platform.ts';
import { sendReadyTasks } from '#workflows/send-tasks.ts';

/** The job's row is locked. Entries left from before are removed, so that nothing is queued twice. */
export async function requeueJob(platform: Platform, db: Kysely<Schema>, job: Job): Promise<void> {
  await platform.queue.cancelJob(job.id, db);
  // Whoever follows its source sends what has come of it.
  if (job.plan && job.arrival === 'arriving') return;
  if (job.plan && job.arrival === null) return sendReadyTasks(platform, db, { job, plan: job.plan });
  const entry = { projectId: job.projectId, jobId: job.id, priority: job.priority };
  await platform.queue.send(runLaneOf(job.lane), entry, { priority: jobPriority(job.priority), transaction: db });
}
