// Takes entries of one lane: fetches until the lane is empty, then sleeps until a notification or lane-poll.ts wakes it. Used by queue.ts.

export type LaneWorkerOptions<E> = {
  readonly concurrency: number;
  /** Begins held: see hold(). */
  readonly held: boolean;
  /** At most `count` entries, the foremost first. */
  readonly fetch: (count: number) => Promise<readonly E[]>;
  /** Works on one entry to its end and settles it; must not throw. */
  readonly handle: (entry: E) => Promise<void>;
  readonly onError: (error: unknown) => void;
};

export class LaneWorker<E> {
  readonly #options: LaneWorkerOptions<E>;
  readonly #running = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  #stopped = false;
  #held: boolean;
  #woken = false;
  #wakeUp: (() => void) | undefined;

  constructor(options: LaneWorkerOptions<E>) {
    this.#options = options;
    this.#held = options.held;
    this.#loop = this.#work();
  }

  /** There may be something to do. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** While held, nothing is taken; what runs, runs on. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.wake();
  }

  /** Takes nothing more. Resolves when no fetch is on its way any longer; what runs, runs on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#loop;
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const free = this.#held ? 0 : this.#options.concurrency - this.#running.size;
      const entries = free > 0 ? await this.#fetch(free) : [];
      for (const entry of entries) this.#start(entry);
      // A short answer may only mean that one group had its share; an empty one that there is nothing to take.
      if (entries.length === 0) await this.#sleep();
    }
  }

  async #fetch(count: number): Promise<readonly E[]> {
    try {
      return await this.#options.fetch(count);
    } catch (error) {
      this.#options.onError(error);
      return [];
    }
  }

  #start(entry: E): void {
    const run = this.#options.handle(entry).finally(() => {
      this.#running.delete(run);
      this.wake();
    });
    this.#running.add(run);
  }

  async #sleep(): Promise<void> {
    if (this.#woken || this.#stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeUp = resolve;
    await promise;
    this.#wakeUp = undefined;
  }
}
