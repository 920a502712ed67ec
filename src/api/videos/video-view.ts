// The shapes of answers about videos, for validation and the OpenAPI document; workflows/videos/view-video.ts fills them. Used by the routes.
import { z } from 'zod';
import { failureSchema } from '#api/errors.ts';
import { ENCRYPTIONS, PLAYBACK_POLICIES, VIDEO_STATUSES } from '#domain/video.ts';

export const videoView = z
  .object({
    hash: z.string(),
    video_id: z.string(),
    upload_id: z.string(),
    title: z.string(),
    description: z.string(),
    tags: z.array(z.string()),
    filename: z.string(),
    size: z.int().nullable(),
    duration: z.number().nullable(),
    width: z.number().nullable(),
    height: z.number().nullable(),
    status: z.enum(VIDEO_STATUSES),
    progress: z.number(),
    stopped: z.boolean(),
    qualities: z.array(z.string()),
    master_url: z.string(),
    poster_url: z.string(),
    poster_time: z.number().nullable(),
    playback_policy: z.enum(PLAYBACK_POLICIES),
    encryption: z.enum(ENCRYPTIONS),
    error: failureSchema.nullable(),
    playable_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Video' });

export const videoPage = z.object({
  videos: z.array(videoView),
  total: z.int(),
  page: z.int(),
  page_size: z.int(),
});

export const progressView = z
  .object({
    upload_id: z.string(),
    status: z.enum(VIDEO_STATUSES),
    progress: z.number(),
    eta_seconds: z.number().nullable(),
    qualities: z.record(
      z.string(),
      z.object({
        status: z.enum(VIDEO_STATUSES),
        progress: z.number(),
        segments_ready: z.int(),
        segments_total: z.int(),
      }),
    ),
    error: failureSchema.nullable(),
  })
  .meta({ id: 'VideoProgress' });

export const resumedView = z.object({ resumed: z.array(z.string()) });
