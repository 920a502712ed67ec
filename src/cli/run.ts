// Finds the subcommand, reads its options, runs it, and turns whatever fails into one line and an exit code. Called by main.ts.
import { type Command, helpOf, nearest, readCall, UsageError } from '#cli/command.ts';
import { ConfigError } from '#config/load.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';

/** Each loads only what it needs: `version` answers in the time that Node takes to start. */
const COMMANDS: Readonly<
  Record<string, readonly [summary: string, load: () => Promise<{ readonly command: Command }>]>
> = {
  serve: ['everything in one process: API, dashboard, workers', () => import('#cli/serve.ts')],
  work: ['a worker beside a running server, on this machine or another', () => import('#cli/work.ts')],
  live: ['runs live channels beside a running server, on this machine or another', () => import('#cli/live.ts')],
  encode: ['one job with a progress bar; no server needed', () => import('#cli/encode.ts')],
  plan: ['what would be done with a file, and why', () => import('#cli/plan.ts')],
  doctor: ['what this machine has and whether it works', () => import('#cli/doctor.ts')],
  migrate: ['bring the database up to date', () => import('#cli/migrate.ts')],
  keys: ['make, list and revoke API keys', () => import('#cli/keys.ts')],
  retention: ['delete finished jobs older than RETENTION_HOURS', () => import('#cli/retention.ts')],
  reseal: ['seal stored credentials under a new SECRET_KEY', () => import('#cli/reseal.ts')],
  openapi: ['print the OpenAPI document', () => import('#cli/openapi.ts')],
  version: ['print the version', () => import('#cli/version.ts')],
};

/** Resolves with the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (error) => {
    // Whoever reads it may go before its end (`| head`): the rest is for nobody, and nothing is wrong.
    if (!isNodeError(error) || error.code !== 'EPIPE') throw error;
  });
  try {
    return await dispatch(argv);
  } catch (error) {
    return explain(error);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = argv;
  const asksHelp = first === 'help' || first === '--help' || first === '-h';
  const name = asksHelp ? rest[0] : first === '--version' || first === '-v' ? 'version' : first;
  if (name === undefined) {
    process.stdout.write(overview());
    return 0;
  }
  const known = COMMANDS[name];
  if (!known)
    throw new UsageError(
      `There is no command "${name}"; the nearest is ${nearest(name, Object.keys(COMMANDS))}. rendition help lists all`,
    );
  const { command } = await known[1]();
  if (asksHelp || rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  return command.run(readCall(command, rest));
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, [summary]]) => `  ${name.padEnd(12)}${summary}`);
  return [
    'rendition COMMAND [options]',
    '',
    ...lines,
    '',
    'rendition COMMAND --help explains one. Settings are environment variables and .env: docs/configuration.md.',
    '',
  ].join('\n');
}

/** One line for what the user can do something about; a stack only for a defect of ours. */
function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`rendition: ${error.message}\n`);
    return 2;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`rendition: ${problem}\n`);
    return 1;
  }
  if (error instanceof PlatformError && error.code !== 'internal') {
    process.stderr.write(`rendition: ${error.message}\n`);
    return 1;
  }
  process.stderr.write(`rendition: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}
