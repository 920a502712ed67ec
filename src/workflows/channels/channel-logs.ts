// The log files of channels on this machine: they bear the channel's name, go along with it and end with it. Called by save-channel.ts, the live supervisor and the janitor.
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '#config/settings.ts';
import { listChannels } from '#database/channels.ts';
import { channelLogPath, olderLogPath } from '#domain/channel-log.ts';
import { isNodeError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** Milliseconds that a log stays that nobody writes to and no channel owns: its channel may just be renamed. */
const UNOWNED = 3_600_000;

/** Gives the files a new name. Whatever had that name belonged to a channel that is no more. @param to null removes them */
export async function moveLogs({ DATA_DIR }: Pick<Config, 'DATA_DIR'>, from: string, to: string | null): Promise<void> {
  for (const pathOf of [channelLogPath, olderLogPath]) {
    if (to !== null) await rm(join(DATA_DIR, pathOf(to)), { force: true });
    const path = join(DATA_DIR, pathOf(from));
    if (to === null) await rm(path, { force: true });
    else
      await rename(path, join(DATA_DIR, pathOf(to))).catch((error: unknown) => {
        // It never ran here.
        if (!isNodeError(error) || error.code !== 'ENOENT') throw error;
      });
  }
}

/** Removes the logs of channels that are no more. Answers how many. */
export async function sweepLogs({ config, database, showing }: Platform): Promise<number> {
  const folder = join(config.DATA_DIR, dirname(channelLogPath('')));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  if (names.length === 0) return 0;
  const channels = await listChannels(database.db, { projectId: null }, showing);
  const owned = new Set(channels.flatMap(({ slug }) => [`${slug}.log`, `${slug}.log.1`]));
  let removed = 0;
  for (const name of names.filter((one) => !owned.has(one))) {
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs < UNOWNED) continue;
    await rm(join(folder, name), { force: true });
    removed += 1;
  }
  return removed;
}
