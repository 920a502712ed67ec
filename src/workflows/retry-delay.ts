// How long work waits before another try. Pure.

const LONGEST = 60;

/** Seconds before the try after the given one: 2, 4, 8, … up to a minute, with up to a quarter more so that not all come back at once. */
export function retryDelay(tries: number): number {
  const delay = Math.min(LONGEST, 2 ** Math.max(1, tries));
  return Math.ceil(delay * (1 + Math.random() / 4));
}
