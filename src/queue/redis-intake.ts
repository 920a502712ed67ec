// Takes entries from a Redis list, none lost whatever dies: moved atomically to a list of those under way, removed from it when the taker says so.
// Started by workflows/encoder/start-intake.ts.
import { isUtf8 } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Producers push on the left; the oldest stands on the right. */
export const LISTS = {
  waiting: 'encoding:jobs',
  underWay: 'encoding:processing',
  dead: 'encoding:dead',
} as const;

export type RedisSettings = {
  /** REDIS_URL; else host, port and database. */
  readonly url: string | null;
  readonly host: string;
  readonly port: number;
  readonly db: number;
};

export type IntakeVerdict =
  /** It is safe elsewhere, under this mark, and may be removed. */
  { readonly kind: 'stored'; readonly entry: string } | { readonly kind: 'malformed'; readonly reason: string };

export type IntakeTaker = {
  /** Rejects where the entry should be tried again. @param again it was found under way, left by a process that died or still at work */
  take(text: string, again: boolean): Promise<IntakeVerdict>;
  /** A stored entry has left Redis. */
  confirm(entry: string): Promise<void>;
  /** What is under way, in the taker's own order of looking: it calls `list` once. */
  reconcile(list: () => Promise<readonly string[]>): Promise<void>;
  /** Whether nothing more may be taken now. */
  isFull(): Promise<boolean>;
};

export type IntakeOptions = {
  readonly redis: RedisSettings;
  readonly taker: IntakeTaker;
  /** Seconds: how long one wait lasts, and between looks where Redis cannot wait. */
  readonly pollSeconds: number;
  readonly onError: (error: unknown, what: string) => void;
};

/** Seconds after which entries of dead processes are looked for again. */
const SWEEP_SECONDS = 60;
/** Tries of one entry before it is left to the next sweep, that others may go on. */
const TRIES = 5;
const MOST_PAUSE_MS = 5000;
const CONNECT_PAUSE_MS = 50;
/** One wait lasts at most so long, seconds: between two, sweeps and full queues are looked at. */
const LONGEST_WAIT = 5;

const NO_TEXT = { kind: 'malformed', reason: 'The entry is no UTF-8' } as const;

