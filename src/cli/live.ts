// `rendition live`: a process of its own that runs live channels, on this machine or another. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { startLiveRole } from '#cli/live-role.ts';
import { createLogger } from '#cli/logger.ts';
import { requireDatabase } from '#cli/require-database.ts';
import { hearStop } from '#cli/until-stopped.ts';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';
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
  await requireDatabase(config, 'Live channels share');
  const untilStopped = hearStop();
  const log = createLogger(config);
  await using platform = await openPlatform(config, { log, works: false });
  const channels = await startLiveRole(platform);
  const sampler = startLoadSampler(platform);
  process.stdout.write(`Live ${platform.workerId} is ready\n`);
  // Awaited here: until then it needs what `using` closes.
  return await untilStopped(platform, () => [channels.stop(), sampler.stop()]);
}
