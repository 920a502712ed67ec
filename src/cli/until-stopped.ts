// A command that runs for long: it waits for a signal, or the loss of what it stands on, and ends its parts in time. Used by serve, work and live.
import type { Logger } from 'pino';
import { nextSignal, type StopSignal } from '#cli/signals.ts';
import { PlatformError } from '#domain/error.ts';
import type { OpenPlatform } from '#platform.ts';

type Parts = readonly (Promise<unknown> | undefined)[];

/** Hears signals from now on: `parts` are told to end by the first. Resolves with the exit status. */
export function hearStop(): (
  platform: OpenPlatform,
  end: (ending: StopSignal | PlatformError) => Parts,
) => Promise<number> {
  const signal = nextSignal();
  return async ({ log, lost }, end) => {
    const ending = await Promise.race([signal, lost]);
    if (ending instanceof PlatformError) log.error(ending.message);
    else log.info(`${ending}: stopping`);
    await endInTime(log, end(ending), ending instanceof PlatformError ? WITHOUT_DATABASE : PATIENCE);
    return ending instanceof PlatformError ? 1 : 0;
  };
}

/** Seconds from the signal on: below the 30 s that orchestrators grant before SIGKILL. */
const PATIENCE = 28;
/** Seconds from the loss on: what is left to write down has no place any more. */
const WITHOUT_DATABASE = 5;

/** Every part is told to stop, a failing one holds up no other. Resolves when all have ended, well or not. What then still keeps the process, like tries to reach a database that is gone, is ended with it. */
async function endInTime(log: Logger, parts: Parts, patience: number): Promise<void> {
  // Where nothing is left to do the process is gone before: this timer keeps it from nothing.
  setTimeout(() => {
    log.error(`not everything ended within ${patience} s: ending without it`);
    process.exit(1);
  }, patience * 1000).unref();
  for (const result of await Promise.allSettled(parts))
    if (result.status === 'rejected') log.error({ err: result.reason }, 'a part did not end as it should');
}
