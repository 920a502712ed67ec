// What an API does when one of its jobs changes, in the transaction of the change: its own events, callbacks, rows. Called by record-event.ts.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { JobApi, JobStatus } from '#domain/job.ts';
import type { Platform } from '#workflows/platform.ts';

/** A change as an owner sees it; it reads what else it needs. The job's row is locked. */
export type OwnedChange = {
  readonly projectId: string;
  readonly jobId: number;
  readonly uuid: string;
  /** `job.completed`, `output.uploaded`, … */
  readonly type: string;
  readonly status: JobStatus | 'deleted';
  /** Index of the output, of an output's event. */
  readonly output: number | null;
};

export type JobOwner = (platform: Platform, db: Kysely<Schema>, change: OwnedChange) => Promise<void>;

/** An API without an entry has nothing to add: the engine's own events and webhooks are all. */
export const JOB_OWNERS: Readonly<Partial<Record<JobApi, JobOwner>>> = {};
