// The tables of jobs as Kysely sees them: outputs, tasks, attempts, the log, and what is told of it all. Part of schema.ts.
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { Json, OptionalJson, OptionalTime, Time } from '#database/columns.ts';
import type { SealedLocation, SealedSpec } from '#database/sealed-location.ts';
import type { AttemptOutcome } from '#domain/attempt.ts';
import type { Failure } from '#domain/error.ts';
import type { Finding } from '#domain/finding.ts';
import type { JobApi, JobLane, JobStatus, OutputResult, OutputStatus, SourceArrival, TaskStatus } from '#domain/job.ts';
import type { Plan, TaskKind } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { TaskResult, TrackPart } from '#domain/task.ts';
import type { DeliveryAttempt, DeliveryStatus } from '#domain/webhook.ts';

export type JobTable = {
  readonly id: GeneratedAlways<number>;
  readonly uuid: string;
  readonly project_id: string;
  readonly api: JobApi;
  readonly lane: JobLane | null;
  readonly status: JobStatus;
  /** Secrets sealed: see sealed-location.ts. */
  readonly source: Json<SealedLocation>;
  readonly priority: number;
  readonly metadata: Json<Readonly<Record<string, unknown>>>;
  /** Sealed where it carries credentials or a query. */
  readonly notification_url: string | null;
  /** What the caller reached the server under. */
  readonly base_url: string | null;
  /** A receiver answered 410 Gone. */
  readonly notifications_off: Generated<boolean>;
  readonly idempotency_key: string | null;
  readonly request_hash: string | null;
  readonly progress: Generated<number>;
  readonly speed: number | null;
  readonly eta_seconds: number | null;
  readonly attempt: Generated<number>;
  /** Tries of run-job whose failure was not the machine's going away. */
  readonly tries: Generated<number>;
  readonly worker_id: string | null;
  /** The queue entry and its delivery that run-job's current attempt came with. */
  readonly entry: string | null;
  readonly delivery: number | null;
  readonly source_key: string | null;
  readonly arrival: ColumnType<SourceArrival | null, SourceArrival | null | undefined, SourceArrival | null>;
  readonly facts: OptionalJson<SourceFacts>;
  readonly findings: OptionalJson<readonly Finding[]>;
  readonly plan: OptionalJson<Plan>;
  readonly error: OptionalJson<Failure>;
  readonly created_at: Time;
  readonly started_at: OptionalTime;
  readonly completed_at: OptionalTime;
  readonly updated_at: Time;
};

export type OutputTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number;
  readonly index: number;
  /** The destination's secrets sealed: see sealed-location.ts. */
  readonly spec: Json<SealedSpec>;
  readonly status: OutputStatus;
  readonly progress: Generated<number>;
  readonly result: OptionalJson<OutputResult>;
  readonly error: OptionalJson<Failure>;
};

export type TaskTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number;
  readonly kind: TaskKind;
  readonly subject: number;
  readonly index: number;
  readonly status: TaskStatus;
  /** Fencing number: raised by every claim, named by every write. */
  readonly attempt: Generated<number>;
  /** Claims that count towards QUEUE_MAX_ATTEMPTS: a drain or a lost lease gives its own back. */
  readonly tries: Generated<number>;
  readonly weight: number;
  /** Indexes of the outputs that wait for this task. */
  readonly needed_by: number[];
  readonly worker_id: string | null;
  /** The queue entry and its delivery that the current attempt came with: only a later delivery of the same entry may take over. */
  readonly entry: string | null;
  readonly delivery: number | null;
  readonly result: OptionalJson<TaskResult>;
  /** Segments that are visible before the task is done: of its attempt, and of those before it that were interrupted. */
  readonly published: OptionalJson<readonly TrackPart[]>;
  readonly progress: Generated<number>;
  readonly speed: number | null;
  readonly error: OptionalJson<Failure>;
  readonly claimed_at: OptionalTime;
  readonly beat_at: OptionalTime;
  readonly done_at: OptionalTime;
};

/** One try, of a task or of planning its job. Triggers write it. */
export type AttemptTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number;
  readonly task_id: number | null;
  readonly number: number;
  readonly worker_id: string | null;
  readonly started_at: Time;
  readonly ended_at: OptionalTime;
  readonly outcome: AttemptOutcome;
  readonly error: OptionalJson<Failure>;
};

export type JobLogTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number;
  readonly at: Time;
  /** `chunk 3`, `audio`, `run`: who said it. */
  readonly task: string;
  readonly line: string;
};

export type EventTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number | null;
  readonly type: string;
  readonly at: Time;
  readonly data: Json<Readonly<Record<string, unknown>>>;
};

/** A webhook and its tries. */
export type DeliveryTable = {
  readonly id: string;
  readonly number: GeneratedAlways<number>;
  readonly project_id: string;
  /** Of a job or of a channel. */
  readonly job_id: number | null;
  readonly channel_id: number | null;
  /** What it tells of, where that is a video. */
  readonly video_id: ColumnType<string | null, string | null | undefined, never>;
  readonly type: string;
  /** Sealed where it carries credentials or a query. */
  readonly url: string;
  /** Sealed. */
  readonly body: string;
  readonly status: DeliveryStatus;
  /** Since it was last asked for. */
  readonly tries: Generated<number>;
  /** Ever: the fence of settlements. */
  readonly made: Generated<number>;
  readonly attempts: Json<readonly DeliveryAttempt[]>;
  readonly next_attempt_at: OptionalTime;
  readonly created_at: Time;
  /** Sealed JSON of headers of its own. */
  readonly headers: ColumnType<string | null, string | null | undefined, never>;
  /** Sent only when the earlier ordered ones of its job are settled. */
  readonly is_ordered: Generated<boolean>;
  /** To an address that the operator set: it may be private. */
  readonly is_own: Generated<boolean>;
};
