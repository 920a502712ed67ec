// Writes a state change into the list of events, with the webhook that tells it, in the transaction that makes it. Called by every workflow that changes a state.
import type { Kysely } from 'kysely';
import { insertEvent } from '#database/events.ts';
import type { Schema } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import type { Job, JobStatus } from '#domain/job.ts';
import { addDelivery, type WholeJob } from '#workflows/add-delivery.ts';
import { JOB_OWNERS } from '#workflows/job-owners.ts';
import { EVENTS } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** A change of a job or of one of its outputs. */
export type JobEvent = {
  readonly job: Pick<Job, 'id' | 'uuid' | 'projectId' | 'api'> &
    ({ readonly notificationUrl: string | null } | { readonly isNotified: boolean });
  /** `job.completed`, `output.uploaded`, … */
  readonly type: `job.${JobStatus | 'deleted'}` | `output.${'uploaded' | 'failed'}`;
  readonly status: JobStatus | 'deleted';
  /** Of an output's event. */
  readonly output?: number;
  readonly error?: Failure | null;
  /** The whole job as it now is, where the caller has it at hand. */
  readonly whole?: WholeJob;
};

/** The last act of a transaction: see insertEvent. */
export async function recordEvent(
  platform: Platform,
  db: Kysely<Schema>,
  { job, type, status, output, error, whole }: JobEvent,
): Promise<void> {
  const ref = { projectId: job.projectId, jobId: job.id };
  const isNotified = 'notificationUrl' in job ? job.notificationUrl !== null : job.isNotified;
  // Webhooks tell the states of the job; a deleted one has nobody left to tell of.
  const isTold = isNotified && type.startsWith('job.') && status !== 'deleted';
  const webhookId = isTold ? await addDelivery(platform, db, { ...ref, type, ...(whole ? { whole } : {}) }) : null;
  const data = {
    id: job.id,
    uuid: job.uuid,
    api: job.api,
    status,
    ...(output === undefined ? {} : { output }),
    ...(error ? { error } : {}),
    // By it a receiver that reads the events after a break knows what it has had.
    ...(webhookId === null ? {} : { webhookId }),
  };
  await insertEvent(db, { ...ref, type, data, channel: EVENTS });
  await JOB_OWNERS[job.api]?.(platform, db, { ...ref, uuid: job.uuid, type, status, output: output ?? null });
}
