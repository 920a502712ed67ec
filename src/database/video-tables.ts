// The tables of the videos API as Kysely sees them. Part of schema.ts.
import type { Generated } from 'kysely';
import type { OptionalJson, OptionalTime, Time } from '#database/columns.ts';
import type { Failure } from '#domain/error.ts';
import type { Encryption, PlaybackPolicy } from '#domain/video.ts';

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
