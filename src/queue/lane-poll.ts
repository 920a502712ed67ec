// The safety net under the notifications: asks every while, in one query for all lanes, which of them have something to take. Used by queue.ts.
import type { Lane } from '#queue/lane.ts';

export type LanePollOptions = {
  readonly intervalMs: number;
  /** Lanes with an entry that may be taken now. */
  readonly find: () => Promise<readonly Lane[]>;
  readonly wake: (lane: Lane) => void;
  readonly onError: (error: unknown) => void;
};

export class LanePoll {
  readonly #options: LanePollOptions;
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #stopped = false;

  constructor(options: LanePollOptions) {
    this.#options = options;
    this.#wait();
  }

  /** Resolves when no question is on its way any longer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#asking;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#asking = this.#ask();
    }, this.#options.intervalMs);
  }

  async #ask(): Promise<void> {
    try {
      for (const lane of await this.#options.find()) this.#options.wake(lane);
    } catch (error) {
      this.#options.onError(error);
    }
    if (!this.#stopped) this.#wait();
  }
}
