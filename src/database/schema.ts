// The tables as Kysely sees them. One type a table, named as in migrations/*.sql; bigint columns arrive as numbers. Imported by every file of this room.

import { type ColumnType, type Generated, type GeneratedAlways, type RawBuilder, sql } from 'kysely';
import type {
  ChannelJobTable,
  ChannelProfileTable,
  ChannelTable,
  LiveClockTable,
  LiveMachineTable,
  LiveMomentTable,
} from '#database/channel-tables.ts';
import type { EncoderJobTable, EncoderLogTable } from '#database/encoder-tables.ts';
import type { OperationFileTable, OperationTable, RateLimitTable } from '#database/operation-tables.ts';
import type { SealedLocation, SealedSpec } from '#database/sealed-location.ts';
import type { AttemptOutcome } from '#domain/attempt.ts';
import type { Failure } from '#domain/error.ts';
import type { Finding } from '#domain/finding.ts';
import type { JobApi, JobLane, JobStatus, OutputResult, OutputStatus, SourceArrival, TaskStatus } from '#domain/job.ts';
import type { Plan, TaskKind } from '#domain/plan.ts';
import type { QueueState } from '#domain/queue-state.ts';
import type { StorageKind } from '#domain/retention.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { TaskResult, TrackPart } from '#domain/task.ts';
import type { Encryption, PlaybackPolicy } from '#domain/video.ts';
import type { DeliveryAttempt, DeliveryStatus } from '#domain/webhook.ts';

/** Read as a value; written through json(), so that arrays are not taken for PostgreSQL arrays. */
export type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;
export type OptionalJson<T> = ColumnType<T | null, RawBuilder<T> | null | undefined, RawBuilder<T> | null>;
export type Time = ColumnType<Date, Date | undefined, Date>;
export type OptionalTime = ColumnType<Date | null, Date | null | undefined, Date | null>;

export type ProjectTable = {
  readonly id: string;
  readonly name: string;
  readonly created_at: Time;
  /** Entries worked on at once in each lane; null takes PROJECT_CONCURRENCY. */
  readonly concurrency: ColumnType<number | null, number | null | undefined, number | null>;
};

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

