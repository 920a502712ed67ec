// A database for one run of the CLI: copied from a prepared template, thrown away at the end. Called by cli/encode.
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedDatabase, run, startEmbedded, stopAbandoned } from '#database/embedded.ts';
import { lastLine, textOf } from '#database/embedded-home.ts';
import { isAlive, lockFile, processIdentity } from '#database/file-lock.ts';
import { PlatformError } from '#domain/error.ts';

export type TemporaryOptions = {
  /** Keeps the template; made once for each version. */
  readonly templateDir: string;
  /** Holds one folder for each run. */
  readonly runDir: string;
  /** Names what `prepare` makes; with another version the template is made anew. Letters, digits, dots, dashes. */
  readonly version: string;
  /** Fills the template: migrations, the queue's own tables. Called once for each version. */
  readonly prepare: (url: string) => Promise<void>;
};

/**
 * Starts a private database of this run; `close` stops it and removes every trace. What killed runs left is removed first.
 * @throws PlatformError `data_dir_unusable`, `database_unreachable`
 */
export async function startTemporaryDatabase(options: TemporaryOptions): Promise<EmbeddedDatabase> {
  await mkdir(options.runDir, { recursive: true });
  await removeLeftovers(options.runDir);
  const template = await makeTemplate(options);
  const folder = join(options.runDir, `${processIdentity(process.pid)}-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  try {
    for (const part of ['cluster', 'password']) await copy(join(template, part), join(folder, part));
    const database = await startEmbedded({ folder, durable: false });
    return {
      ...database,
      close: async () => {
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The folder of the template of that version; others are removed. */
async function makeTemplate({ templateDir, version, prepare }: TemporaryOptions): Promise<string> {
  await mkdir(templateDir, { recursive: true });
  const template = join(templateDir, version);
  const unlock = await lockFile(join(templateDir, 'lock'), 120);
  try {
    if ((await textOf(join(template, 'cluster', 'PG_VERSION'))) !== undefined) return template;
    for (const left of await readdir(templateDir)) {
      if (!left.startsWith('lock')) await rm(join(templateDir, left), { recursive: true, force: true });
    }
    const fresh = join(templateDir, 'new');
    const database = await startEmbedded({ folder: fresh, durable: false });
    try {
      await prepare(database.url);
    } finally {
      await database.close();
    }
    await rename(fresh, template);
    return template;
  } finally {
    await unlock();
  }
}

async function removeLeftovers(runDir: string): Promise<void> {
  for (const name of await readdir(runDir)) {
    if (isAlive(name)) continue;
    const folder = join(runDir, name);
    // Its guard has ended the server; this is for the case that the guard was killed, too.
    await stopAbandoned(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Keeps owners: under root the cluster belongs to another user. Shares blocks where the file system can. */
async function copy(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') return cp(from, to, { recursive: true });
  const { code, output } = await run(['cp', '-a', from, to]);
  if (code !== 0) throw new PlatformError('data_dir_unusable', `${from} could not be copied: ${lastLine(output)}`);
}
