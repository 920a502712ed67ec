// What the encoder API takes and answers, in the words of the service it comes from. Used by routes.ts.
import { z } from 'zod';
import { countedPage } from '#api/counted-page.ts';
import { ENCODER_LOG_LEVELS, ENCODER_STATUSES, MASTER_TIMINGS, SEGMENT_TYPES } from '#domain/encoder-job.ts';

const MOST_PER_PAGE = 200;
const DEFAULT_PAGE = 50;

export const idParams = z.object({ id: z.string().max(500) });

const number = (max: number, message: string) =>
  z.coerce.number({ error: message }).int({ error: message }).min(1, { error: message }).max(max, { error: message });
const paging = {
  page: number(1_000_000, 'a page from 1').default(1),
  page_size: number(MOST_PER_PAGE, `1 to ${MOST_PER_PAGE}`).default(DEFAULT_PAGE),
};
export const pageQuery = z.object(paging);
export const listQuery = z.object({
  ...paging,
  status: z.enum(ENCODER_STATUSES, { error: `one of ${ENCODER_STATUSES.join(', ')}` }).optional(),
  video_id: z.string().min(1).max(200).optional(),
});

const quality = z.union([
  z.string(),
  z.object({
    name: z.string(),
    bitrate: z.number().optional(),
    audio_bitrate: z.number().optional(),
    preset: z.string().optional(),
  }),
]);

export const encoderJobView = z
  .object({
    id: z.uuid(),
    video_id: z.string(),
    s3_original_key: z.string(),
    s3_hls_folder_key: z.string(),
    input_file_size: z.int().nullable(),
    duration: z.number().nullable(),
    quality_presets: z.array(quality),
    preset: z.string(),
    segment_type: z.enum(SEGMENT_TYPES),
    master_playlist: z.enum(MASTER_TIMINGS),
    status: z.enum(ENCODER_STATUSES),
    progress_percentage: z.int(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    completed_at: z.string().nullable(),
    error_message: z.string().nullable(),
    output_file_size: z.int().nullable(),
    worker_id: z.string().nullable(),
    hls_master_key: z.string().nullable(),
    qualities: z.array(z.string()),
  })
  .meta({ id: 'EncoderJob' });
export type EncoderJobView = z.output<typeof encoderJobView>;

const logView = z
  .object({ id: z.int(), level: z.enum(ENCODER_LOG_LEVELS), time: z.string(), message: z.string() })
  .meta({ id: 'EncodingLog' });

export const jobPage = countedPage(encoderJobView);
export const logPage = countedPage(logView);

export const queueStatus = z.object({
  pending_jobs: z.int(),
  processing_jobs: z.int(),
  completed_jobs: z.int(),
  failed_jobs: z.int(),
  total_jobs: z.int(),
});

/** As the worker calls itself, where it says so. */
const WORKER = 'text of 1 to 200 characters';
const worker_id = z.string({ error: WORKER }).min(1, { error: WORKER }).max(200, { error: WORKER }).nullish();
const PERCENT = 'per cent, 0 to 100';
/** Characters: what an encoder printed last goes into it. */
const LONGEST_MESSAGE = 65_536;
const MESSAGE = `text of 1 to ${LONGEST_MESSAGE} characters`;
export const progressBody = z.object({
  progress_percentage: z.number({ error: PERCENT }).min(0, { error: PERCENT }).max(100, { error: PERCENT }),
  message: z.string({ error: MESSAGE }).max(LONGEST_MESSAGE, { error: MESSAGE }).nullish(),
  worker_id,
});
export const completedBody = z
  .object({ output_file_size: z.int().min(0, { error: 'bytes, at least 0' }).nullish(), worker_id })
  .nullish();
export const failedBody = z.object({
  error_message: z.string({ error: MESSAGE }).min(1, { error: MESSAGE }).max(LONGEST_MESSAGE, { error: MESSAGE }),
  worker_id,
});
