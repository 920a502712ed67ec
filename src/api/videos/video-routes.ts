// The metadata service: videos made, listed, read, changed, deleted, stopped and resumed. Wired by api.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, callerOf, playbackBase } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import {
  description,
  playbackPolicy,
  posterTime,
  tags as tagList,
  title,
  toVideoWish,
  videoFields,
  videoId,
  videoRef,
} from '#api/videos/forms.ts';
import { answerList, listQuery } from '#api/videos/list-videos.ts';
import { videoPage, videoView } from '#api/videos/video-view.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { deleteVideo } from '#workflows/videos/delete-video.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { resumeVideo } from '#workflows/videos/resume-video.ts';
import { stopVideo } from '#workflows/videos/stop-video.ts';
import { createVideo, updateVideo } from '#workflows/videos/update-video.ts';
import { viewVideo } from '#workflows/videos/view-video.ts';

const tags = ['videos: metadata'];
const params = z.object({ hash: videoId });
const createBody = z
  .object({ filename: z.string().min(1).max(1000).optional(), ...videoFields })
  .refine(({ filename, title: words }) => filename !== undefined || words !== undefined, {
    path: ['title'],
    error: 'title or filename',
  });
const editFields = z.strictObject({
  title: title.optional(),
  description: description.optional(),
  tags: tagList.optional(),
  poster_time: posterTime.optional(),
  playback_policy: playbackPolicy.optional(),
});
/** A video may be sent back as it was read: what of it can't be changed is passed over. A name that no video has is refused. */
const editBody = z.preprocess((body) => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const isFixed = (name: string) => Object.hasOwn(videoView.shape, name) && !Object.hasOwn(editFields.shape, name);
  return Object.fromEntries(Object.entries(body).filter(([name]) => !isFixed(name)));
}, editFields);
const stoppedView = z.object({ hash: z.string(), stopped: z.boolean(), status: z.enum(VIDEO_STATUSES) });

export function videoRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const show = (request: FastifyRequest, video: Parameters<typeof viewVideo>[1]) =>
    viewVideo(platform, video, playbackBase(context, request));

  app.post(
    '/videos',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'An entry whose upload follows: give its hash to /upload/init as upload_id',
        body: createBody,
        response: { 201: videoView },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const video = await createVideo(platform, {
        projectId: callerOf(request).projectId,
        filename: body.filename ?? body.title ?? '',
        wish: toVideoWish(body),
        baseUrl: playbackBase(context, request),
      });
      return reply.code(201).header('Location', `/videos/${video.id}`).send(show(request, video));
    },
  );
  app.get(
    '/videos',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Videos, newest first unless sorted otherwise',
        querystring: listQuery,
        response: { 200: videoPage },
      },
    },
    async (request) => answerList(context, request, request.query),
  );
  app.get(
    '/videos/:hash',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'A video', params, response: { 200: videoView, 404: problemSchema } },
    },
    async (request) => show(request, await readVideo(platform, videoRef(request, request.params.hash))),
  );
  app.put(
    '/videos/:hash',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Change what is said of it; what is left out stays',
        params,
        body: editBody,
        response: { 200: videoView, 404: problemSchema },
      },
    },
    async (request) => {
      const { poster_time: poster, playback_policy: policy, ...rest } = request.body;
      const edit = {
        ...rest,
        ...(poster === undefined ? {} : { posterTime: poster }),
        ...(policy === undefined ? {} : { playbackPolicy: policy }),
      };
      return show(request, await updateVideo(platform, { ...videoRef(request, request.params.hash), edit }));
    },
  );
  app.delete(
    '/videos/:hash',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Delete a video with all its files',
        params,
        response: { 204: z.null(), 404: problemSchema },
      },
    },
    async (request, reply) => {
      await deleteVideo(platform, videoRef(request, request.params.hash));
      return reply.code(204).send(null);
    },
  );
  app.get(
    '/videos/:hash/stopped',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Whether its encoding is stopped', params, response: { 200: stoppedView } },
    },
    async (request) => {
      const { hash, stopped, status } = show(
        request,
        await readVideo(platform, videoRef(request, request.params.hash)),
      );
      return { hash, stopped, status };
    },
  );
  const acts = { stop: stopVideo, resume: resumeVideo } as const;
  const summaries = {
    stop: 'Stop its encoding: finished segments stay',
    resume: 'Let it go on with what is missing',
  } as const;
  for (const name of ['stop', 'resume'] as const) {
    app.put(
      `/videos/:hash/${name}`,
      {
        config: { scope: 'write' },
        schema: {
          tags,
          summary: summaries[name],
          params,
          response: { 200: videoView, 404: problemSchema, 409: problemSchema },
        },
      },
      async (request) => show(request, await acts[name](platform, videoRef(request, request.params.hash))),
    );
  }
}
