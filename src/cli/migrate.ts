// `rendition migrate`: brings the database up to date, for deployments that do it as a step of its own. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { createLogger } from '#cli/logger.ts';
import { readEnvironment } from '#config/read-environment.ts';
import { openDatabase } from '#database/connect.ts';
import { findPending } from '#database/migrate.ts';
import { openPlatform, startEmbeddedDatabase } from '#platform.ts';

export const command: Command = {
  name: 'migrate',
  usage: 'migrate [--check]',
  about:
    'Runs the migrations that DATABASE_URL (or the embedded database) lacks, and installs the tables of the queue. serve and work do the same at their start.',
  options: { check: { type: 'boolean', about: 'only name what is missing; exit 1 when something is' } },
  takes: [0, 0],
  examples: [['rendition migrate --check', 'for a pipeline that must not change anything']],
  run: async ({ flags }) => {
    const config = readEnvironment();
    const started = config.DATABASE_URL === undefined ? await startEmbeddedDatabase(config) : null;
    try {
      const database = await openDatabase(config.DATABASE_URL ?? started?.url ?? '');
      const pending = await findPending(database).finally(() => database.close());
      for (const name of pending) process.stdout.write(`${flags.has('check') ? 'missing' : 'running'} ${name}\n`);
      if (flags.has('check')) return pending.length > 0 ? 1 : 0;
      // Opening it migrates, the queue's tables too.
      await using _ = await openPlatform(config, { log: createLogger({ LOG_LEVEL: 'warn' }), works: false });
      process.stdout.write('The database is up to date\n');
      return 0;
    } finally {
      await started?.close();
    }
  },
};
