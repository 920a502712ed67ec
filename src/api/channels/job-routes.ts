// The jobs of channels: what is wanted, what is, the log and the stream of changes. Wired by server.ts through api.ts.
import { z } from 'zod';
import { jobAndChannel } from '#api/channels/find-job.ts';
import { followChannel } from '#api/channels/follow-channel.ts';
import { jobParams, listQuery, logQuery, windowOf } from '#api/channels/schema.ts';
import { jobView, livingMachines, viewJob } from '#api/channels/view.ts';
import { type Api, type ApiContext, baseUrl, callerOf } from '#api/context.ts';
import { countedPage, viewCountedPage } from '#api/counted-page.ts';
import { problemSchema } from '#api/errors.ts';
import { type ChannelJobRef, countChannelJobs, listChannelJobs } from '#database/channel-jobs.ts';
import { listChannels } from '#database/channels.ts';
import type { ChannelJob } from '#domain/channel.ts';
import { restartChannel, startChannel, stopChannel } from '#workflows/channels/order-channel.ts';
import { readChannelLog } from '#workflows/channels/read-log.ts';
import { jobOfChannel } from '#workflows/channels/save-channel.ts';
import type { Platform } from '#workflows/platform.ts';

const tags = ['channels'];
const READ = { scope: 'read' } as const;

type Act = { readonly act: (platform: Platform, ref: ChannelJobRef) => Promise<ChannelJob>; readonly summary: string };
const ACTS: Readonly<Record<string, Act>> = {
  start: { act: startChannel, summary: 'Start the channel; answers at once, 409 where it is started already' },
  stop: { act: stopChannel, summary: 'Stop the channel; answers at once, 409 where it is stopped already' },
  restart: { act: restartChannel, summary: 'End its FFmpeg and start it anew' },
};

export function channelJobRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const { db } = platform.database;
  const show = async (ref: ChannelJobRef) => {
    const [{ job, channel }, machines] = await Promise.all([jobAndChannel(platform, ref), livingMachines(platform)]);
    return viewJob(job, { name: channel.name, machines });
  };

  app.get(
    '/api/job',
    {
      config: READ,
      schema: {
        tags,
        summary: 'The jobs of all channels: a plain array, or with ?page= a page',
        querystring: listQuery,
        response: { 200: z.union([z.array(jobView), countedPage(jobView)]) },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { page, page_size: size } = request.query;
      const [jobs, channels, machines] = await Promise.all([
        listChannelJobs(db, { projectId, ...windowOf(request.query) }),
        listChannels(db, { projectId }, platform.showing),
        livingMachines(platform),
      ]);
      const results = jobs.map((job) =>
        viewJob(job, { name: channels.find(({ id }) => id === job.channelId)?.name ?? '', machines }),
      );
      if (page === undefined) return results;
      const count = await countChannelJobs(db, projectId);
      const url = baseUrl(context, request) + request.url;
      return viewCountedPage(results, { count, page, size, url, isPaged: false });
    },
  );

  app.post(
    '/api/job',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'The job of a channel, which was created with it: every channel has exactly one',
        body: z.object({ channel: jobParams.shape.id }),
        response: { 200: jobView, 404: problemSchema },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { id: jobId } = await jobOfChannel(platform, { projectId, channelId: request.body.channel });
      return show({ projectId, jobId });
    },
  );

  app.get(
    '/api/job/:id',
    {
      config: READ,
      schema: {
        tags,
        summary: 'The job of a channel: its state and live figures',
        params: jobParams,
        response: { 200: jobView, 404: problemSchema },
      },
    },
    (request) => show({ projectId: callerOf(request).projectId, jobId: request.params.id }),
  );

  for (const [name, { act, summary }] of Object.entries(ACTS)) {
    app.post(
      `/api/job/:id/${name}`,
      {
        config: { scope: 'write' },
        schema: {
          tags,
          summary,
          params: jobParams,
          response: { 200: jobView, 404: problemSchema, 409: problemSchema, 422: problemSchema },
        },
      },
      async (request) => {
        const ref = { projectId: callerOf(request).projectId, jobId: request.params.id };
        await act(platform, ref);
        return show(ref);
      },
    );
  }

  app.get(
    '/api/job/:id/log',
    {
      config: READ,
      schema: {
        tags,
        summary: 'The log of the channel, the command line first; ?tail= lines from its end',
        params: jobParams,
        querystring: logQuery,
      },
    },
    async (request, reply) => {
      const ref = { projectId: callerOf(request).projectId, jobId: request.params.id };
      const { channel } = await jobAndChannel(platform, ref);
      const log = await readChannelLog(platform, channel, request.query.tail ?? null);
      return reply.type('text/plain; charset=utf-8').header('Cache-Control', 'no-store').send(log);
    },
  );

  app.get(
    '/api/job/:id/events',
    {
      config: READ,
      schema: { tags, summary: 'Server-sent events: status, figures, log; deleted ends them', params: jobParams },
    },
    async (request, reply) => {
      const ref = { projectId: callerOf(request).projectId, jobId: request.params.id };
      await jobAndChannel(platform, ref);
      await followChannel(context, reply, { ref, show: () => show(ref) });
      return reply;
    },
  );
}
