// Writes a state change into the list of events, with the webhook that tells it, in the transaction that makes it. Called by every workflow that changes a state.
import type { Kysely } from 'kysely';
import { insertEvents } from '#database/events.ts';
import type { Schema } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import type { Job, JobStatus } from '#domain/job.ts';
import { addDeliveries, type WholeJob } from '#workflows/add-delivery.ts';
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
export function recordEvent(platform: Platform, db: Kysely<Schema>, event: JobEvent): Promise<void> {
  return recordEvents(platform, db, [event]);
}

/** The same of several jobs. */
export async function recordEvents(platform: Platform, db: Kysely<Schema>, events: readonly JobEvent[]): Promise<void> {
  const changes = events.map((event) => ({ ...event, projectId: event.job.projectId, jobId: event.job.id }));
  const webhooks = await addDeliveries(platform, db, changes.filter(isTold));
  const rows = changes.map((change) => ({ ...change, data: dataOf(change, webhooks.get(change)) }));
  await insertEvents(db, rows, EVENTS);
  for (const { job, projectId, jobId, type, status, output = null } of changes)
    await JOB_OWNERS[job.api]?.(platform, db, { projectId, jobId, uuid: job.uuid, type, status, output });
}

/** Webhooks tell the states of the job; a deleted one has nobody left to tell of. */
function isTold({ job, type, status }: JobEvent): boolean {
  const isNotified = 'notificationUrl' in job ? job.notificationUrl !== null : job.isNotified;
  return isNotified && type.startsWith('job.') && status !== 'deleted';
}

const dataOf = ({ job, status, output, error }: JobEvent, webhookId: string | undefined) => ({
  id: job.id,
  uuid: job.uuid,
  api: job.api,
  status,
  ...(output === undefined ? {} : { output }),
  ...(error ? { error } : {}),
  // By it a receiver that reads the events after a break knows what it has had.
  ...(webhookId === undefined ? {} : { webhookId }),
});
