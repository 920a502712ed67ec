// The channels API: channels with their profiles, made, changed and deleted. Wired by server.ts through api.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { channelParams, channelSchema, listQuery, toChannel, windowOf } from '#api/channels/schema.ts';
import { channelView, viewChannel } from '#api/channels/view.ts';
import { type Api, type ApiContext, baseUrl, callerOf } from '#api/context.ts';
import { countedPage, viewCountedPage } from '#api/counted-page.ts';
import { parseWith, problems } from '#api/errors.ts';
import { listChannelJobs } from '#database/channel-jobs.ts';
import { countChannels, findChannel, listChannels } from '#database/channels.ts';
import type { Channel } from '#domain/channel.ts';
import { PlatformError } from '#domain/error.ts';
import { createChannel, deleteChannel, jobOfChannel, updateChannel } from '#workflows/channels/save-channel.ts';

const tags = ['channels'];
const READ = { scope: 'read' } as const;
const WRITE = { scope: 'write' } as const;
const PATH = '/api/channels/:id';

export function channelRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const { db } = platform.database;
  const show = async (request: FastifyRequest, channel: Channel) => {
    const job = await jobOfChannel(platform, { projectId: channel.projectId, channelId: channel.id });
    return viewChannel(platform, { channel, job, caller: callerOf(request), base: baseUrl(context, request) });
  };

  app.get(
    '/api/channels',
    {
      config: READ,
      schema: {
        tags,
        summary: 'Channels with their profiles: a plain array, or with ?page= a page',
        querystring: listQuery,
        response: { 200: z.union([z.array(channelView), countedPage(channelView)]) },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const { projectId } = caller;
      const { page, page_size: size } = request.query;
      const [channels, jobs] = await Promise.all([
        listChannels(db, { projectId, ...windowOf(request.query) }, platform.showing),
        listChannelJobs(db, { projectId }),
      ]);
      const base = baseUrl(context, request);
      const results = channels.flatMap((channel) => {
        const job = jobs.find(({ channelId }) => channelId === channel.id);
        return job ? [viewChannel(platform, { channel, job, caller, base })] : [];
      });
      if (page === undefined) return results;
      const count = await countChannels(db, projectId);
      return viewCountedPage(results, { count, page, size, url: base + request.url, isPaged: false });
    },
  );

  app.post(
    '/api/channels',
    {
      config: WRITE,
      schema: {
        tags,
        summary: 'Create a channel; its job is created with it',
        body: channelSchema,
        response: { 201: channelView, ...problems(422) },
      },
    },
    async (request, reply) => {
      const { projectId } = callerOf(request);
      const channel = await createChannel(platform, { projectId, ...toChannel(request.body) });
      return reply
        .code(201)
        .header('Location', `/api/channels/${channel.id}/`)
        .send(await show(request, channel));
    },
  );

  app.get(
    PATH,
    {
      config: READ,
      schema: {
        tags,
        summary: 'A channel',
        params: channelParams,
        response: { 200: channelView },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const channel = await findChannel(db, { projectId, channelId: request.params.id }, platform.showing);
      if (!channel) throw new PlatformError('not_found', `There is no channel ${request.params.id}`);
      return show(request, channel);
    },
  );

  app.put(
    PATH,
    {
      config: WRITE,
      schema: {
        tags,
        summary: 'Change a channel: what is left out takes its default. A running one starts anew with it',
        params: channelParams,
        body: channelSchema,
        response: { 200: channelView, ...problems(422) },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const asked = toChannel(request.body);
      const change = () => asked;
      return show(request, await updateChannel(platform, { projectId, channelId: request.params.id, change }));
    },
  );

  app.patch(
    PATH,
    {
      config: WRITE,
      schema: {
        tags,
        summary: 'Change some fields of a channel; `abr`, where given, is the whole list',
        params: channelParams,
        body: z.record(z.string(), z.unknown()),
        response: { 200: channelView, ...problems(422) },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const base = baseUrl(context, request);
      const channelId = request.params.id;
      const job = await jobOfChannel(platform, { projectId: caller.projectId, channelId });
      // Addresses come back as they were shown, and are known by that.
      const change = (channel: Channel) =>
        toChannel(
          parseWith(channelSchema, { ...viewChannel(platform, { channel, job, caller, base }), ...request.body }),
        );
      return show(request, await updateChannel(platform, { projectId: caller.projectId, channelId, change }));
    },
  );

  app.delete(
    PATH,
    {
      config: WRITE,
      schema: {
        tags,
        summary: 'Delete a channel: it is stopped, its segments go, its recordings stay',
        params: channelParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { projectId } = callerOf(request);
      await deleteChannel(platform, { projectId, channelId: request.params.id });
      return reply.code(204).send(null);
    },
  );
}
