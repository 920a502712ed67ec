// Runs an act for the newest value only, at most once in an interval and never twice at a time. Used by report-progress.ts and publish-segments.ts.

export class Throttle<T> {
  readonly #act: (value: T) => Promise<void>;
  readonly #interval: number;
  #pending: { readonly value: T } | undefined;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #lastStart = Number.NEGATIVE_INFINITY;

  /** @param act must not reject */
  constructor(intervalMs: number, act: (value: T) => Promise<void>) {
    this.#interval = intervalMs;
    this.#act = act;
  }

  /** The first value goes at once; of those that come too soon, the last one goes when it may. */
  push(value: T): void {
    if (this.#closed) return;
    this.#pending = { value };
    this.#schedule();
  }

  /** Acts for what waits, now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
    // When it ended, it may have set the timer for what waits.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run();
    await this.#running;
  }

  /** Forgets what waits, and resolves when nothing runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pending = undefined;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#running || this.#timer || !this.#pending) return;
    const wait = this.#lastStart + this.#interval - performance.now();
    if (wait <= 0) {
      this.#run();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, wait);
  }

  #run(): void {
    if (!this.#pending) return;
    const { value } = this.#pending;
    this.#pending = undefined;
    this.#lastStart = performance.now();
    this.#running = this.#act(value).finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }
}
