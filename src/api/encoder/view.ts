// An encoder job and its log as the encoder API shows them. Pure.
import type { EncoderJobView } from '#api/encoder/schema.ts';
import type { Config } from '#config/settings.ts';
import type { EncoderLog } from '#database/encoder-logs.ts';
import { type EncoderJob, encoderState } from '#domain/encoder-job.ts';

type Defaults = Pick<Config, 'VIDEO_QUALITY_PRESETS' | 'ENCODE_PRESET'>;

export function viewEncoderJob(job: EncoderJob, defaults: Defaults): EncoderJobView {
  const { duration, ...state } = encoderState(job);
  return {
    id: job.id,
    video_id: job.videoId,
    s3_original_key: job.originalKey,
    s3_hls_folder_key: job.hlsFolderKey,
    input_file_size: job.inputFileSize,
    // What was asked stays what was asked; where nothing was, the measured one.
    duration: job.duration ?? duration,
    quality_presets: [...(job.qualityPresets ?? defaults.VIDEO_QUALITY_PRESETS)],
    preset: job.preset ?? defaults.ENCODE_PRESET,
    segment_type: job.segmentType,
    master_playlist: job.masterPlaylist,
    ...state,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.completedAt?.toISOString() ?? null,
    worker_id: job.workerId,
  };
}

export const viewLog = ({ id, level, at, message }: EncoderLog) => ({ id, level, time: at.toISOString(), message });
