// What became of a channel: its starts, retries, changes of input and ends. Wired by api.ts.
import { z } from 'zod';
import { jobAndChannel } from '#api/channels/find-job.ts';
import { jobParams } from '#api/channels/schema.ts';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { eventSchema, viewEvent } from '#api/system/event-routes.ts';
import { listChannelEvents } from '#database/events.ts';

const historyQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) });
const historyView = z.object({ events: z.array(eventSchema) });

export function channelHistoryRoute(app: Api, { platform }: ApiContext): void {
  app.get(
    '/api/job/:id/history',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['channels'],
        summary: 'What became of the channel, newest first: as long as events are kept',
        params: jobParams,
        querystring: historyQuery,
        response: { 200: historyView, 404: problemSchema },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { channel } = await jobAndChannel(platform, { projectId, jobId: request.params.id });
      const wish = { projectId, channelId: channel.id, limit: request.query.limit };
      const events = await listChannelEvents(platform.database.db, wish);
      return { events: events.map(viewEvent) };
    },
  );
}
