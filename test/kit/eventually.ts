// Waits for something that comes true by itself: asks again until the assertion holds or time is up.
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with what `check` answers as soon as it holds; rejects with its last failure when it does not within the time: half a minute, for machines under load. */
export async function eventually<Answer>(
  check: () => Answer | Promise<Answer>,
  { within = 30_000, every = 20 }: { readonly within?: number; readonly every?: number } = {},
): Promise<Answer> {
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
