// Every table of the database as Kysely sees it, named as in migrations/*.sql; bigint columns arrive as numbers. The tables of jobs and of each API
// stand in *-tables.ts, those of the installation here. Imported by every file of this room.
import type { ColumnType, Generated } from 'kysely';
import type {
  ChannelJobTable,
  ChannelProfileTable,
  ChannelTable,
  LiveClockTable,
  LiveMachineTable,
  LiveMomentTable,
} from '#database/channel-tables.ts';
import type { Json, OptionalTime, Time } from '#database/columns.ts';
import type { EncoderJobTable, EncoderLogTable } from '#database/encoder-tables.ts';
import type {
  AttemptTable,
  DeliveryTable,
  EventTable,
  JobLogTable,
  JobTable,
  OutputTable,
  TaskTable,
} from '#database/job-tables.ts';
import type { OperationFileTable, OperationTable, RateLimitTable } from '#database/operation-tables.ts';
import type { UploadPartTable, UploadTable } from '#database/upload-tables.ts';
import type { VideoJobTable, VideoTable } from '#database/video-tables.ts';
import type { QueueState } from '#domain/queue-state.ts';
import type { StorageKind } from '#domain/retention.ts';

export type ProjectTable = {
  readonly id: string;
  readonly name: string;
  readonly created_at: Time;
  /** Entries worked on at once in each lane; null takes PROJECT_CONCURRENCY. */
  readonly concurrency: ColumnType<number | null, number | null | undefined, number | null>;
};

export type QueueStateTable = {
  readonly id: Generated<boolean>;
  readonly state: QueueState;
  readonly changed_at: Time;
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
