// A platform for one command: a database of its own that is thrown away, everything else in one folder that is removed. Used by encode.
import { createHash } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '#config/settings.ts';
import { openDatabase } from '#database/connect.ts';
import { listen } from '#database/listen.ts';
import { migrate, readMigrations } from '#database/migrate.ts';
import { startTemporaryDatabase } from '#database/temporary-database.ts';
import { type OpenPlatform, openPlatform } from '#platform.ts';
import { openQueue } from '#queue/queue.ts';
import packageFile from '../../package.json' with { type: 'json' };

export type ThrowAwayOptions = {
  readonly config: Config;
  readonly log: Logger;
  /** Folder to work in, on the disk of the result: finished files are then moved, not copied. null for a temporary one. */
  readonly beside: string | null;
  /** Folders that file sources and destinations may lie in. */
  readonly fileRoots: readonly string[];
};

/** @throws PlatformError as openPlatform does; then nothing is left */
export async function openThrowAwayPlatform({
  config,
  log,
  beside,
  fileRoots,
}: ThrowAwayOptions): Promise<OpenPlatform> {
  const work = await mkdtemp(path.join(beside ?? tmpdir(), '.rendition-'));
  const remove = () => rm(work, { recursive: true, force: true });
  const own: Config = {
    ...config,
    DATA_DIR: work,
    TEMP_VIDEOS_DIR: path.join(work, 'scratch'),
    DATABASE_URL: undefined,
    STORAGE_URL: undefined,
    SECRET_KEY: undefined,
    WORKER_ID: undefined,
    // The user's own machine: their own network is theirs to reach.
    EGRESS_ALLOW: ['0.0.0.0/0', '::/0'],
  };
  try {
    const home = await findHome(config);
    const platform = await openPlatform(own, {
      log,
      works: true,
      fileRoots,
      startDatabase: async () =>
        startTemporaryDatabase({
          templateDir: path.join(home, 'template'),
          runDir: path.join(home, 'runs'),
          version: await templateVersion(),
          prepare: prepareTemplate,
        }),
    });
    let closing: Promise<void> | undefined;
    const close = () => (closing ??= platform.close().finally(remove));
    return { ...platform, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Where the prepared database is kept between runs: under DATA_DIR, or, where that is not ours to write, in the temporary folder. */
async function findHome({ DATA_DIR }: Config): Promise<string> {
  const home = path.join(DATA_DIR, 'encode');
  try {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK);
    return home;
  } catch {
    // A system-wide installation run by a plain user.
    return path.join(tmpdir(), `rendition-${userInfo().username}`);
  }
}

async function templateVersion(): Promise<string> {
  const migrations = await readMigrations();
  const hash = createHash('sha256')
    .update(migrations.map(({ checksum }) => checksum).join())
    .digest('hex')
    .slice(0, 12);
  return `${packageFile.version}-${packageFile.dependencies['pg-boss']}-${hash}`;
}

async function prepareTemplate(url: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    await migrate(database);
    const queue = await openQueue(
      {
        pool: database.pool,
        listen: (channel, handler) => listen(database, channel, (payload) => handler(payload ?? '')),
      },
      { visibilityTimeoutMs: 15_000, pollIntervalMs: 1000, maxAttempts: 3, supervise: false, onError: () => undefined },
    );
    await queue.stop({ drainSeconds: 0 });
  } finally {
    await database.close();
  }
}
