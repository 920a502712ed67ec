// The tables of the encoder API as Kysely sees them, part of schema.ts.
import type { Generated, GeneratedAlways } from 'kysely';
import type { OptionalJson, Time } from '#database/columns.ts';
import type { Preset } from '#domain/codec.ts';
import type { EncoderLogLevel, MasterTiming, QualityPreset, SegmentType } from '#domain/encoder-job.ts';

/** What the encoder API knows of a job beside the job itself. */
export type EncoderJobTable = {
  readonly job_id: number;
  readonly project_id: string;
  readonly video_id: string;
  readonly s3_original_key: string;
  readonly s3_hls_folder_key: string;
  readonly input_file_size: number | null;
  readonly duration: number | null;
  /** As they were asked for. */
  readonly quality_presets: OptionalJson<readonly QualityPreset[]>;
  readonly preset: Preset | null;
  readonly segment_type: SegmentType;
  readonly master_playlist: MasterTiming;
  /** Not finished: of one video and key there is one such. */
  readonly is_open: Generated<boolean>;
  readonly worker_id: string | null;
  /** An external worker reports on it. */
  readonly is_external: Generated<boolean>;
  /** As an external worker reported it. */
  readonly output_file_size: number | null;
  /** The last whole ten per cent that was told. */
  readonly told_progress: Generated<number>;
  /** SHA-256 of the Redis entry that brought it, while that may still be in Redis. */
  readonly entry: string | null;
};

export type EncoderLogTable = {
  readonly id: GeneratedAlways<number>;
  readonly project_id: string;
  readonly job_id: number;
  readonly level: EncoderLogLevel;
  readonly at: Time;
  readonly message: string;
};
