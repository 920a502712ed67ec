// The admin service: everything resumed, everything's health, one video's whole state. Wired by api.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf, mainBase, playbackBase } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { videoId, videoRef } from '#api/videos/forms.ts';
import { answerList, listQuery } from '#api/videos/list-videos.ts';
import { showUpload, uploadView } from '#api/videos/upload-view.ts';
import { progressView, resumedView, videoPage, videoView } from '#api/videos/video-view.ts';
import { findUpload } from '#database/uploads.ts';
import { JOB_STATUSES } from '#domain/job.ts';
import { readSystem } from '#workflows/videos/check-services.ts';
import { deleteVideo } from '#workflows/videos/delete-video.ts';
import { readProgress } from '#workflows/videos/read-progress.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { resumeVideo, resumeVideos } from '#workflows/videos/resume-video.ts';
import { stopVideo } from '#workflows/videos/stop-video.ts';
import { viewVideo } from '#workflows/videos/view-video.ts';

const tags = ['videos: admin'];
const params = z.object({ video_id: videoId });
const state = z.enum(['healthy', 'unhealthy']);
const service = z.object({ status: state, checks: z.record(z.string(), z.string()) });
const systemView = z.object({
  status: state,
  services: z.object({
    upload: service,
    transcoding: service,
    metadata: service,
    streaming: service,
    admin: service,
  }),
  videos: z.record(z.string(), z.int()),
  queue: z.record(z.string(), z.object({ waiting: z.int(), active: z.int(), oldestSeconds: z.number() })),
  workers: z.array(
    z.object({
      id: z.string(),
      hostname: z.string(),
      concurrency: z.int(),
      running: z.array(z.int()),
      last_heartbeat_at: z.iso.datetime(),
    }),
  ),
  disk: z.object({ total: z.number(), free: z.number(), used: z.number() }),
  storage: z.object({ kind: z.string() }),
  database: z.object({ version: z.string(), size: z.number() }),
  versions: z.record(z.string(), z.string()),
});
const wholeState = z.object({
  video: videoView,
  transcoding: progressView,
  upload: uploadView.nullable(),
  jobs: z.array(
    z.object({
      id: z.int(),
      uuid: z.string(),
      status: z.enum(JOB_STATUSES),
      progress: z.number(),
      qualities: z.array(z.string()).nullable(),
      log_url: z.string(),
    }),
  ),
});

export function videoAdminRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const admin = { scope: 'admin' } as const;
  const read = { scope: 'read' } as const;

  app.post(
    '/admin/resume_all',
    {
      config: admin,
      schema: { tags, summary: 'Let every stopped video go on', response: { 200: resumedView } },
    },
    async (request) => ({ resumed: await resumeVideos(platform, callerOf(request)) }),
  );
  app.get(
    '/admin/status',
    {
      config: read,
      schema: { tags, summary: 'Health of every part, counts, disk, queue, versions', response: { 200: systemView } },
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return readSystem(platform, callerOf(request).projectId);
    },
  );
  app.get(
    '/admin/videos',
    { config: read, schema: { tags, summary: 'Videos', querystring: listQuery, response: { 200: videoPage } } },
    async (request) => answerList(context, request, request.query),
  );
  app.delete(
    '/admin/videos/:video_id',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Delete a video with all its files',
        params,
        response: { 204: z.null(), 404: problemSchema },
      },
    },
    async (request, reply) => {
      await deleteVideo(platform, videoRef(request, request.params.video_id));
      return reply.code(204).send(null);
    },
  );
  const acts = { stop: stopVideo, resume: resumeVideo } as const;
  for (const name of ['stop', 'resume'] as const) {
    app.post(
      `/admin/videos/:video_id/${name}`,
      {
        config: admin,
        schema: {
          tags,
          summary: name === 'stop' ? 'Stop its encoding' : 'Let its encoding go on',
          params,
          response: { 200: videoView, 404: problemSchema, 409: problemSchema },
        },
      },
      async (request) => {
        const video = await acts[name](platform, videoRef(request, request.params.video_id));
        return viewVideo(platform, video, playbackBase(context, request));
      },
    );
  }
  app.get(
    '/admin/videos/:video_id/status',
    {
      config: read,
      schema: {
        tags,
        summary: 'All there is to know of a video',
        params,
        response: { 200: wholeState, 404: problemSchema },
      },
    },
    async (request) => {
      const base = playbackBase(context, request);
      const ref = videoRef(request, request.params.video_id);
      const video = await readVideo(platform, ref);
      const upload = await findUpload(platform.database.db, ref);
      return {
        video: viewVideo(platform, video, base),
        transcoding: await readProgress(platform, video),
        upload: upload && (await showUpload(platform, upload)),
        jobs: video.jobs.map(({ jobId, uuid, status, progress, qualities }) => ({
          id: jobId,
          uuid,
          status,
          progress,
          qualities: qualities && [...qualities],
          log_url: `${mainBase(context, request)}/jobs/${uuid}/log`,
        })),
      };
    },
  );
}
