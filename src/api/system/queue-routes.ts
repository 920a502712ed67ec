// The queue of the whole cluster: what waits, and whether work is taken. Wired by server.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { findQueueState, listProjectLimits } from '#database/queue-state.ts';
import { DEFAULT_PROJECT } from '#domain/access.ts';
import { QUEUE_STATES, type QueueState } from '#domain/queue-state.ts';
import { changeQueueState, limitProject } from '#workflows/control-queue.ts';

const tags = ['system'];
const queueSchema = z.object({
  state: z.enum(QUEUE_STATES),
  changedAt: z.iso.datetime(),
  /** Pieces of work of one project at once in each lane; 0 is no limit. */
  concurrency: z.object({ default: z.int(), projects: z.record(z.string(), z.int()) }),
  lanes: z.record(z.string(), z.object({ waiting: z.int(), active: z.int(), oldestSeconds: z.number() })),
});
const limitSchema = z.strictObject({ concurrency: z.int().min(1).max(10_000).nullable() });

const ACTS: Readonly<Record<string, readonly [state: QueueState, summary: string]>> = {
  pause: ['paused', 'Take nothing more: what runs ends its piece of work, all else waits'],
  drain: ['draining', 'Begin no other job: those that have begun go on to their end'],
  resume: ['running', 'Take work again'],
};

export function queueRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
  const show = async (request: FastifyRequest): Promise<z.output<typeof queueSchema>> => {
    const { projectId } = callerOf(request);
    const [{ state, changedAt }, limits, lanes] = await Promise.all([
      findQueueState(db),
      listProjectLimits(db),
      platform.queue.counts(),
    ]);
    // What other projects there are is nothing for a project's own key.
    const projects =
      projectId === DEFAULT_PROJECT
        ? limits
        : Object.fromEntries(Object.entries(limits).filter(([name]) => name === projectId));
    const concurrency = { default: platform.config.PROJECT_CONCURRENCY, projects };
    return { state, changedAt: changedAt.toISOString(), concurrency, lanes: { ...lanes } };
  };
  app.get(
    '/queue',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'What waits and runs, and whether work is taken', response: { 200: queueSchema } },
    },
    show,
  );
  for (const [name, [state, summary]] of Object.entries(ACTS)) {
    app.post(
      `/queue/${name}`,
      { config: { scope: 'admin', shared: true }, schema: { tags, summary, response: { 200: queueSchema } } },
      async (request) => {
        await changeQueueState(platform, state);
        return show(request);
      },
    );
  }
  app.put(
    '/queue/projects/:project',
    {
      config: { scope: 'admin', shared: true },
      schema: {
        tags,
        summary: 'What a project may have of each lane at once; null takes PROJECT_CONCURRENCY',
        params: z.object({ project: z.string().max(200) }),
        body: limitSchema,
        response: { 200: queueSchema, 404: problemSchema },
      },
    },
    async (request) => {
      await limitProject(platform, { projectId: request.params.project, concurrency: request.body.concurrency });
      return show(request);
    },
  );
}
