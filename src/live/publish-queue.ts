// Stores what a channel makes and then makes it known, in order, however storage and database behave. One for the life of a runner; fed by moments.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionLoss } from '#database/connection-loss.ts';
import type { LiveMoment, MomentPlace } from '#database/live.ts';
import { PlatformError, toPlatformError } from '#domain/error.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import type { ManagedStore } from '#storage/managed.ts';

export type Publishing = {
  readonly objects: readonly { readonly key: string; readonly bytes: Buffer; readonly contentType: string }[];
  readonly moment: MadeMoment;
  /** Makes it known, also when asked again; null where nobody shall hear of it any more: then its objects are removed. */
  announce(moment: MadeMoment): Promise<MomentPlace | null>;
};

type MadeMoment = Omit<LiveMoment, keyof MomentPlace>;

export type PublishOptions = {
  readonly storage: ManagedStore;
  readonly log: Pick<ChannelLog, 'write'>;
  readonly onError: (error: unknown) => void;
  /** What is stored and could not be made known yet, under the numbers it will have; nothing once it is. */
  readonly onAhead: (moments: readonly LiveMoment[]) => void;
  readonly pace?: PublishPace;
};

/** Milliseconds. */
export type PublishPace = {
  /** One try of one object. */
  readonly tryLimit: number;
  readonly pause: number;
  /** What storage has not taken by then is of no use to anybody who watches live. */
  readonly patience: number;
  /** The same of what is stored and the database has not heard of. */
  readonly unheard: number;
  /** The database has so long for an answer before players are told without it; at the end it has no longer. */
  readonly answer: number;
};

export const PACE: PublishPace = { tryLimit: 10_000, pause: 500, patience: 60_000, unheard: 300_000, answer: 2000 };
/** Bytes that may wait for storage, or a bucket that cannot be reached would fill the memory. */
const MOST_BYTES = 64 * 1024 ** 2;
/** Stored beside each other: what has waited is caught up with, and a bucket far away keeps pace. */
const AT_ONCE = 3;
/** Milliseconds. */
const STUCK = 10_000;

type Waiting = Pick<Publishing, 'moment' | 'announce'> & {
  readonly keys: readonly string[];
  readonly since: number;
  /** What came before it was left out. */
  readonly followsLeftOut: boolean;
  state: 'storing' | 'stored' | 'lost';
};

export class PublishQueue {
  readonly #options: PublishOptions;
  readonly #pace: PublishPace;
  readonly #stopping = new AbortController();
  /** After that not even an answer is waited for. */
  readonly #over = new AbortController();
  readonly #entering: (() => void)[] = [];
  #storing = 0;
  #bytes = 0;
  #isFull = false;
  #hasGap = false;
  /** Objects that were refused and are tried again. */
  #refused = 0;
  #trouble: { readonly error: PlatformError; readonly since: number } | null = null;
  #known = 0;
  /** Of the last one that was made known. */
  #place: MomentPlace | null = null;
  /** What was added and is not known, in order. */
  readonly #line: Waiting[] = [];
  /** performance.now() from when on the database did not hear. */
  #unheardSince: number | null = null;
  #going: Promise<void> = Promise.resolve();

  constructor(options: PublishOptions) {
    this.#options = options;
    this.#pace = options.pace ?? PACE;
  }

  /** Why storage does not take what is made, while it does not. */
  get trouble(): PlatformError | null {
    return this.#trouble?.error ?? null;
  }

  /** The same, once it has been so for longer than those who watch can wait. */
  get stuck(): PlatformError | null {
    const isLong = this.#trouble !== null && performance.now() - this.#trouble.since > STUCK;
    return isLong ? this.trouble : null;
  }

  /** How many were made known. */
  get known(): number {
    return this.#known;
  }

