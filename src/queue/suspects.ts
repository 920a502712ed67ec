// Entries whose last worker died, one after the other: one of them may be what ended it, and must not take the others along again. Used by queue.ts.
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds after which a suspect that still lives holds up the next no longer: what kills, kills soon. */
const ALONE_MS = 15_000;

export class Suspects {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` when all earlier suspects have ended, or have lived for a while. An aborted signal ends the waiting: the work then
   * sees it and gives its entry back.
   */
  async run(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const before = this.#last;
    const { promise: mine, resolve } = Promise.withResolvers<void>();
    this.#last = before.then(() => mine);
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => aborted.resolve(), { once: true });
    if (!signal.aborted) await Promise.race([before, aborted.promise]);
    const patience = new AbortController();
    void sleep(ALONE_MS, undefined, { ref: false, signal: patience.signal }).then(resolve, () => undefined);
    try {
      await work();
    } finally {
      patience.abort();
      resolve();
    }
  }
}
