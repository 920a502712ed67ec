// The inputs of one channel: the one to open, those that stand by, and which is ready to take another's place. One for the life of a runner.
import type { ChannelInput, ChannelSpec, LiveInputName } from '#domain/channel.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import { betterInputs, failoverOf, inputNamed, nextInput, patienceWith } from '#live/input-order.ts';
import type { LiveContext } from '#live/live-work.ts';
import { type LiveDoors, type OpenedInput, openInput } from '#live/open-input.ts';
import type { PublisherPlace } from '#live/resolve-input.ts';
import type { Waiting } from '#live/rtmp-server.ts';
import { Standby } from '#live/standby.ts';

export type InputsOptions = {
  readonly context: LiveContext;
  readonly doors: LiveDoors;
  readonly projectId: string;
  readonly spec: ChannelSpec;
  /** Of a picture of our own. */
  readonly picture: { readonly width: number; readonly height: number; readonly rate: number };
  readonly log: ChannelLog;
  /** Another input can be taken now. */
  readonly onReady: () => void;
};

/** Progress is told twice a second: less is no hole in an input that stands by. Seconds. */
const SHORTEST_HOLE = 1;
/** Seconds of pictures that are kept at most to fill the hole that a loss leaves; a piece of HLS comes at once. */
const MOST_KEPT = 3;
const KEPT_OF_HLS = 6;

export class ChannelInputs {
  readonly #options: InputsOptions;
  readonly #standbys = new Map<LiveInputName, Standby>();
  /** Where publishers are waited for. */
  readonly #places = new Map<LiveInputName, Waiting>();

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /**
   * Opens an input: what stands by is handed over as it is. @param seconds of pictures that are missing on air
   * @throws PlatformError `source_*`, `invalid_request`, `port_taken`, `conflict`
   */
  async open(name: LiveInputName, seconds: number): Promise<OpenedInput> {
    const { spec, picture } = this.#options;
    const standby = this.#standbys.get(name);
    this.#standbys.delete(name);
    const taken = standby?.take(seconds);
    if (taken) return taken;
    // Two processes must not stand at one port.
    await standby?.stop();
    const input = inputNamed(spec, name);
    if (input) return this.#open(name, input);
    const source = { kind: 'slate', look: spec.slate === 'bars' ? 'bars' : 'black', ...picture } as const;
    return { source, secrets: [], waiting: null, behind: 0, close: async () => undefined };
  }

  /** Lets all others stand by that could take the place of the one on air. */
  standBy(onAir: LiveInputName): void {
    const { spec, log, context, onReady } = this.#options;
    for (const name of ['primary', 'fallback'] as const) {
      const input = inputNamed(spec, name);
      const isBetter = betterInputs(spec, onAir).names.includes(name);
      if (name === onAir || !input || this.#standbys.has(name) || !(isBetter || isRemote(input))) continue;
      const isHls = input.inputType === 'hls';
      const kept = isHls ? KEPT_OF_HLS : Math.min(MOST_KEPT, failoverOf(spec, inputNamed(spec, onAir)));
      const standby = new Standby({
        ...{ context, name, log, onSound: onReady },
        onBack: (back) => void this.#standbys.set(name, back),
        open: () => this.#open(name, input),
        keepSeconds: isRemote(input) ? kept : null,
        holeSeconds: Math.max(SHORTEST_HOLE, failoverOf(spec, input)),
      });
      this.#standbys.set(name, standby);
      standby.start();
    }
  }

  /** What takes the place of an input that fails; null where nothing can. */
  next(name: LiveInputName): LiveInputName | null {
    return nextInput(this.#options.spec, name, (other) => this.#isReady(other));
  }

  /** A better input than the one on air that has been sound for its time. */
  better(onAir: LiveInputName): LiveInputName | null {
    const { names, stableSeconds } = betterInputs(this.#options.spec, onAir);
    return names.find((name) => (this.#standbys.get(name)?.soundSeconds ?? 0) >= stableSeconds) ?? null;
  }

  /** Seconds that an input may be silent. */
  patience(
    name: LiveInputName,
    { hadFrames, isLive }: { readonly hadFrames: boolean; readonly isLive: boolean },
  ): number {
    const { spec, context } = this.#options;
    const watchdog = context.platform.config.CHANNEL_WATCHDOG_SECONDS;
    return patienceWith(spec, { name, hadFrames, isLive, hasOther: this.next(name) !== null, watchdog });
  }

  async stop(): Promise<void> {
    const standbys = [...this.#standbys.values()];
    this.#standbys.clear();
    await Promise.all(standbys.map((standby) => standby.stop()));
    const places = [...this.#places.values()];
    this.#places.clear();
    await Promise.all(places.map((place) => place.close()));
  }

  /** What lies here can be opened at any time. */
  #isReady(name: LiveInputName): boolean {
    const input = inputNamed(this.#options.spec, name);
    const standby = this.#standbys.get(name);
    if (standby) return standby.soundSeconds > 0;
    return name === 'fallback' && input !== null && !isRemote(input);
  }

  #open(name: LiveInputName, input: ChannelInput): Promise<OpenedInput> {
    const { context, doors, projectId, picture } = this.#options;
    const { proxy } = doors;
    return openInput(context, { proxy, wait: (place) => this.#wait(name, place) }, { projectId, input, picture });
  }

  /** Between two runs its publisher may come, and must not be turned away: a place is kept for as long as the channel runs. */
  async #wait(name: LiveInputName, place: PublisherPlace): Promise<Waiting> {
    const waiting = this.#places.get(name) ?? (await this.#options.doors.desks.wait(place));
    this.#places.set(name, waiting);
    return waiting;
  }
}

/** It comes over a network, and must be called and listened to before it can be seen. */
const isRemote = ({ inputType }: ChannelInput): boolean => inputType !== 'file' && inputType !== 'test';
