// The transcoding service: start, status, resume. Wired by api.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { qualities, videoId, videoRef } from '#api/videos/forms.ts';
import { progressView, resumedView } from '#api/videos/video-view.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { readProgress } from '#workflows/videos/read-progress.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { resumeVideo, resumeVideos } from '#workflows/videos/resume-video.ts';
import { startVideo } from '#workflows/videos/start-video.ts';

const tags = ['videos: transcoding'];

export function transcodeRoutes(app: Api, { platform }: ApiContext): void {
  app.post(
    '/transcode/start',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Begin to encode; of a video that is ready, the named qualities it lacks',
        body: z.object({ upload_id: videoId, qualities: qualities.optional() }),
        response: {
          202: z.object({ upload_id: z.string(), status: z.enum(VIDEO_STATUSES) }),
          404: problemSchema,
          409: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { upload_id: id, qualities: named } = request.body;
      const wanted = named && named.length > 0 ? named : null;
      const video = await startVideo(platform, { ...videoRef(request, id), qualities: wanted });
      return reply.code(202).send({ upload_id: video.id, status: video.status });
    },
  );
  app.get(
    '/transcode/status/:upload_id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'How far each quality is',
        params: z.object({ upload_id: videoId }),
        response: { 200: progressView, 404: problemSchema },
      },
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return readProgress(platform, await readVideo(platform, videoRef(request, request.params.upload_id)));
    },
  );
  app.post(
    '/transcode/resume',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Let one stopped video go on, or all of them',
        body: z.object({ upload_id: videoId.optional() }),
        response: { 200: resumedView, 404: problemSchema, 409: problemSchema },
      },
    },
    async (request) => {
      const { upload_id: id } = request.body;
      if (id === undefined || id === '') return { resumed: await resumeVideos(platform, callerOf(request)) };
      const { id: resumed } = await resumeVideo(platform, videoRef(request, id));
      return { resumed: [resumed] };
    },
  );
}
