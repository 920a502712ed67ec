// The health of what operations need: database, Redis where one is used, storage, Cloudinary where one is used, and the engine's own. Called by the operations API.
import { Redis } from 'ioredis';
import { checkHealth, type Health } from '#workflows/check-health.ts';
import type { Platform } from '#workflows/platform.ts';

/** disabled: not configured, so that nothing needs it. */
export type ServiceState = 'healthy' | 'unhealthy' | 'disabled';
export type ServiceHealth = {
  readonly services: Readonly<Record<string, ServiceState>>;
  /** What is wrong, for operators: it may name hosts and paths. */
  readonly engine: Health;
};

const PATIENCE_MS = 3000;

export async function checkOperationsHealth(platform: Platform): Promise<ServiceHealth> {
  const { cloudinary, log } = platform;
  const [engine, redis, account] = await Promise.all([
    checkHealth(platform),
    checkRedis(platform),
    cloudinary === null
      ? ('disabled' as const)
      : cloudinary.check().then(
          () => 'healthy' as const,
          (error: unknown) => {
            log.warn({ err: error }, 'Cloudinary cannot be used');
            return 'unhealthy' as const;
          },
        ),
  ]);
  const state = (wrong: string | null): ServiceState => (wrong === null ? 'healthy' : 'unhealthy');
  return {
    services: {
      database: state(engine.database),
      redis,
      storage: state(engine.storage),
      cloudinary: account,
      queue: state(engine.queue),
      ffmpeg: state(engine.ffmpeg),
    },
    engine,
  };
}

/** Operations queue in the database; a Redis is only there for the encoder API's intake. */
async function checkRedis({ config, log }: Platform): Promise<ServiceState> {
  const { REDIS_URL: url, REDIS_HOST: host, REDIS_PORT: port, REDIS_DB: db } = config;
  if (url === undefined && host === undefined) return 'disabled';
  const options = {
    lazyConnect: true,
    connectTimeout: PATIENCE_MS,
    commandTimeout: PATIENCE_MS,
    retryStrategy: () => null,
  };
  const redis = url === undefined ? new Redis({ ...options, host: host ?? '', port, db }) : new Redis(url, options);
  // Told by the rejection; without a listener it would be printed.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    return 'healthy';
  } catch (error) {
    log.warn({ err: error }, 'Redis cannot be reached');
    return 'unhealthy';
  } finally {
    redis.disconnect();
  }
}
