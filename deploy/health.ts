// Is this container well? Exit code 0 or 1, for HEALTHCHECK and probes. A server is asked for /health; a worker, which has no
// port, has its heartbeat looked up.
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';

/** What is wrong, or null. */
type Finding = string | null;

/** Workers beat every few seconds; one silent for so long hangs. */
const SILENCE_SECONDS = 60;
const PATIENCE_SECONDS = 10;

const config = readEnvironment();
const wrong = await (config.ROLES.includes('api') ? checkServer(config) : checkWorker(config));
if (wrong !== null) process.stderr.write(`${wrong}\n`);
// At once: a connection to a database that does not answer would hold the process.
process.exit(wrong === null ? 0 : 1);

async function checkServer({ HOST, PORT }: Config): Promise<Finding> {
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '[::1]' : HOST.includes(':') ? `[${HOST}]` : HOST;
  try {
    const response = await fetch(`http://${host}:${PORT}/health`, {
      signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000),
    });
    return response.ok ? null : `/health answers ${response.status}: ${await response.text()}`;
  } catch (error) {
    return `/health does not answer: ${reasonOf(error)}`;
  }
}

/** A database that is away is no fault of this worker, which waits for it: starting it anew would cure nothing. */
async function checkWorker(settings: Config): Promise<Finding> {
  const giveUp = sleep(PATIENCE_SECONDS * 1000).then((): Finding => null);
  const ask = countBeats(settings).then(
    (beats): Finding => (beats > 0 ? null : `no heartbeat of a worker on ${hostname()} for ${SILENCE_SECONDS} seconds`),
    (error: unknown): Finding => {
      process.stderr.write(`the heartbeat can't be looked up: ${reasonOf(error)}\n`);
      return null;
    },
  );
  return Promise.race([ask, giveUp]);
}

async function countBeats({ DATABASE_URL }: Config): Promise<number> {
  if (DATABASE_URL === undefined) throw new Error('DATABASE_URL is not set');
  const [{ openDatabase }, { listWorkers }] = await Promise.all([
    import('#database/connect.ts'),
    import('#database/workers.ts'),
  ]);
  const database = await openDatabase(DATABASE_URL, { connections: 1 });
  const workers = await listWorkers(database.db, new Date(Date.now() - SILENCE_SECONDS * 1000));
  return workers.filter((worker) => worker.hostname === hostname()).length;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
