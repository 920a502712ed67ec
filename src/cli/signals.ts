// SIGINT and SIGTERM: the first asks to stop, the second ends the process. Used by the commands that run for long.

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Resolves with the first signal; the second ends the process at once: children and the embedded database go with it. */
export function nextSignal(): { readonly signal: Promise<StopSignal>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<StopSignal>();
  let asked = false;
  const hear = (signal: NodeJS.Signals) => {
    if (asked) process.exit(130);
    asked = true;
    resolve(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT');
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  return {
    signal: promise,
    stop: () => {
      process.off('SIGINT', hear);
      process.off('SIGTERM', hear);
    },
  };
}
