// Waits for something that comes true by itself: asks again until the assertion holds or time is up.
import { setTimeout as sleep } from 'node:timers/promises';

/** Rejects with the last failure of `check` when it does not hold within the time (10 s). */
export async function eventually(
  check: () => void | Promise<void>,
  { within = 10_000, every = 20 }: { readonly within?: number; readonly every?: number } = {},
): Promise<void> {
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(every);
    }
  }
}
