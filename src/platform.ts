// The only wiring: opens what the settings name, in order, and closes it in reverse. Called by the CLI and the tests.
import { randomBytes } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { describeSettings } from '#config/describe-settings.ts';
import { readSecretKeys, readWebhookSecret } from '#config/keys.ts';
import { readSearchPath } from '#config/read-environment.ts';
import type { Config, SettingName } from '#config/settings.ts';
import { type Database, openDatabase } from '#database/connect.ts';
import { listen } from '#database/listen.ts';
import { migrate } from '#database/migrate.ts';
import { forShowing } from '#database/sealed-location.ts';
import { findUploadKey } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { deriveKeys, makeSealer } from '#domain/sealing.ts';
import { detectTool } from '#media/capabilities.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { openQueue } from '#queue/queue.ts';
import { readAuthorities } from '#storage/authorities.ts';
import { type Cloudinary, openCloudinary } from '#storage/cloudinary.ts';
import { createEgress } from '#storage/egress.ts';
import { managedBucket, openManagedStorage } from '#storage/managed.ts';
import { createLocationOpener } from '#storage/open.ts';
import { startRangeReader } from '#storage/range-reader.ts';
import { Originals } from '#workflows/originals.ts';
import type { Platform } from '#workflows/platform.ts';

/** What the operator names may lie anywhere. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/**
 * What a task or job has tried counts where it is claimed (run-task.ts, run-job.ts). An entry that only waited beside the one that ended
 * their worker was delivered as often, and is not to be buried for it.
 */
const DELIVERIES_OF_A_TRY = 10;

export type PlatformOptions = {
  readonly log: Logger;
  /** Whether this process works: it then also looks after the queue. */
  readonly works: boolean;
  /** Where DATABASE_URL is not set: the embedded database by default, a throw-away one for `encode`. */
  readonly startDatabase?: () => Promise<StartedDatabase>;
  /** Instead of FILE_ROOTS: the CLI's user may name any file of their own. */
  readonly fileRoots?: readonly string[];
};

export type StartedDatabase = {
  readonly url: string;
  /** Settles when the server ends although nobody asked it to. */
  readonly lost: Promise<PlatformError>;
  close(): Promise<void>;
};

export type OpenPlatform = Platform &
  AsyncDisposable & {
    /** Settles when the platform has lost what it cannot do without: the embedded database. */
    readonly lost: Promise<PlatformError>;
    close(): Promise<void>;
  };

