// Writes a state change into the list of events, in the transaction that makes it. Called by every workflow that changes a state.
import type { Kysely } from 'kysely';
import { insertEvent } from '#database/events.ts';
import type { Schema } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import type { Job, JobStatus } from '#domain/job.ts';
import { announce, EVENTS } from '#workflows/channels.ts';

export type JobEvent = {
  readonly job: Pick<Job, 'id' | 'uuid' | 'projectId' | 'api'>;
  /** `job.completed`, `output.uploaded`, … */
  readonly type: `job.${JobStatus | 'deleted'}` | `output.${'uploaded' | 'failed'}`;
  readonly status: JobStatus | 'deleted';
  /** Of an output's event. */
  readonly output?: number;
  readonly error?: Failure | null;
};

/** The last act of a transaction: see insertEvent. */
export async function recordEvent(db: Kysely<Schema>, { job, type, status, output, error }: JobEvent): Promise<void> {
  const data = {
    id: job.id,
    uuid: job.uuid,
    api: job.api,
    status,
    ...(output === undefined ? {} : { output }),
    ...(error ? { error } : {}),
  };
  const eventId = await insertEvent(db, { projectId: job.projectId, jobId: job.id, type, data });
  await announce(db, EVENTS, { projectId: job.projectId, eventId, jobId: job.id, type });
}
