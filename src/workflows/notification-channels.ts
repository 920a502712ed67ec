// The notification channels of the engine and what is said on them. Heard by workers, event streams and the CLI.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { QueueState } from '#domain/queue-state.ts';

/** A job's work may have been taken away: whoever works on it looks at its own row. */
export const JOB_CONTROL = 'job_control';
/** A job has come further. */
export const JOB_PROGRESS = 'job_progress';
/** There is a new row in `event`. */
export const EVENTS = 'event_added';

/** What its owner says of a video has changed: its poster, who may play it. */
export const VIDEO_CHANGED = 'video_changed';

/** A live channel was ordered, changed or deleted: supervisors look at their rows. */
export const LIVE_CONTROL = 'live_control';

/** A machine has left more of a channel's log in managed storage. */
export const LIVE_LOG = 'live_log';

/** The queue was paused, drained or resumed. */
export const QUEUE_CONTROL = 'queue_control';

export type JobControl = { readonly jobId: number };
export type JobProgressNote = {
  readonly projectId: string;
  readonly jobId: number;
  readonly progress: number;
  readonly speed: number | null;
  readonly etaSeconds: number | null;
  /** What is being done: `fetch` while the source is on its way, else `encode`. */
  readonly stage: 'fetch' | 'encode';
};
export type EventNote = {
  readonly projectId: string;
  readonly eventId: number;
  readonly jobId: number | null;
  readonly type: string;
};

export type VideoChanged = { readonly videoId: string };

export type LiveControl = { readonly channelId: number };

export type QueueControl = { readonly state: QueueState };

type Notes = {
  readonly [JOB_CONTROL]: JobControl;
  readonly [JOB_PROGRESS]: JobProgressNote;
  readonly [EVENTS]: EventNote;
  readonly [VIDEO_CHANGED]: VideoChanged;
  readonly [LIVE_CONTROL]: LiveControl;
  readonly [LIVE_LOG]: LiveControl;
  readonly [QUEUE_CONTROL]: QueueControl;
};

/** Says it when the transaction commits; at once outside of one. */
export async function announce<C extends keyof Notes>(db: Kysely<Schema>, channel: C, note: Notes[C]): Promise<void> {
  await sql`select pg_notify(${channel}, ${JSON.stringify(note)})`.execute(db);
}