export type QueueStateTable = {
  readonly id: Generated<boolean>;
  readonly state: QueueState;
  readonly changed_at: Time;
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

/** A process of the cluster; the one table that belongs to no project. */
export type WorkerTable = {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly concurrency: number;
  /** Ids of the jobs it works on. */
  readonly running: Json<readonly number[]>;
  readonly encoders: Json<readonly string[]>;
  readonly started_at: Time;
  readonly last_heartbeat_at: Time;
};

/** A sample of a machine's load; of no project, like the workers. */
export type MachineLoadTable = {
  readonly hostname: string;
  readonly at: Date;
  readonly cores: number;
  /** bytes */
  readonly memory_total: number;
  /** 0–100, all cores together */
  readonly cpu: number;
  /** bytes */
  readonly memory_used: number;
  /** bytes/s over all interfaces but loopback; null where the system does not tell */
  readonly received: number | null;
  readonly sent: number | null;
};

/** What lies in managed storage under one prefix, as the last sweep counted it. */
export type StorageUsageTable = {
  readonly kind: StorageKind;
  readonly objects: number;
  /** bytes */
  readonly bytes: number;
  readonly counted_at: Time;
};

export const UPLOAD_STATUSES = ['receiving', 'finishing', 'received', 'failed'] as const;
/** finishing: all is there and is being joined and checked. */
export type UploadStatus = (typeof UPLOAD_STATUSES)[number];
export const UPLOAD_PROTOCOLS = ['request', 'chunks', 'tus', 'presigned'] as const;
export type UploadProtocol = (typeof UPLOAD_PROTOCOLS)[number];

export type UploadTable = {
  readonly id: string;
  readonly project_id: string;
  readonly filename: string;
  /** bytes; 0 until received */
  readonly size: number;
  readonly storage_key: string;
  readonly status: UploadStatus;
  readonly created_at: Time;
  readonly expires_at: Date;
  readonly protocol: Generated<UploadProtocol>;
  readonly is_video: Generated<boolean>;
  readonly expected_size: number | null;
  readonly total_chunks: number | null;
  readonly chunk_size: number | null;
  readonly sha256: string | null;
  readonly received: Generated<number>;
  readonly tus_metadata: string | null;
  readonly is_partial: Generated<boolean>;
  readonly concatenates: string[] | null;
  readonly multipart_id: string | null;
  readonly token_id: string | null;
  readonly max_bytes: number | null;
  readonly boot_id: string | null;
  readonly attempt: Generated<number>;
  readonly error: OptionalJson<Failure>;
};

export type UploadPartTable = {
  readonly upload_id: string;
  readonly project_id: string;
  readonly index: number;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly storage_key: string | null;
  readonly claim: string | null;
};

export type VideoTable = {
  readonly id: string;
  readonly project_id: string;
  readonly title: string;
  readonly description: Generated<string>;
  readonly tags: Generated<string[]>;
  readonly filename: string;
  readonly size: number | null;
  readonly storage_key: string | null;
  readonly qualities: string[] | null;
  readonly transcode: Generated<boolean>;
  readonly stopped: Generated<boolean>;
  readonly poster_time: number | null;
  readonly playback_policy: Generated<PlaybackPolicy>;
  readonly encryption: Generated<Encryption>;
  /** Sealed. */
  readonly content_key: string | null;
  /** Sealed where it carries credentials or a query. */
  readonly notification_url: string | null;
  readonly base_url: string | null;
  readonly error: OptionalJson<Failure>;
  readonly playable_at: OptionalTime;
  readonly created_at: Time;
  readonly updated_at: Time;
};

export type VideoJobTable = {
  readonly video_id: string;
  readonly job_id: number;
  readonly project_id: string;
  readonly position: number;
};

export type ApiKeyTable = {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  /** SHA-256 of the key, hex: the key itself is never stored. */
  readonly hash: string;
  readonly scopes: string[];
  readonly created_at: Time;
  readonly last_used_at: OptionalTime;
  readonly revoked_at: OptionalTime;
};

export type Schema = {
  readonly project: ProjectTable;
  readonly job: JobTable;
  readonly output: OutputTable;
  readonly task: TaskTable;
  readonly attempt: AttemptTable;
  readonly event: EventTable;
  readonly delivery: DeliveryTable;
  readonly queue_state: QueueStateTable;
  readonly encoder_job: EncoderJobTable;
  readonly encoder_log: EncoderLogTable;
  readonly job_log: JobLogTable;
  readonly worker: WorkerTable;
  readonly machine_load: MachineLoadTable;
  readonly storage_usage: StorageUsageTable;
  readonly upload: UploadTable;
  readonly upload_part: UploadPartTable;
  readonly video: VideoTable;
  readonly video_job: VideoJobTable;
  readonly operation: OperationTable;
  readonly operation_file: OperationFileTable;
  readonly rate_limit: RateLimitTable;
  readonly api_key: ApiKeyTable;
  readonly channel: ChannelTable;
  readonly channel_profile: ChannelProfileTable;
  readonly channel_job: ChannelJobTable;
  readonly live_machine: LiveMachineTable;
  readonly live_moment: LiveMomentTable;
  readonly live_clock: LiveClockTable;
};

/**
 * A value as jsonb. PostgreSQL refuses U+0000 and lone surrogates inside jsonb, and both come out of
 * strangers' media tags: they are dropped and replaced.
 */
export function json<T>(value: T): RawBuilder<T> {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('\u0000', '').toWellFormed() : inner,
  );
  return sql<T>`${text}::jsonb`;
}

/** The same for a text column. */
export const plainText = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();
