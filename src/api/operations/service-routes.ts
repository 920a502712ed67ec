// Health, queues and the session of the operations API. Wired by routes.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { success, successSchema } from '#api/operations/envelope.ts';
import type { Sessions } from '#api/operations/session.ts';
import { countOperationQueues, countOperations } from '#database/operations.ts';
import { OPERATION_STATUSES } from '#domain/operation.ts';
import { MEDIA_TYPES } from '#domain/operations/definition.ts';
import { HEALTH_CHECKS } from '#workflows/check-health.ts';
import { checkOperationsHealth, type ServiceHealth } from '#workflows/operations/check-operations-health.ts';

const tags = ['operations'];
/** Health is asked by many and often. */
const HEALTH_MS = 1000;

const counts = z.record(z.enum(OPERATION_STATUSES), z.int());
const queueView = counts.and(
  z.object({
    name: z.string(),
    workers: z.int(),
    timeout_seconds: z.int(),
    active: z.int(),
    oldest_seconds: z.number(),
  }),
);
const sessionView = z.object({
  session_key: z.string().nullable(),
  operations: z.object({ total: z.int() }).and(counts),
  expiry_hours: z.number(),
});

export function serviceRoutes(app: Api, { platform }: ApiContext, sessions: Sessions): void {
  const { config } = platform;
  const { db } = platform.database;
  let last: { readonly at: number; readonly health: Promise<ServiceHealth> } | undefined;

  app.get(
    '/health',
    { config: { scope: 'open', calls: 'free' }, schema: { tags: ['system'], summary: 'Whether everything works' } },
    async (request, reply) => {
      if (!last || performance.now() - last.at > HEALTH_MS)
        last = { at: performance.now(), health: checkOperationsHealth(platform) };
      const { services, engine } = await last.health;
      const isWell = Object.values(services).every((state) => state !== 'unhealthy');
      // What is wrong names hosts and paths: that is for the log, not for whoever asks.
      if (!isWell) request.log.warn({ checks: engine }, 'unhealthy');
      const checks = Object.fromEntries(
        HEALTH_CHECKS.map((check) => [check, engine[check] === null ? 'ok' : 'failed']),
      );
      const data = { status: isWell ? 'healthy' : 'degraded', services, timestamp: new Date().toISOString() };
      const wrong = Object.keys(services).filter((name) => services[name] === 'unhealthy');
      const message = isWell ? 'Everything works' : `Not working: ${wrong.join(', ')}`;
      const error = { code: 'degraded', message, details: data };
      // status and checks beside the envelope are what /health answers.
      return reply
        .code(isWell ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({
          ...(isWell ? success(data, message) : { success: false, error, data }),
          status: isWell ? 'ok' : 'failed',
          checks,
        });
    },
  );

  app.get(
    '/queues',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The queues by kind of media: what waits, what runs, workers and time limits',
        response: { 200: successSchema(z.record(z.string(), queueView)) },
      },
    },
    async (request) => {
      const [operations, lanes] = await Promise.all([
        countOperationQueues(db, callerOf(request).projectId),
        platform.queue.counts(),
      ]);
      const queues = MEDIA_TYPES.map((type) => {
        const name = `${type}_queue`;
        const lane = lanes[`operation-${type}`];
        return [
          name,
          {
            name,
            ...operations[type],
            active: lane.active,
            oldest_seconds: Math.round(lane.oldestSeconds),
            ...WORKERS[type](config),
          },
        ] as const;
      });
      return success(Object.fromEntries(queues), `${MEDIA_TYPES.length} queues`);
    },
  );

  app.get(
    '/session',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The session: its key and its operations',
        response: { 200: successSchema(sessionView) },
      },
    },
    async (request, reply) => {
      const session = sessions(request, reply);
      const found = await countOperations(db, session, { expiryHours: config.OPERATION_EXPIRY_HOURS });
      const total = Object.values(found).reduce((sum, count) => sum + count, 0);
      return success(
        { session_key: session.token, operations: { total, ...found }, expiry_hours: config.OPERATION_EXPIRY_HOURS },
        'Send session_key as X-Session-Key where cookies are not kept',
      );
    },
  );
}

type Settings = ApiContext['platform']['config'];
/** Of each worker process. */
const WORKERS = {
  video: (config: Settings) => ({
    workers: config.OPERATION_VIDEO_WORKERS,
    timeout_seconds: config.OPERATION_VIDEO_TIME_LIMIT,
  }),
  image: (config: Settings) => ({
    workers: config.OPERATION_IMAGE_WORKERS,
    timeout_seconds: config.OPERATION_IMAGE_TIME_LIMIT,
  }),
  audio: (config: Settings) => ({
    workers: config.OPERATION_AUDIO_WORKERS,
    timeout_seconds: config.OPERATION_AUDIO_TIME_LIMIT,
  }),
} as const;
