// `rendition live`: a process of its own that runs live channels, on this machine or another. Called by run.ts.
import { join } from 'node:path';
import type { Command } from '#cli/command.ts';
import { endInTime } from '#cli/end-in-time.ts';
import { startLiveRole } from '#cli/live-role.ts';
import { createLogger } from '#cli/logger.ts';
import { nextSignal } from '#cli/signals.ts';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';
import { findPostmaster } from '#database/postmaster.ts';
import { PlatformError } from '#domain/error.ts';
import { openPlatform } from '#platform.ts';
import { startLoadSampler } from '#workflows/sample-load.ts';

export const command: Command = {
  name: 'live',
  usage: 'live',
  about:
    'Runs live channels until it is stopped. It needs DATABASE_URL, or a running "rendition serve" with the same DATA_DIR; on several machines also STORAGE_URL=s3://… Its channels go on at the next start, or on another machine.',
  options: {},
  takes: [0, 0],
  examples: [
    ['DATABASE_URL=postgres://… STORAGE_URL=s3://media/prod rendition live', 'one more machine for live channels'],
  ],
  run: () => live(readEnvironment({ ROLES: 'live' })),
};

async function live(config: Config): Promise<number> {
  await requireDatabase(config);
  const signals = nextSignal();
  const log = createLogger(config);
  await using platform = await openPlatform(config, { log, works: false });
  const channels = await startLiveRole(platform);
  const sampler = startLoadSampler(platform);
  process.stdout.write(`Live ${platform.workerId} is ready\n`);
  const ending = await Promise.race([signals.signal, platform.lost]);
  if (ending instanceof PlatformError) log.error(ending.message);
  else log.info(`${ending}: stopping`);
  await endInTime(log, [channels.stop(), sampler.stop()]);
  signals.stop();
  return ending instanceof PlatformError ? 1 : 0;
}

async function requireDatabase({ DATABASE_URL, DATA_DIR }: Config): Promise<void> {
  if (DATABASE_URL !== undefined || (await findPostmaster(join(DATA_DIR, 'database', 'cluster')))) return;
  throw new PlatformError(
    'database_unreachable',
    `Live channels share a server's database: set DATABASE_URL, or start "rendition serve" with DATA_DIR=${DATA_DIR} first`,
  );
}
