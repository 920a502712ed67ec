// The end of a command that runs for long: every part is told to stop, a failing one holds up no other, and none is waited for without end. Used by serve, work and live.
import type { Logger } from 'pino';

/** Seconds from the signal on: below the 30 s that orchestrators grant before SIGKILL. */
const PATIENCE = 28;

/** Resolves when all have ended, well or not. What then still keeps the process, like tries to reach a database that is gone, is ended with it. */
export async function endInTime(log: Logger, parts: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  // Where nothing is left to do the process is gone before: this timer keeps it from nothing.
  setTimeout(() => {
    log.error(`not everything ended within ${PATIENCE} s: ending without it`);
    process.exit(1);
  }, PATIENCE * 1000).unref();
  for (const result of await Promise.allSettled(parts))
    if (result.status === 'rejected') log.error({ err: result.reason }, 'a part did not end as it should');
}
