// A job of the encoder API: its words, its rules, what its callbacks say, and whether a source is the announced one. Pure.
import type { Preset } from '#domain/codec.ts';
import { type Failure, PlatformError } from '#domain/error.ts';
import { JOB_STATUSES, type JobStatus, type OutputResult } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

export const ENCODER_STATUSES = ['pending', 'processing', 'completed', 'failed'] as const;
export type EncoderStatus = (typeof ENCODER_STATUSES)[number];

/** MPEG-TS, or fragmented MP4 with an `init.mp4`. */
export const SEGMENT_TYPES = ['ts', 'fmp4'] as const;
export type SegmentType = (typeof SEGMENT_TYPES)[number];

/** last: `master.m3u8` appears when all is there · progressive: playlists grow in the bucket while the encoding goes on. */
export const MASTER_TIMINGS = ['last', 'progressive'] as const;
export type MasterTiming = (typeof MASTER_TIMINGS)[number];

export const ENCODER_LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type EncoderLogLevel = (typeof ENCODER_LOG_LEVELS)[number];

/** One wanted quality: a name (`720p`), or one with figures of its own. */
export type QualityPreset =
  | string
  | {
      readonly name: string;
      /** bits/s */
      readonly bitrate?: number | undefined;
      /** bits/s */
      readonly audio_bitrate?: number | undefined;
      readonly preset?: Preset | undefined;
    };

/** What `submit_job` asks for. */
export type EncoderRequest = {
  readonly videoId: string;
  /** Keys in the bucket of AWS_STORAGE_BUCKET_NAME. */
  readonly originalKey: string;
  readonly hlsFolderKey: string;
  /** bytes, as the caller knows it */
  readonly inputFileSize: number | null;
  /** seconds, as the caller knows it */
  readonly duration: number | null;
  readonly qualityPresets: readonly QualityPreset[] | null;
  readonly preset: Preset | null;
  readonly segmentType: SegmentType;
  readonly masterPlaylist: MasterTiming;
};

/** A job as this API sees it: what was asked, and the state of the engine's job. */
export type EncoderJob = EncoderRequest & {
  /** UUIDv7: the id of this API. */
  readonly id: string;
  readonly jobId: number;
  readonly projectId: string;
  readonly jobStatus: JobStatus;
  readonly progress: number;
  readonly error: Failure | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** seconds, as measured; null until then */
  readonly sourceDuration: number | null;
  readonly result: OutputResult | null;
  readonly isOpen: boolean;
  readonly workerId: string | null;
  readonly isExternal: boolean;
  /** As an external worker reported it. */
  readonly outputFileSize: number | null;
  /** 0: nothing was told yet · 1: the start · 10, 20, …: so many per cent. */
  readonly toldProgress: number;
};

const STATUS: Readonly<Record<JobStatus, EncoderStatus>> = {
  queued: 'pending',
  paused: 'pending',
  processing: 'processing',
  completed: 'completed',
  failed: 'failed',
  canceled: 'failed',
};
export const encoderStatus = (status: JobStatus): EncoderStatus => STATUS[status];

/** The statuses of the engine's jobs that have an encoder status. */
export const jobStatusesOf = (status: EncoderStatus): JobStatus[] =>
  JOB_STATUSES.filter((one) => STATUS[one] === status);

/** What both a callback and an answer say of the state of a job. */
export function encoderState(job: EncoderJob) {
  const status = encoderStatus(job.jobStatus);
  const isDone = status === 'completed';
  return {
    status,
    progress_percentage: isDone ? 100 : Math.floor(job.progress),
    hls_master_key: isDone ? `${job.hlsFolderKey}/master.m3u8` : null,
    qualities: isDone ? (job.result?.renditions.map(({ name }) => name) ?? []) : [],
    duration: job.result?.duration ?? job.sourceDuration ?? job.duration,
    output_file_size: isDone ? (job.outputFileSize ?? job.result?.size ?? null) : null,
    error_message: job.jobStatus === 'canceled' ? 'The job was canceled' : (job.error?.message ?? null),
  };
}

/** What the main backend is told. */
export const callbackBody = (job: EncoderJob) => ({ video_id: job.videoId, job_id: job.id, ...encoderState(job) });

/** The address of a callback. The id is one part of the path, whatever it holds. */
export const callbackUrl = (backend: string, path: string, videoId: string): string =>
  backend.replace(/\/+$/, '') + path.replaceAll('{video_id}', encodeURIComponent(videoId));

/** Shares by which what was announced may differ from what is there before it counts as another file. */
const OTHER_FILE = 0.1;
/** Containers round durations, and sound may outlast the picture. */
const SAME_DURATION = { seconds: 2, share: 0.02 };
const OTHER_DURATION_SECONDS = 5;

/**
 * Holds the announced size and duration against the source: warnings for the log. The same number of bytes is the same
 * file, whatever its duration was thought to be. Backends round, and measure before they touch a file up, so that a
 * difference alone is a warning; a file that lacks a tenth of its bytes is a cut one, and one that differs by a tenth
 * in length and is not the announced size is another.
 * @throws PlatformError `source_mismatch` where the file is evidently another or a cut one
 */
export function judgeSource(
  announced: Pick<EncoderRequest, 'inputFileSize' | 'duration'>,
  facts: Pick<SourceFacts, 'size' | 'duration'>,
): string[] {
  const { duration } = announced;
  // Some write 0 for what they do not know.
  const inputFileSize = announced.inputFileSize || null;
  const lengthDiffers = (share: number, seconds: number): boolean =>
    duration !== null && duration > 0 && Math.abs(facts.duration - duration) > Math.max(seconds, duration * share);
  const isOtherLength = lengthDiffers(OTHER_FILE, OTHER_DURATION_SECONDS);
  const isSameSize = inputFileSize === facts.size;
  const sizes = `the source has ${facts.size} bytes, announced were ${inputFileSize}`;
  const lengths = `it lasts ${facts.duration.toFixed(1)} s, announced were ${duration} s`;
  if (inputFileSize !== null && facts.size < inputFileSize * (1 - OTHER_FILE))
    throw new PlatformError('source_mismatch', `The source is not whole, or another file: ${sizes}`);
  if (isOtherLength && !isSameSize)
    throw new PlatformError(
      'source_mismatch',
      `The source is another file, or a part of it: ${inputFileSize === null ? lengths : `${sizes}; ${lengths}`}`,
    );
  const warnings: string[] = [];
  if (inputFileSize !== null && !isSameSize) warnings.push(`input_file_size: ${sizes}`);
  if (lengthDiffers(SAME_DURATION.share, SAME_DURATION.seconds)) warnings.push(`duration: ${lengths}`);
  return warnings;
}
