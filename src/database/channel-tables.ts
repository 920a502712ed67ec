// The tables of live channels as Kysely sees them, part of schema.ts.
import type { ColumnType, Generated, GeneratedAlways, RawBuilder } from 'kysely';
import type { Json, OptionalJson, OptionalTime, Time } from '#database/columns.ts';
import type {
  AbrProfile,
  ChannelFigures,
  ChannelSpec,
  ChannelStatus,
  LiveInputName,
  LiveOutputState,
} from '#domain/channel.ts';
import type { Failure } from '#domain/error.ts';

export type ChannelTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly name: string;
  readonly slug: string;
  /** Addresses sealed: see channels.ts. */
  readonly spec: Json<ChannelSpec>;
  readonly revision: Generated<number>;
  readonly created_at: Time;
  readonly updated_at: Time;
};

export type ChannelProfileTable = {
  /** Given where a profile keeps its number through a change. */
  readonly id: Generated<number>;
  readonly project_id: string;
  readonly channel_id: number;
  readonly position: number;
  readonly spec: Json<Omit<AbrProfile, 'id'>>;
};

/** A process that runs channels; like a worker, of no project. */
export type LiveMachineTable = {
  readonly id: string;
  readonly hostname: string;
  readonly mark: string;
  readonly namespace: string;
  readonly cores: number;
  readonly started_at: Time;
  readonly beat_at: Time;
};

export type ChannelJobTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly channel_id: number;
  readonly wanted: Generated<boolean>;
  readonly generation: Generated<number>;
  readonly status: Generated<ChannelStatus>;
  readonly machine_id: string | null;
  /** Fencing number: raised by every claim, named by every write. */
  readonly lease: Generated<number>;
  readonly start_time: OptionalTime;
  readonly end_time: OptionalTime;
  readonly running_since: OptionalTime;
  readonly ffmpeg_pid: number | null;
  readonly error: OptionalJson<Failure>;
  readonly retries: Generated<number>;
  readonly restarts: Generated<number>;
  readonly is_down: Generated<boolean>;
  readonly input: Generated<LiveInputName>;
  readonly figures: ColumnType<
    Partial<ChannelFigures>,
    RawBuilder<ChannelFigures> | undefined,
    RawBuilder<ChannelFigures>
  >;
  readonly outputs: ColumnType<
    readonly LiveOutputState[],
    RawBuilder<readonly LiveOutputState[]> | undefined,
    RawBuilder<readonly LiveOutputState[]>
  >;
  readonly updated_at: Time;
};

/** One rendition's piece of a moment. */
export type LivePart = {
  readonly rendition: string;
  readonly key: string;
  /** bytes */
  readonly size: number;
  /** RFC 6381, all tracks */
  readonly codecs: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
};

export type LiveMomentTable = {
  readonly project_id: string;
  readonly channel_id: number;
  readonly sequence: number;
  readonly discontinuities: number;
  readonly is_break: boolean;
  readonly starts_at: Date;
  readonly seconds: number;
  readonly parts: Json<readonly LivePart[]>;
  readonly expires_at: Date;
};

export type LiveClockTable = {
  readonly channel_id: number;
  readonly next_sequence: Generated<number>;
  readonly discontinuities: Generated<number>;
  readonly thumbnail: OptionalJson<LiveThumbnail>;
};

export type LiveThumbnail = { readonly key: string; readonly size: number };
