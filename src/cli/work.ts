// `rendition work`: a worker of its own process beside a running server. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { createLogger } from '#cli/logger.ts';
import { requireDatabase } from '#cli/require-database.ts';
import { hearStop } from '#cli/until-stopped.ts';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';
import { openPlatform } from '#platform.ts';
import { warnOfStorage } from '#workflows/check-health.ts';
import { startLoadSampler } from '#workflows/sample-load.ts';
import { startWorker } from '#workflows/start-worker.ts';

export const command: Command = {
  name: 'work',
  usage: 'work [options]',
  about:
    'Takes work from the queue until it is stopped. It needs DATABASE_URL, or a running "rendition serve" with the same DATA_DIR; on several machines also STORAGE_URL=s3://… SIGTERM lets running chunks finish for 20 seconds, Ctrl-C gives them back at once.',
  options: {
    concurrency: { type: 'string', short: 'c', value: 'N', about: 'chunks at once, instead of WORKER_CONCURRENCY' },
  },
  takes: [0, 0],
  examples: [
    ['DATABASE_URL=postgres://… STORAGE_URL=s3://media/prod rendition work', 'one more machine for the same queue'],
  ],
  run: async ({ values }) => {
    const concurrency = values.get('concurrency');
    return work(
      readEnvironment({ ROLES: 'work', ...(concurrency === undefined ? {} : { WORKER_CONCURRENCY: concurrency }) }),
    );
  },
};

async function work(config: Config): Promise<number> {
  await requireDatabase(config, 'A worker shares');
  const untilStopped = hearStop();
  const log = createLogger(config);
  await using platform = await openPlatform(config, { log, works: true });
  const worker = await startWorker(platform);
  const sampler = startLoadSampler(platform);
  process.stdout.write(`Worker ${platform.workerId} is ready\n`);
  void warnOfStorage(platform);
  // Awaited here: until then it needs what `using` closes.
  return await untilStopped(platform, (ending) => [
    ending === 'SIGTERM' ? worker.drain() : worker.stop(),
    sampler.stop(),
  ]);
}
