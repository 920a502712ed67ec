// Locks a job for a change of its state and checks that the change fits. Called by cancel, pause, resume, retry and delete.
import type { Kysely } from 'kysely';
import { findJob, type JobRef, type LockedJob, lockJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, JobStatus } from '#domain/job.ts';
import type { Platform } from '#workflows/platform.ts';

/** @throws PlatformError `not_found` */
export async function lockForChange(db: Kysely<Schema>, ref: JobRef): Promise<LockedJob> {
  const job = await lockJob(db, ref);
  if (!job) throw new PlatformError('not_found', `There is no job ${ref.jobId}`);
  return job;
}

/** @throws PlatformError `conflict` naming the statuses that the act fits */
export function checkStatus(job: LockedJob, act: string, allowed: readonly JobStatus[]): void {
  if (allowed.includes(job.status)) return;
  const fitting = allowed.join(' or ');
  throw new PlatformError('conflict', `Job ${job.id} is ${job.status}; only a job that is ${fitting} can be ${act}`);
}

/** The whole job as it now is, to be shown and told of. @throws PlatformError `not_found` */
export async function readJob(platform: Platform, db: Kysely<Schema>, ref: JobRef): Promise<Job> {
  const job = await findJob(db, ref, platform.showing);
  if (!job) throw new PlatformError('not_found', `There is no job ${ref.jobId}`);
  return job;
}
