// For how long machines were silent while the database answered: what counts is what was watched, by this machine's own clock. Pure; kept by pulse.ts.
import type { MachineBeat } from '#database/live.ts';

export type Silent = MachineBeat & { readonly seconds: number };

export class Silence {
  readonly #longestStep: number;
  #machines = new Map<string, Silent>();
  #lookedAt: number | null = null;

  /** @param longestStep seconds that one look may add: an answer that was long in coming may hide that nobody was heard */
  constructor(longestStep: number) {
    this.#longestStep = longestStep;
  }

  /** What the database says. @param now seconds of a clock that never goes back */
  hear(beats: readonly MachineBeat[], now: number): void {
    const step = this.#lookedAt === null ? 0 : Math.min(now - this.#lookedAt, this.#longestStep);
    this.#lookedAt = now;
    const before = this.#machines;
    this.#machines = new Map(
      beats.map(({ id, beat }) => {
        const known = before.get(id);
        return [id, { id, beat, seconds: known?.beat === beat ? known.seconds + step : 0 }];
      }),
    );
  }

  /** The database did not answer: nobody could be heard, so nobody was silent. */
  interrupt(): void {
    this.#machines.clear();
    this.#lookedAt = null;
  }

  /** Machines that were silent for so many seconds without interruption. */
  atLeast(seconds: number): readonly Silent[] {
    return [...this.#machines.values()].filter((machine) => machine.seconds >= seconds);
  }
}
