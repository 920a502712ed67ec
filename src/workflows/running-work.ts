// The work that runs in this process, each with the question whether it is still ours to do. Made by start-worker.ts, used by run-job and run-task.
import { PlatformError } from '#domain/error.ts';

/** One piece of work: a task's attempt or a job's planning. */
export type Work = {
  readonly jobId: number;
  /** Of the queue's lease and of the drain. */
  readonly signal: AbortSignal;
  /** Beats in the database; false where the row says that the work is no longer ours. */
  readonly isOurs: () => Promise<boolean>;
};

type Held = Work & { readonly control: AbortController };

/** Milliseconds between beats: the fallback for a notification that got lost. */
const BEAT_MS = 3000;

export class RunningWork {
  readonly #works = new Set<Held>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Jobs that are worked on here. */
  get jobIds(): number[] {
    return [...new Set([...this.#works].map(({ jobId }) => jobId))];
  }

  /**
   * Does a piece of work under a signal that aborts with `lease_lost` as soon as it is no longer ours: canceled,
   * paused, deleted, taken over; and with `shutting_down` at the end of a drain.
   */
  async hold<T>(work: Work, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const control = new AbortController();
    const held: Held = { ...work, control };
    const timer = setInterval(() => void this.#check(held), BEAT_MS);
    this.#works.add(held);
    try {
      // Whatever was announced between the claim and now went unheard.
      await this.#check(held);
      return await act(AbortSignal.any([work.signal, control.signal]));
    } finally {
      clearInterval(timer);
      this.#works.delete(held);
    }
  }

  /** Somebody changed a job: whoever works on it looks whether that concerns him. Null asks everybody. */
  checkJob(jobId: number | null): void {
    for (const held of this.#works) if (jobId === null || held.jobId === jobId) void this.#check(held);
  }

  async #check(held: Held): Promise<void> {
    try {
      if (await held.isOurs()) return;
      held.control.abort(new PlatformError('lease_lost', `The work on job ${held.jobId} was taken away`));
    } catch (error) {
      // Not knowing is no reason to stop: the lease of the queue ends the work if the database stays away.
      this.#onError(error);
    }
  }
}
