// SIGINT, SIGTERM and the end of the terminal: the first asks to stop, a later one ends the process. Used by the commands that run for long.
import { isatty } from 'node:tty';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Milliseconds: one Ctrl-C comes from the terminal, from npm and from the bootstrap, each in its own time. */
const SAME_SIGNAL_MS = 1000;

/** Resolves with the first signal; one that comes a second or more later ends the process at once: children and the embedded database go with it. */
export function nextSignal(): Promise<StopSignal> {
  const { promise, resolve } = Promise.withResolvers<StopSignal>();
  let askedAt: number | null = null;
  const hear = (signal: StopSignal) => {
    if (askedAt !== null && performance.now() - askedAt > SAME_SIGNAL_MS) process.exit(130);
    askedAt ??= performance.now();
    resolve(signal);
  };
  // They stay to the end of the process: while it closes what it had opened, the same Ctrl-C may come again.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => hear(signal));
  // Node undoes what nohup does. Whoever has no terminal, as under nohup or a supervisor, does not end with one.
  const hasTerminal = [0, 1, 2].some((stream) => isatty(stream));
  process.on('SIGHUP', () => {
    if (hasTerminal) hear('SIGHUP');
  });
  if (hasTerminal) keepWithoutTerminal();
  return promise;
}

/** What is still said to a terminal that is gone is lost, and must not cut the end short. */
function keepWithoutTerminal(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
    });
}
