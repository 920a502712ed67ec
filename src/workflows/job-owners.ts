// What an API does when one of its jobs changes, in the transaction of the change: its own events, callbacks, rows. Called by record-event.ts, open-tasks.ts and report-progress.ts.
import type { Kysely } from 'kysely';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { JobApi, JobStatus } from '#domain/job.ts';
import {
  followEncoderJob,
  judgeEncoderPlan,
  tellEncoderDeletion,
  tellEncoderProgress,
} from '#workflows/encoder/follow-encoder-job.ts';
import type { PlannedJob } from '#workflows/open-tasks.ts';
import { followOperationJob } from '#workflows/operations/follow-operation-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { followVideoJob } from '#workflows/videos/follow-video-job.ts';
import { tellPlayable } from '#workflows/videos/tell-playable.ts';

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

/** A job is planned, in the transaction that opens its tasks: what this throws fails the job. */
export type PlanOwner = (platform: Platform, db: Kysely<Schema>, planned: PlannedJob) => Promise<void>;
/** Another ten per cent of a job are done. @param progress 0–100 */
export type ProgressOwner = (platform: Platform, ref: JobRef, progress: number) => Promise<void>;

/** An API without an entry has nothing to add: the engine's own events and webhooks are all. */
export const JOB_OWNERS: Readonly<Partial<Record<JobApi, JobOwner>>> = {
  encoder: followEncoderJob,
  operations: followOperationJob,
  videos: followVideoJob,
};

export const PLAN_OWNERS: Readonly<Partial<Record<JobApi, PlanOwner>>> = { encoder: judgeEncoderPlan };
export const PROGRESS_OWNERS: Readonly<Partial<Record<JobApi, ProgressOwner>>> = { encoder: tellEncoderProgress };

/** A job is about to be deleted, in the transaction that deletes it; its row is locked. */
export type DeletionOwner = (platform: Platform, db: Kysely<Schema>, ref: JobRef) => Promise<void>;
export const DELETION_OWNERS: Readonly<Partial<Record<JobApi, DeletionOwner>>> = { encoder: tellEncoderDeletion };

/** There may be more to play than before. Called outside of transactions, often; it never throws. */
export type PartsOwner = (platform: Platform, ref: JobRef) => Promise<void>;
export const PARTS_OWNERS: Readonly<Partial<Record<JobApi, PartsOwner>>> = { videos: tellPlayable };
