// An encoder job, and pages of things, as the encoder API shows them. Pure.
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

/** @param url absolute, of the page that was asked for */
export function viewPage<T>(
  results: readonly T[],
  {
    count,
    page,
    size,
    url,
  }: { readonly count: number; readonly page: number; readonly size: number; readonly url: string },
) {
  const at = (number: number): string => {
    const place = new URL(url);
    if (number === 1) place.searchParams.delete('page');
    else place.searchParams.set('page', String(number));
    return place.href;
  };
  return {
    count,
    next: page * size < count ? at(page + 1) : null,
    previous: page > 1 ? at(page - 1) : null,
    results: [...results],
  };
}
