// What every process answers besides its APIs: health, metrics, workers, the OpenAPI document. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { createMetrics } from '#api/system/metrics.ts';
import { listWorkers } from '#database/workers.ts';
import { checkHealth, HEALTH_CHECKS, type Health } from '#workflows/check-health.ts';

/** A worker beats every few seconds; one silent for so long is gone. */
const WORKER_SILENCE_SECONDS = 30;
/** Health is asked by many and often. */
const HEALTH_SECONDS = 1;

const checkResult = z.enum(['ok', 'failed']);
const healthSchema = z.object({
  status: checkResult,
  checks: z.object({ database: checkResult, queue: checkResult, storage: checkResult, ffmpeg: checkResult }),
});
const workersSchema = z.object({
  workers: z.array(
    z.object({
      id: z.string(),
      hostname: z.string(),
      pid: z.int(),
      version: z.string(),
      concurrency: z.int(),
      running: z.array(z.int()).readonly(),
      lastHeartbeatAt: z.iso.datetime(),
      encoders: z.array(z.string()).readonly(),
    }),
  ),
});

export function systemRoutes(app: Api, { platform }: ApiContext): void {
  let last: { readonly at: number; readonly health: Promise<Health> } | undefined;
  const health = (): Promise<Health> => {
    if (!last || performance.now() - last.at > HEALTH_SECONDS * 1000)
      last = { at: performance.now(), health: checkHealth(platform) };
    return last.health;
  };
  // The operations API answers the second one in its own envelope.
  const urls = platform.config.APIS.includes('operations') ? ['/health'] : ['/health', '/api/v1/health'];
  for (const url of urls) {
    app.get(
      url,
      {
        config: { scope: 'open' },
        schema: {
          tags: ['system'],
          summary: 'Whether everything works',
          response: { 200: healthSchema, 503: healthSchema },
        },
      },
      async (request, reply) => {
        const found = await health();
        const wrong = HEALTH_CHECKS.filter((check) => found[check] !== null);
        // What is wrong names hosts and paths: that is for the log, not for whoever asks.
        if (wrong.length > 0) request.log.warn({ checks: found }, 'unhealthy');
        const checks = Object.fromEntries(
          HEALTH_CHECKS.map((check) => [check, found[check] === null ? 'ok' : 'failed']),
        );
        return reply
          .code(wrong.length === 0 ? 200 : 503)
          .header('Cache-Control', 'no-store')
          .send({
            status: wrong.length === 0 ? 'ok' : 'failed',
            checks: checks as z.output<typeof healthSchema>['checks'],
          });
      },
    );
  }

  const metrics = createMetrics(platform);
  app.get(
    '/metrics',
    { config: { scope: 'open' }, schema: { tags: ['system'], summary: 'Figures for Prometheus' } },
    async (_request, reply) =>
      reply
        .header('Cache-Control', 'no-store')
        .type(metrics.contentType)
        .send(await metrics.collect()),
  );

  app.get('/openapi.json', { config: { scope: 'open' }, schema: { hide: true } }, async () => app.swagger());

  app.get(
    '/workers',
    {
      config: { scope: 'read' },
      schema: { tags: ['system'], summary: 'Live worker processes', response: { 200: workersSchema } },
    },
    async () => {
      const since = new Date(Date.now() - WORKER_SILENCE_SECONDS * 1000);
      const workers = await listWorkers(platform.database.db, since);
      return {
        workers: workers.map((worker) => ({ ...worker, lastHeartbeatAt: worker.lastHeartbeatAt.toISOString() })),
      };
    },
  );
}