  /** Never waits. */
  add(publishing: Publishing): void {
    const bytes = publishing.objects.reduce((sum, object) => sum + object.bytes.length, 0);
    if (this.#bytes > 0 && this.#bytes + bytes > MOST_BYTES) {
      if (!this.#isFull)
        this.#options.onError(new Error('storage is too slow for this channel: segments are left out'));
      this.#isFull = true;
      return;
    }
    // What comes after something that was left out does not join on to what came before it.
    const followsLeftOut = this.#isFull;
    this.#isFull = false;
    this.#bytes += bytes;
    const { moment, announce, objects } = publishing;
    const keys = objects.map(({ key }) => key);
    const waiting: Waiting = { moment, announce, keys, followsLeftOut, since: performance.now(), state: 'storing' };
    this.#line.push(waiting);
    // Judged below, when it is its turn.
    const stored = this.#store(publishing).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    const settled = stored.then((failure) => {
      waiting.state = failure ? 'lost' : 'stored';
      this.#bytes -= bytes;
      this.#showAhead();
      return failure;
    });
    this.#going = this.#going.then(async () => this.#announce(waiting, await settled));
  }

  /** Resolves when all that was added is known, or given up after so many milliseconds. */
  async end(patience: number): Promise<void> {
    const timers = [
      setTimeout(() => this.#stopping.abort(), patience),
      setTimeout(() => this.#over.abort(), patience + this.#pace.answer),
    ];
    await this.#going;
    for (const timer of timers) clearTimeout(timer);
  }

  async #announce(waiting: Waiting, failure: { readonly error: unknown } | null): Promise<void> {
    try {
      if (failure) throw failure.error;
      const place = await this.#tell(waiting, placed(waiting, this.#hasGap));
      this.#hasGap = false;
      if (place) {
        this.#known += 1;
        this.#place = place;
      } else for (const key of waiting.keys) await this.#options.storage.remove(key);
    } catch (error) {
      // What of it was stored nobody names: the janitor removes it.
      this.#hasGap = true;
      if (!this.#stopping.signal.aborted) this.#options.onError(error);
    } finally {
      this.#line.shift();
      this.#showAhead();
      if (this.#line.length === 0) this.#unheardSince = null;
    }
  }

  /** Once more and once more, while the database is away. */
  async #tell({ announce, since }: Waiting, moment: MadeMoment): Promise<MomentPlace | null> {
    const { signal } = this.#stopping;
    for (let tries = 1; ; tries++) {
      // A line to a server that is gone says nothing at all, for a while.
      const late = setTimeout(() => {
        this.#unheardSince ??= performance.now();
        this.#showAhead();
      }, this.#pace.answer);
      try {
        const place = await unlessAborted(announce(moment), this.#over.signal);
        if (tries > 1) this.#options.log.write('database', `hears of segments again, ${secondsSince(since)} s later`);
        return place;
      } catch (error) {
        const isOver = signal.aborted || performance.now() - since > this.#pace.unheard;
        if (!isConnectionLoss(error) || isOver) throw error;
        if (this.#unheardSince === null) this.#options.onError(error);
        this.#unheardSince ??= performance.now();
        this.#showAhead();
        await sleep(this.#pace.pause, undefined, { signal });
      } finally {
        clearTimeout(late);
      }
    }
  }

  /** While the database does not hear, players are told what it will be told: numbers follow from the order. */
  #showAhead(): void {
    if (this.#unheardSince === null || !this.#place) return;
    const moments: LiveMoment[] = [];
    let { sequence, discontinuities } = this.#place;
    let hasGap = this.#hasGap;
    for (const waiting of this.#line) {
      if (waiting.state === 'storing') break;
      if (waiting.state === 'stored') {
        const moment = placed(waiting, hasGap);
        sequence += 1;
        discontinuities += moment.isBreak ? 1 : 0;
        moments.push({ ...moment, sequence, discontinuities });
      }
      hasGap = waiting.state === 'lost';
    }
    this.#options.onAhead(moments);
  }

  async #store({ objects }: Publishing): Promise<void> {
    const deadline = performance.now() + this.#pace.patience;
    await this.#enter();
    try {
      await Promise.all(objects.map((object) => this.#write(object, deadline)));
    } finally {
      this.#storing -= 1;
      this.#entering.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    if (this.#storing >= AT_ONCE) await new Promise<void>((resolve) => this.#entering.push(resolve));
    this.#storing += 1;
  }

  /** Once more and once more, for as long as it is of use. */
  async #write(object: Publishing['objects'][number], deadline: number): Promise<void> {
    const { signal } = this.#stopping;
    let isRefused = false;
    try {
      for (;;) {
        const error = await this.#try(object);
        if (error === null) break;
        if (signal.aborted || performance.now() + this.#pace.pause > deadline) throw error;
        if (!isRefused) this.#refuse(error);
        isRefused = true;
        await sleep(this.#pace.pause, undefined, { signal });
      }
    } finally {
      if (isRefused) this.#refused -= 1;
    }
    this.#recover();
  }

  /** Why it was not taken. */
  async #try({ key, bytes, contentType }: Publishing['objects'][number]): Promise<unknown> {
    this.#stopping.signal.throwIfAborted();
    const { tryLimit } = this.#pace;
    const slow = AbortSignal.timeout(tryLimit);
    const signal = AbortSignal.any([this.#stopping.signal, slow]);
    try {
      await this.#options.storage.write(key, bytes, { contentType, size: bytes.length, signal });
      return null;
    } catch (error) {
      return slow.aborted ? tooSlow(key, tryLimit) : error;
    }
  }

  /** Told once, however many wait. */
  #refuse(error: unknown): void {
    this.#refused += 1;
    if (this.#trouble) return;
    this.#trouble = { error: toPlatformError(error), since: performance.now() };
    this.#options.onError(error);
  }

  /** One was taken: if that is all there was, storage is back. */
  #recover(): void {
    if (this.#refused > 0 || !this.#trouble) return;
    const seconds = secondsSince(this.#trouble.since);
    this.#trouble = null;
    this.#options.log.write('storage', `takes segments again, after ${seconds} s`);
  }
}

async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const tooSlow = (key: string, limit: number): PlatformError =>
  new PlatformError('storage_failed', `Storage did not take ${key} within ${limit / 1000} seconds`);

const secondsSince = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

const placed = ({ moment, followsLeftOut }: Waiting, hasGap: boolean): MadeMoment => ({
  ...moment,
  isBreak: moment.isBreak || followsLeftOut || hasGap,
});
