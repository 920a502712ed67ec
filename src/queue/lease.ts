// Keeps the leases of the entries this process works on, and ends the work of those it lost. Used by queue.ts.
import type { PgBoss } from 'pg-boss';
import { PlatformError } from '#domain/error.ts';
import type { Lane } from '#queue/lane.ts';

export type Held = {
  readonly id: string;
  readonly lane: Lane;
  readonly retryCount: number;
  readonly control: AbortController;
  /** performance.now() of the last beat the database confirmed. */
  beatAt: number;
};

export class LeaseKeeper {
  readonly #boss: PgBoss;
  readonly #leaseSeconds: number;
  readonly #onError: (error: unknown) => void;
  readonly #held = new Set<Held>();
  readonly #timer: NodeJS.Timeout;
  #beating = false;

  constructor(boss: PgBoss, leaseSeconds: number, onError: (error: unknown) => void) {
    this.#boss = boss;
    this.#leaseSeconds = leaseSeconds;
    this.#onError = onError;
    this.#timer = setInterval(() => this.beat().catch(onError), (leaseSeconds * 1000) / 4);
  }

  get held(): ReadonlySet<Held> {
    return this.#held;
  }

  add(held: Held): void {
    this.#held.add(held);
  }

  drop(held: Held): void {
    this.#held.delete(held);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Renews every lease; what is no longer ours is aborted with `lease_lost`. */
  async beat(): Promise<void> {
    // A process that was stopped (SIGSTOP, a sleeping laptop) wakes up here with leases long gone.
    this.#abortExpired();
    if (this.#beating || this.#held.size === 0) return;
    this.#beating = true;
    try {
      const lanes = Map.groupBy(this.#held, (held) => held.lane);
      for (const [lane, held] of lanes) await this.#touch(lane, held);
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#beating = false;
    }
  }

  async #touch(lane: Lane, held: readonly Held[]): Promise<void> {
    const asked = performance.now();
    const attempts = held.map(({ id, retryCount }) => ({ id, retryCount }));
    const answer: object = await this.#boss.touch(lane, attempts);
    const settled = 'settled' in answer && Array.isArray(answer.settled) ? answer.settled : [];
    const ours = new Set<unknown>(settled);
    for (const one of held) {
      if (ours.has(one.id)) one.beatAt = asked;
      else if (this.#held.has(one)) abortLost(one);
    }
  }

  #abortExpired(): void {
    const oldest = performance.now() - this.#leaseSeconds * 1000;
    for (const held of this.#held) if (held.beatAt < oldest) abortLost(held);
  }
}

function abortLost(held: Held): void {
  held.control.abort(
    new PlatformError('lease_lost', `Another worker may have taken over entry ${held.id} of ${held.lane}`),
  );
}
