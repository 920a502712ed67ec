// A real Redis for tests, on loopback, in a folder of its own, durable enough to be killed and started again. Used by the encoder tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, missingPrograms, type RunningServer, startServer } from './server-process.ts';

export type TestRedis = AsyncDisposable & {
  readonly url: string;
  readonly client: Redis;
  /** Ends the server as a crash does, or a shutdown; what it had acknowledged is on disk. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** On the same port, with what was there. */
  restart(): Promise<void>;
};

/** Why Redis cannot run here, or false. */
export const redisMissing = (): string | false => missingPrograms('redis-server');

export async function startRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const start = (): Promise<RunningServer> =>
    startServer(
      'redis-server',
      [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'yes',
        '--appendfsync',
        'always',
      ],
      port,
    );
  let server = await start();
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  // A test that ends the server knows it.
  client.on('error', () => undefined);
  return {
    url: `redis://127.0.0.1:${port}/0`,
    client,
    end: async (signal) => {
      const ended = new Promise((resolve) => server.child.once('exit', resolve));
      server.child.kill(signal);
      await ended;
    },
    restart: async () => {
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
