// How a channel and its receivers are tried again: the delay before each try, and when failures are forgotten. Used by runner, state and pushers.

/** Seconds. */
const LONGEST = 30;

/** A second, then twice as long each time, with a tenth of chance. @param failures tries in a row that failed, from 1 */
export function retryDelay(failures: number): number {
  const delay = Math.min(LONGEST, 2 ** (Math.max(1, failures) - 1));
  // Channels that failed together must not come back together.
  return delay * (0.9 + Math.random() * 0.2);
}

export type LivePace = {
  /** Seconds before the next try, after so many in a row that failed. */
  readonly delay: (failures: number) => number;
  /** Seconds: what ran for so long is healthy, its earlier failures are forgotten. */
  readonly stable: number;
};

export const LIVE_PACE: LivePace = { delay: retryDelay, stable: 60 };