/** One intake. Any number of them may work on the same lists. */
export class RedisIntake {
  readonly #options: IntakeOptions;
  readonly #redis: Redis;
  /** A connection of its own for waiting: nothing else can be asked on it meanwhile. */
  readonly #waiting: Redis;
  readonly #ending = new AbortController();
  #canWait = true;
  #waitingId: number | null = null;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#redis = connect(options.redis);
    this.#waiting = connect(options.redis);
    for (const client of [this.#redis, this.#waiting])
      client.on('error', (error) => options.onError(error, 'Redis cannot be reached'));
    // While it was away, entries may have been moved of which no answer came.
    this.#waiting.on('close', () => {
      this.#sweptAt = Number.NEGATIVE_INFINITY;
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Takes nothing more. What is under way is finished, or left for any intake to take up again. */
  async stop(): Promise<void> {
    this.#ending.abort();
    // Wakes the wait without losing an entry that is just being moved.
    if (this.#waitingId !== null && this.#redis.status === 'ready')
      await this.#redis
        .client('UNBLOCK', this.#waitingId)
        .catch((error: unknown) => this.#options.onError(error, 'the wait for entries could not be ended at once'));
    const patience = setTimeout(() => this.#disconnect(), MOST_PAUSE_MS);
    await this.#running;
    clearTimeout(patience);
    this.#disconnect();
  }

  async #run(): Promise<void> {
    const { onError, pollSeconds } = this.#options;
    let failures = 0;
    while (!this.#isEnding) {
      try {
        await this.#step();
        failures = 0;
      } catch (error) {
        if (this.#isEnding) return;
        onError(error, 'entries cannot be taken from Redis now');
        failures += 1;
        await this.#pause(Math.min(200 * 2 ** failures, pollSeconds * 1000, MOST_PAUSE_MS));
      }
    }
  }

  async #step(): Promise<void> {
    const { taker, pollSeconds } = this.#options;
    // The 'error' of the connections has said why.
    if (this.#redis.status !== 'ready' || this.#waiting.status !== 'ready') return this.#pause(CONNECT_PAUSE_MS);
    if (performance.now() - this.#sweptAt > SWEEP_SECONDS * 1000) await this.#sweep();
    // What is full is not asked more often than a poll.
    if (await taker.isFull()) return this.#pause(pollSeconds * 1000);
    const entry = await this.#next();
    if (entry !== null) await this.#handle(entry, false);
  }

  /** The oldest entry, moved to those under way; null where none came in time. */
  async #next(): Promise<Buffer | null> {
    const { pollSeconds } = this.#options;
    const seconds = Math.min(pollSeconds, LONGEST_WAIT);
    if (this.#canWait) {
      try {
        this.#waitingId = Number(await this.#waiting.client('ID'));
        return await this.#waiting.blmoveBuffer(LISTS.waiting, LISTS.underWay, 'RIGHT', 'LEFT', seconds);
      } catch (error) {
        // Before 6.2, and behind proxies that allow no waiting.
        if (!(error instanceof Error && /unknown (sub)?command|not (allowed|supported)|NOPERM/i.test(error.message)))
          throw error;
        this.#canWait = false;
      } finally {
        this.#waitingId = null;
      }
    }
    const entry = await this.#redis.rpoplpushBuffer(LISTS.waiting, LISTS.underWay);
    if (entry === null) await this.#pause(pollSeconds * 1000);
    return entry;
  }

  /** Takes up what is under way: most of it is of processes that died; of others, taking is idempotent. */
  async #sweep(): Promise<void> {
    let entries: Buffer[] = [];
    await this.#options.taker.reconcile(async () => {
      entries = await this.#underWay();
      return entries.map(String);
    });
    for (const entry of entries.toReversed()) {
      if (this.#isEnding) return;
      await this.#handle(entry, true);
    }
    this.#sweptAt = performance.now();
  }

  /** @param entry bytes, as they stand in the list: what is no UTF-8 would not be found again by its text */
  async #handle(entry: Buffer, again: boolean): Promise<void> {
    const { taker, onError } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        // Another may have finished it while we tried or looked.
        if ((again || tries > 1) && !(await this.#underWay()).some((one) => one.equals(entry))) return;
        return await this.#settle(entry, isUtf8(entry) ? await taker.take(String(entry), again || tries > 1) : NO_TEXT);
      } catch (error) {
        onError(error, 'an entry of Redis could not be taken in');
        if (tries >= TRIES || this.#isEnding) return;
        await this.#pause(Math.min(100 * 2 ** tries, MOST_PAUSE_MS));
      }
    }
  }

  async #settle(entry: Buffer, verdict: IntakeVerdict): Promise<void> {
    if (verdict.kind === 'stored') {
      await this.#redis.lrem(LISTS.underWay, 1, entry);
      return this.#options.taker.confirm(verdict.entry);
    }
    const dead = JSON.stringify({ entry: String(entry), reason: verdict.reason, at: new Date().toISOString() });
    await this.#redis.multi().lpush(LISTS.dead, dead).lrem(LISTS.underWay, 1, entry).exec();
  }

  #underWay(): Promise<Buffer[]> {
    return this.#redis.lrangeBuffer(LISTS.underWay, 0, -1);
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Ends early when the intake does. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ending.signal }).catch((error: unknown) => {
      if (!this.#isEnding) throw error;
    });
  }

  #disconnect(): void {
    this.#redis.disconnect();
    this.#waiting.disconnect();
  }
}

function connect({ url, host, port, db }: RedisSettings): Redis {
  const options = {
    connectTimeout: 10_000,
    // A command fails at once while Redis is away, and the loop asks again: what is queued could not be ended.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // Sent again, a move whose answer was lost would move a second entry.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times: number) => Math.min(times * 100, MOST_PAUSE_MS),
  };
  return url === null ? new Redis({ ...options, host, port, db }) : new Redis(url, options);
}
