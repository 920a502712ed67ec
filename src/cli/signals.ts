// SIGINT and SIGTERM: the first asks to stop, a later one ends the process. Used by the commands that run for long.

export type StopSignal = 'SIGINT' | 'SIGTERM';

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
  return promise;
}
