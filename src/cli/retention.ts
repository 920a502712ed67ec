// `rendition retention`: deletes what is older than RETENTION_HOURS; for a CronJob, also beside a running server. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { openForCommand } from '#cli/open-for-command.ts';
import { expireJobs } from '#workflows/janitor.ts';

export const command: Command = {
  name: 'retention',
  usage: 'retention',
  about:
    'Deletes finished jobs older than RETENTION_HOURS, with their managed files; what they delivered elsewhere stays.',
  options: {},
  takes: [0, 0],
  examples: [['RETENTION_HOURS=24 rendition retention', 'everything that ended more than a day ago']],
  run: async () => {
    await using platform = await openForCommand();
    if (platform.config.RETENTION_HOURS === null)
      process.stdout.write('RETENTION_HOURS is off: nothing is ever deleted\n');
    else process.stdout.write(`${await expireJobs(platform)} jobs deleted\n`);
    return 0;
  },
};
