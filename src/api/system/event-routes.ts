// Every state change of a project in order, asked for or live. Wired by server.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { EventStream, follow } from '#api/event-stream.ts';
import { type Event, findLastEventId, listEvents } from '#database/events.ts';
import { EVENTS } from '#workflows/notification-channels.ts';

const PAGE = 200;
const eventsQuery = z.object({
  /** The `nextAfter` of the page before; 0 is the beginning. */
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
/** Without `after` (and without a Last-Event-ID) the stream begins with what happens next. */
const streamQuery = z.object({ after: z.coerce.number().int().min(0).optional() });
export const eventSchema = z.object({
  id: z.int(),
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
const eventsSchema = z.object({ events: z.array(eventSchema), nextAfter: z.int() });

export const viewEvent = ({ id, type, at, data }: Event): z.output<typeof eventSchema> => ({
  id,
  type,
  timestamp: at.toISOString(),
  data: { ...data },
});

export function eventRoutes(app: Api, context: ApiContext): void {
  const { db } = context.platform.database;
  app.get(
    '/events',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['system'],
        summary: 'State changes in order',
        querystring: eventsQuery,
        response: { 200: eventsSchema },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      const events = await listEvents(db, { projectId: callerOf(request).projectId, after, limit });
      return { events: events.map(viewEvent), nextAfter: events.at(-1)?.id ?? after };
    },
  );
  app.get(
    '/events/stream',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['system'],
        summary: 'State changes as they happen (server-sent events)',
        querystring: streamQuery,
      },
    },
    async (request, reply) => {
      const { projectId } = callerOf(request);
      const last = z.coerce
        .number()
        .int()
        .min(0)
        .safeParse(request.headers['last-event-id'] ?? request.query.after);
      // Where the client names none, it is told what comes from now on.
      const after = last.success ? last.data : await findLastEventId(db, projectId);
      const stream = new EventStream(reply, context.streams);
      await followEvents(context, stream, { projectId, after });
      return reply;
    },
  );
}

export type FollowedEvents = {
  readonly projectId: string;
  /** Number of the last event the client has. */
  readonly after: number;
  readonly jobId?: number;
};

/** Sends events from a number on, those of the past first, until the stream ends; one of a job ends with its deletion. */
export async function followEvents(
  { platform }: ApiContext,
  stream: EventStream,
  following: FollowedEvents,
): Promise<void> {
  const { db } = platform.database;
  const { projectId, jobId } = following;
  let after = following.after;
  const tell = async () => {
    for (let more = true; more && !stream.signal.aborted; ) {
      const events = await listEvents(db, { projectId, after, limit: PAGE, ...(jobId === undefined ? {} : { jobId }) });
      // Unnamed where all are told: an EventSource's onmessage then hears every type.
      for (const event of events) {
        stream.send({ id: event.id, ...(jobId === undefined ? {} : { event: 'status' }), data: viewEvent(event) });
        // The past of a project is more than may wait for a client.
        await stream.taken();
        if (jobId !== undefined && event.type === 'job.deleted') return stream.end();
      }
      after = events.at(-1)?.id ?? after;
      more = events.length === PAGE;
    }
  };
  await follow(platform, stream, {
    channels: [EVENTS],
    hear: (note) => note === null || (note.projectId === projectId && (jobId === undefined || note.jobId === jobId)),
    tell,
  });
}
