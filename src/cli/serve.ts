// `rendition serve`: API, dashboard and workers in one process, as ROLES says. Called by run.ts; `npm start` ends here.
import { once } from 'node:events';
import { createServer as createSocket } from 'node:net';
import type { Api } from '#api/context.ts';
import { settleShapes } from '#api/settle-shapes.ts';
import type { Command } from '#cli/command.ts';
import { startLiveRole } from '#cli/live-role.ts';
import { createLogger } from '#cli/logger.ts';
import { listenOnSeedPorts, portOf, type SeedPorts } from '#cli/seed-ports.ts';
import { hearStop } from '#cli/until-stopped.ts';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { type OpenPlatform, openPlatform } from '#platform.ts';
import { warnOfStorage } from '#workflows/check-health.ts';
import { startIntake } from '#workflows/encoder/start-intake.ts';
import { startLoadSampler } from '#workflows/sample-load.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';

export const command: Command = {
  name: 'serve',
  usage: 'serve [options]',
  about:
    'Serves API, dashboard and workers in one process. Ctrl-C stops everything; running work is kept at its last finished chunk.',
  options: {
    host: { type: 'string', value: 'ADDRESS', about: 'instead of HOST' },
    port: { type: 'string', short: 'p', value: 'N', about: 'instead of PORT; 0 takes a free one' },
    roles: { type: 'string', value: 'LIST', about: 'instead of ROLES: api, work, live' },
    apis: { type: 'string', value: 'LIST', about: 'instead of APIS' },
    'seed-ports': {
      type: 'boolean',
      about:
        "the videos API's services on ports of their own too: upload 8001, transcoding 8002, metadata 8003, streaming 8004, admin 8005",
    },
  },
  takes: [0, 0],
  examples: [
    ['rendition serve', 'everything, on http://127.0.0.1:8080'],
    ['rendition serve --roles api', 'only the API: workers run elsewhere with the same DATABASE_URL and STORAGE_URL'],
  ],
  run: async ({ values, flags }) => {
    const overrides = [...values].map(([name, value]) => [name.toUpperCase(), value]);
    const config = readEnvironment(Object.fromEntries(overrides) as Record<string, string>);
    return serve(config, { seedPorts: flags.has('seed-ports') });
  },
};

async function serve(config: Config, { seedPorts }: { readonly seedPorts: boolean }): Promise<number> {
  const untilStopped = hearStop();
  const log = createLogger(config);
  const [serves, works] = [config.ROLES.includes('api'), config.ROLES.includes('work')];
  if (serves) {
    settleShapes();
    await requireFreePort(config);
  }
  await using platform = await openPlatform(config, { log, works });
  const [app, worker] = await startRoles(platform, { serves, works });
  const services =
    app && seedPorts ? await openServices(platform, app, () => Promise.all([app.close(), worker?.stop()])) : null;
  // A worker has its own.
  const intake = works ? null : startIntake(platform);
  const live = config.ROLES.includes('live') ? await startLiveRole(platform) : null;
  const sampler = startLoadSampler(platform);
  const place = app ? addressOf(app, config) : null;
  process.stdout.write(place ? `Rendition is ready at ${place}\n` : 'Rendition is ready\n');
  void warnOfStorage(platform);
  // Awaited, or the platform would be closed at once. The server first: who asks now is told to come again, and nothing new is taken in.
  return await untilStopped(platform, () => [
    app?.close(),
    services?.close(),
    worker?.stop(),
    intake?.stop(),
    live?.stop(),
    sampler.stop(),
  ]);
}

/** @param undo what had been started before, should a port be taken */
async function openServices(platform: OpenPlatform, app: Api, undo: () => Promise<unknown>): Promise<SeedPorts> {
  try {
    return await listenOnSeedPorts(platform, portOf(app) ?? platform.config.PORT);
  } catch (error) {
    await undo();
    throw error;
  }
}

async function startRoles(
  platform: OpenPlatform,
  { serves, works }: { readonly serves: boolean; readonly works: boolean },
): Promise<[Api | null, Worker | null]> {
  let app: Api | null = null;
  try {
    if (serves) {
      const { createServer } = await import('#api/server.ts');
      app = await createServer(platform);
      await app.listen({ host: platform.config.HOST, port: platform.config.PORT });
    }
    return [app, works ? await startWorker(platform) : null];
  } catch (error) {
    await app?.close();
    if (isNodeError(error) && error.code === 'EADDRINUSE') throw portTaken(platform.config);
    throw error;
  }
}

/** `http://127.0.0.1:8080`: what the user opens. */
function addressOf(app: Api, { HOST }: Config): string {
  const [address] = app.addresses();
  const host = HOST.includes(':') ? `[${HOST}]` : HOST;
  return `http://${host}:${typeof address === 'object' ? address.port : 0}`;
}

/** Said before a database is started for nothing. */
async function requireFreePort(config: Config): Promise<void> {
  const socket = createSocket();
  try {
    socket.listen({ host: config.HOST, port: config.PORT });
    await once(socket, 'listening');
  } catch (error) {
    if (isNodeError(error) && error.code === 'EADDRINUSE') throw portTaken(config);
    if (isNodeError(error) && (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')) {
      throw new PlatformError('invalid_setting', `HOST=${config.HOST} is no address of this machine`, { cause: error });
    }
    if (isNodeError(error) && error.code === 'EACCES') {
      throw new PlatformError(
        'invalid_setting',
        `PORT=${config.PORT} is reserved for the system's administrator; choose one from 1024 up`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    if (socket.listening) {
      socket.close();
      await once(socket, 'close');
    }
  }
}

const portTaken = ({ HOST, PORT }: Config): PlatformError =>
  new PlatformError(
    'port_taken',
    `Port ${PORT} of ${HOST} is taken; choose another with PORT, or stop what listens there`,
  );
