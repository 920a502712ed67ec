// How long to wait before another try: a second, then twice as long each time, with a tenth of chance. Used by runner, pushers and watches.

/** Seconds. */
const LONGEST = 30;

/** @param failures tries in a row that failed, from 1 */
export function retryDelay(failures: number): number {
  const delay = Math.min(LONGEST, 2 ** (Math.max(1, failures) - 1));
  // Channels that failed together must not come back together.
  return delay * (0.9 + Math.random() * 0.2);
}
