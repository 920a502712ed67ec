// What a service of the videos API answers on a port of its own besides its routes: its health, its documentation. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { checkServices, type ServiceName } from '#workflows/videos/check-services.ts';

const healthSchema = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  service: z.string(),
  checks: z.record(z.string(), z.string()),
});

export function serviceRoutes(app: Api, { platform }: ApiContext, service: ServiceName): void {
  app.get(
    '/health',
    {
      config: { scope: 'open' },
      schema: {
        tags: ['system'],
        summary: 'Whether this service works',
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const { status, checks } = (await checkServices(platform))[service];
      return reply
        .code(status === 'healthy' ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({ status, service, checks: { ...checks } });
    },
  );
  app.get('/openapi.json', { config: { scope: 'open' }, schema: { hide: true } }, async () => app.swagger());
}
