// Serves the built dashboard at `/`; without one, a page that says where things are. Wired by server.ts.
import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { Api } from '#api/context.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../dashboard/dist');
const YEAR = 31_536_000;

export async function installDashboard(app: Api): Promise<void> {
  if (!existsSync(path.join(FOLDER, 'index.html'))) {
    app.get('/', { config: { scope: 'open' }, schema: { hide: true } }, (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .send(
          '<!doctype html><meta charset="utf-8"><title>Rendition</title><p>Rendition is running. The dashboard is not built; <code>npx vite build dashboard</code> builds it. The API is described at <a href="/docs">/docs</a>.',
        ),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: FOLDER,
    serve: false,
    preCompressed: true,
  });
  const page = { config: { scope: 'open' as const }, schema: { hide: true } };
  app.get('/', page, (_request, reply) =>
    reply.header('Cache-Control', 'no-cache').sendFile('index.html', { cacheControl: false }),
  );
  app.get<{ Params: { '*': string } }>('/assets/*', page, (request, reply) =>
    // Their names hold a hash of their content.
    reply.sendFile(`assets/${request.params['*']}`, { maxAge: YEAR * 1000, immutable: true }),
  );
}
