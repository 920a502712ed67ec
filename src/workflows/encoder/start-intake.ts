// Starts the intake of the encoder API where a Redis is set. Called by start-worker.ts, and by cli/serve.ts where no worker runs beside the API.
import { countWaitingEncoderJobs } from '#database/encoder-jobs.ts';
import { PlatformError } from '#domain/error.ts';
import { RedisIntake, type RedisSettings } from '#queue/redis-intake.ts';
import { confirmRemoval, forgetRemoved, takeIn } from '#workflows/encoder/take-in.ts';
import type { Platform } from '#workflows/platform.ts';

export type Intake = { stop(): Promise<void> };

/** Milliseconds between two log lines of the same trouble: a Redis that is down is tried many times a second. */
const QUIET_MS = 30_000;

/** @throws PlatformError `invalid_setting` where a Redis is set but no bucket. Asked before anything is started. */
export function checkIntake(platform: Platform): void {
  if (!redisSettings(platform) || platform.config.AWS_STORAGE_BUCKET_NAME !== undefined) return;
  throw new PlatformError(
    'invalid_setting',
    'REDIS_URL or REDIS_HOST is set, but AWS_STORAGE_BUCKET_NAME is not: the jobs that would come name keys of that bucket',
  );
}

/** @throws PlatformError `invalid_setting` as checkIntake */
export function startIntake(platform: Platform): Intake {
  checkIntake(platform);
  const redis = redisSettings(platform);
  if (!redis) return { stop: async () => undefined };
  const { config, database, log } = platform;
  const limit = config.ENCODER_QUEUE_LIMIT;
  const said = new Map<string, number>();
  const intake = new RedisIntake({
    redis,
    pollSeconds: config.POLL_INTERVAL,
    taker: {
      take: (text, again) => takeIn(platform, text, again),
      confirm: (entry) => confirmRemoval(platform, entry),
      reconcile: (list) => forgetRemoved(platform, list),
      isFull: async () => limit > 0 && (await countWaitingEncoderJobs(database.db, limit)) >= limit,
    },
    onError: (error, what) => {
      if (performance.now() - (said.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
      said.set(what, performance.now());
      log.warn({ err: error }, `encoder intake: ${what}`);
    },
  });
  intake.start();
  return intake;
}

/** Null where no Redis is set, or the encoder API is not served here. */
function redisSettings({ config }: Platform): RedisSettings | null {
  const { REDIS_URL: url, REDIS_HOST: host, REDIS_PORT: port, REDIS_DB: db } = config;
  if (!config.APIS.includes('encoder') || (url === undefined && host === undefined)) return null;
  return { url: url ?? null, host: host ?? '127.0.0.1', port, db };
}