/** @throws PlatformError `data_dir_unusable`, `ffmpeg_missing`, `database_unreachable`, `invalid_setting`, `storage_failed`; what had been opened is closed again */
export async function openPlatform(config: Config, options: PlatformOptions): Promise<OpenPlatform> {
  const { log } = options;
  const timing = stopwatch();
  await using opened = new AsyncDisposableStack();
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.defer(() => part.close());
    return part;
  };
  await timing.of('folders', prepareFolders(config, options.works));
  const limits = mediaLimits(config);
  const s3 = s3Settings(config);
  // Independent of each other: the database's start is what takes longest.
  const [storage, database, tool, ranges, secrets, webhookSecret] = await all(
    timing.of('storage', openManagedStorage(config.STORAGE_URL, { dataDir: config.DATA_DIR, s3 }).then(keep)),
    timing.of('database', openMigrated(config, options, keep)),
    timing.of('ffmpeg', findTool(config)),
    timing.of('range reader', startRangeReader().then(keep)),
    timing.of('keys', readSecretKeys(config)),
    readWebhookSecret(config),
  );
  if (options.works) warnOfEncoders(tool, log);
  const originals = keep(new Originals(storage));
  const authorities = await readAuthorities(config.EGRESS_CA_FILE);
  const egress = keep(createEgress({ allow: config.EGRESS_ALLOW, ...(authorities && { ca: authorities }) }));
  const ownEgress = keep(createEgress({ allow: EVERYWHERE }));
  const cloudinary = await cloudinaryAccount(config);
  const locations = keep(
    createLocationOpener({
      managed: storage,
      egress,
      s3,
      managedBucket: managedBucket(config.STORAGE_URL),
      cloudinary,
      fileRoots: options.fileRoots ?? config.FILE_ROOTS,
      maxInlineBytes: config.MAX_INLINE_BYTES,
      uploads: (uploadId) => findUploadKey(database.db, uploadId),
    }),
  );
  const queue = await timing.of(
    'queue',
    openQueue(
      {
        pool: database.pool,
        listen: (channel, handler) => listen(database, channel, (payload) => handler(payload ?? '')),
      },
      {
        visibilityTimeoutMs: config.QUEUE_VISIBILITY_TIMEOUT_MS,
        pollIntervalMs: config.QUEUE_POLL_INTERVAL_MS,
        maxAttempts: config.QUEUE_MAX_ATTEMPTS * DELIVERIES_OF_A_TRY,
        supervise: options.works,
        onError: (error) => log.error({ err: error }, 'the queue reports an error'),
      },
    ),
  );
  opened.defer(() => queue.stop({ drainSeconds: 0 }));
  log.debug(timing.taken(), 'platform opened (ms)');
  const parts = opened.move();
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= parts.disposeAsync());
  const sealer = makeSealer(deriveKeys(secrets, 'sealing'));
  const workerId = config.WORKER_ID ?? `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const platform: Platform = {
    config,
    settings: describeSettings(config),
    database,
    sealer,
    showing: forShowing(sealer),
    keysFor: (purpose) => deriveKeys(secrets, purpose),
    queue,
    storage,
    originals,
    cloudinary,
    locations,
    egress,
    ownEgress,
    webhookSecrets: webhookSecret.split(','),
    ranges,
    tool,
    limits,
    log,
    workerId,
  };
  return { ...platform, lost: database.lost, close, [Symbol.asyncDispose]: close };
}

type MigratedDatabase = Database & { readonly lost: Promise<PlatformError> };

async function openMigrated(
  config: Config,
  { log, startDatabase }: PlatformOptions,
  keep: <T extends { close(): Promise<void> }>(part: T) => T,
): Promise<MigratedDatabase> {
  const started =
    config.DATABASE_URL === undefined ? keep(await (startDatabase ?? (() => startEmbeddedDatabase(config)))()) : null;
  const database = keep(
    await openDatabase(config.DATABASE_URL ?? started?.url ?? '', {
      onConnectionError: (error) => log.warn({ err: error }, 'a database connection broke'),
    }),
  );
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ applied }, 'database migrated');
  return { ...database, lost: started?.lost ?? new Promise<never>(() => undefined) };
}

/** PostgreSQL under DATA_DIR. Loaded only where it is used: with DATABASE_URL its binaries need not exist. */
export async function startEmbeddedDatabase({ DATA_DIR }: Pick<Config, 'DATA_DIR'>): Promise<StartedDatabase> {
  const { startEmbedded } = await import('#database/embedded.ts');
  return startEmbedded({ folder: join(DATA_DIR, 'database'), durable: true });
}

async function prepareFolders({ DATA_DIR, TEMP_VIDEOS_DIR }: Config, works: boolean): Promise<void> {
  await prepareFolder(DATA_DIR, 'The data directory', 'DATA_DIR');
  if (works && TEMP_VIDEOS_DIR !== undefined)
    await prepareFolder(TEMP_VIDEOS_DIR, 'The scratch folder', 'TEMP_VIDEOS_DIR');
}

async function prepareFolder(folder: string, what: string, setting: SettingName): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // Only a file that was made shows that files can be: root may write anywhere, but not to a read-only disk.
    const trial = join(folder, `.trial-${randomBytes(6).toString('hex')}`);
    await writeFile(trial, '', { flag: 'wx' });
    await rm(trial);
    await statfs(folder);
  } catch (error) {
    throw new PlatformError(
      'data_dir_unusable',
      `${what} ${folder} is not writable; choose another with ${setting} or change its permissions`,
      { cause: error },
    );
  }
}

export function mediaLimits(config: Config): MediaLimits {
  return {
    maxWidth: config.MAX_VIDEO_WIDTH,
    maxHeight: config.MAX_VIDEO_HEIGHT,
    maxStreams: config.MAX_STREAMS,
    maxDuration: config.MAX_DURATION_SECONDS,
    maxFrameRate: config.MAX_FRAME_RATE,
    maxImagePixels: config.MAX_IMAGE_PIXELS,
    probeTimeLimit: config.PROBE_TIMEOUT_SECONDS,
    child: {
      memory: config.CHILD_MEMORY_BYTES,
      fileSize: config.CHILD_FILE_BYTES,
      openFiles: config.CHILD_OPEN_FILES,
      niceness: config.CHILD_NICENESS,
    },
  };
}

/** The FFmpeg of the settings. @throws PlatformError `ffmpeg_missing` */
export function findTool(config: Config): Promise<MediaTool> {
  const searchPath = readSearchPath();
  return detectTool({
    ffmpegPath: config.FFMPEG_PATH,
    ffprobePath: config.FFPROBE_PATH,
    limits: mediaLimits(config).child,
    hwaccel: config.HWACCEL,
    ...(searchPath === undefined ? {} : { searchPath }),
  });
}

/** Some builds leave them out, and hardly a job can be done without: said at the start, not by the first job that fails. */
function warnOfEncoders({ ffmpeg, encoders }: MediaTool, log: Logger): void {
  const missing = ['libx264', 'aac'].filter((encoder) => !encoders.has(encoder));
  if (missing.length > 0)
    log.warn(`${ffmpeg} was built without ${missing.join(' and ')}; "rendition doctor" tells what it has`);
}

/** @throws PlatformError `invalid_setting` where it is switched on and a part of the account is missing */
async function cloudinaryAccount(config: Config): Promise<Cloudinary | null> {
  const { CLOUDINARY_CLOUD_NAME: cloudName, CLOUDINARY_API_KEY: apiKey, CLOUDINARY_API_SECRET: apiSecret } = config;
  if (!config.USE_CLOUDINARY) return null;
  if (cloudName === undefined || apiKey === undefined || apiSecret === undefined)
    throw new PlatformError(
      'invalid_setting',
      'USE_CLOUDINARY needs CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET',
    );
  return openCloudinary({ cloudName, apiKey, apiSecret, apiUrl: config.CLOUDINARY_API_URL ?? '' });
}

export function s3Settings(config: Config) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = config;
  return {
    endpoint: config.S3_ENDPOINT ?? null,
    region: config.AWS_REGION ?? config.AWS_S3_REGION_NAME ?? null,
    credentials:
      id !== undefined && secret !== undefined
        ? { accessKeyId: id, accessKeySecret: secret, sessionToken: token ?? null }
        : null,
  };
}

/** All of them; where one fails, the others are awaited first, so that what they open can be closed. */
async function all<T extends readonly unknown[]>(...work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T;
}

function stopwatch() {
  const times: Record<string, number> = {};
  return {
    of: async <T>(name: string, work: Promise<T>): Promise<T> => {
      const started = performance.now();
      try {
        return await work;
      } finally {
        times[name] = Math.round(performance.now() - started);
      }
    },
    taken: (): Readonly<Record<string, number>> => times,
  };
}
