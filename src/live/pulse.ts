// The signs of life of this machine and of all others, by which channels change hands: who may take whose, and when to let go of one's own. Kept by supervisor.ts.
import { BriefLine } from '#database/brief-line.ts';
import { listBeats, type MachineBeat, saveMachine } from '#database/live.ts';
import { Silence } from '#live/silence.ts';
import { declareSilent, isDeclaredSilent, withdrawSilence } from '#live/witness.ts';
import type { ManagedStore } from '#storage/managed.ts';

/** Seconds. A database that was away for all moves no channel: who runs it is heard again first. */
export type PulsePace = {
  readonly beat: number;
  /** That the database has for a connection, and for an answer. */
  readonly answer: number;
  /** Of silence on a database that answers, after which others say that they will take a machine's channels … */
  readonly warn: number;
  /** … and after which they do, if the machine had time to read it. */
  readonly dead: number;
  readonly notice: number;
  /** Since its last beat, from which on a machine asks storage whether it is missed. */
  readonly doubt: number;
  /** Without database and storage, after which a machine that is not alone lets go: it cannot be told. */
  readonly cutOff: number;
};

const PACE: PulsePace = { beat: 1, answer: 3, warn: 7, dead: 10, notice: 3, doubt: 3, cutOff: 7 };

export type PulseOptions = {
  readonly url: string;
  readonly self: Parameters<typeof saveMachine>[1];
  readonly storage: ManagedStore;
  /** CHANNEL_DETACHED_SECONDS */
  readonly detachedSeconds: number;
  /** Told once each time that this machine must end its channels. */
  readonly onLost: (reason: string) => void;
  readonly onError: (error: unknown) => void;
  /** A shorter one in tests. */
  readonly pace?: PulsePace;
};

export class Pulse {
  readonly #options: PulseOptions;
  readonly #pace: PulsePace;
  readonly #line: BriefLine;
  readonly #silence: Silence;
  /** What was said in storage, by machine; null while it is being said. */
  readonly #declared = new Map<string, { readonly beat: number; readonly at: number | null }>();
  #timers: NodeJS.Timeout[] = [];
  #beating: Promise<void> | null = null;
  #asking: Promise<void> | null = null;
  /** Of the last sign of life that the database confirmed. */
  #beat: number | null = null;
  #beatAt = seconds();
  /** When storage last said that nobody misses this machine. */
  #unmissedAt = Number.NEGATIVE_INFINITY;
  #dead: readonly MachineBeat[] = [];
  #isAlone = false;
  #isLost = false;
  #isAway = false;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#pace = options.pace ?? PACE;
    this.#line = new BriefLine(options.url, this.#pace.answer * 1000);
    this.#silence = new Silence(2 * this.#pace.beat);
  }

  /** Resolves after the first try. */
  async start(): Promise<void> {
    await this.#tick();
    const every = this.#pace.beat * 1000;
    this.#timers = [setInterval(() => void this.#tick(), every), setInterval(() => void this.#doubt(), every)];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([this.#beating, this.#asking]);
    this.#line.close();
  }

  /** Machines whose channels may be taken. */
  get dead(): readonly MachineBeat[] {
    return this.#dead;
  }

  /** Whether no other machine was there when the database was last asked. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** Whether the others hear of this machine: only then may it begin what nobody else runs. */
  get isHeard(): boolean {
    return this.#beat !== null && !this.#isLost && seconds() - this.#beatAt < this.#pace.warn;
  }

  #tick(): Promise<void> {
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async #beatOnce(): Promise<void> {
    const { self, onError, storage } = this.#options;
    try {
      const askedAt = seconds();
      const { beat, beats } = await this.#line.ask(async (db) => ({
        beat: await saveMachine(db, self),
        beats: await listBeats(db),
      }));
      const wasMissed = this.#beat !== null && askedAt - this.#beatAt > this.#pace.doubt;
      this.#beat = beat;
      // It was written some time after it was asked for.
      this.#beatAt = askedAt;
      this.#isLost = false;
      this.#isAway = false;
      this.#watch(beats.filter(({ id }) => id !== self.id));
      if (wasMissed) withdrawSilence(storage, self.id).catch(onError);
    } catch (error) {
      this.#silence.interrupt();
      this.#dead = [];
      if (!this.#isAway) onError(error);
      this.#isAway = true;
    }
  }

  #watch(others: readonly (MachineBeat & { readonly age: number })[]): void {
    const { warn, dead, notice } = this.#pace;
    const over = this.#options.detachedSeconds + dead;
    this.#silence.hear(others, seconds());
    const silent = this.#silence.atLeast(warn);
    for (const id of this.#declared.keys()) if (silent.every((machine) => machine.id !== id)) this.#declared.delete(id);
    for (const machine of silent) void this.#declare(machine);
    const isNoticed = ({ id, beat }: MachineBeat): boolean => {
      const said = this.#declared.get(id);
      return said?.beat === beat && said.at !== null && seconds() - said.at >= notice;
    };
    // Whoever was silent for longer than it may go on by itself has ended its channels, also if it lives.
    const isOver = ({ id }: MachineBeat): boolean => others.some((one) => one.id === id && one.age > over);
    this.#dead = this.#silence
      .atLeast(notice)
      .filter((one) => isOver(one) || one.seconds > over || (one.seconds >= dead && isNoticed(one)))
      .map(({ id, beat }) => ({ id, beat }));
    this.#isAlone = others.every(({ id }) => this.#dead.some((machine) => machine.id === id));
  }

  /** It can read it where it still runs its channels, although the database does not hear it. */
  async #declare(machine: MachineBeat): Promise<void> {
    const { id, beat } = machine;
    if (this.#declared.get(id)?.beat === beat) return;
    this.#declared.set(id, { beat, at: null });
    try {
      await declareSilent(this.#options.storage, machine);
      this.#declared.set(id, { beat, at: seconds() });
    } catch (error) {
      this.#declared.delete(id);
      this.#options.onError(error);
    }
  }

  #doubt(): Promise<void> {
    this.#asking ??= this.#judgeSelf().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** While the database does not hear: whether others take what runs here. */
  async #judgeSelf(): Promise<void> {
    const { storage, self, detachedSeconds } = this.#options;
    const beat = this.#beat;
    if (beat === null || this.#isLost || seconds() - this.#beatAt < this.#pace.doubt) return;
    if (this.#isAway && seconds() - this.#beatAt > detachedSeconds)
      return this.#lose(`PostgreSQL did not answer for ${detachedSeconds} seconds (CHANNEL_DETACHED_SECONDS)`);
    try {
      if (await isDeclaredSilent(storage, { id: self.id, beat }))
        return this.#lose('PostgreSQL does not hear this machine, and others do: they take its channels');
      this.#unmissedAt = seconds();
    } catch {
      const heardAt = Math.max(this.#beatAt, this.#unmissedAt);
      const { cutOff } = this.#pace;
      if (!this.#isAlone && seconds() - heardAt > cutOff)
        this.#lose(
          `Neither PostgreSQL nor managed storage answered for ${cutOff} seconds: others may run them already`,
        );
    }
  }

  #lose(reason: string): void {
    this.#isLost = true;
    this.#options.onLost(reason);
  }
}

/** Of a clock that never goes back. */
const seconds = (): number => performance.now() / 1000;
