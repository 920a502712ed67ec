// The state of one running channel as the database shall know it: changes in order, alarms given once. Kept by channel-runner.ts.
import type { ChannelFacts } from '#database/channel-jobs.ts';
import {
  type ChannelFigures,
  type ChannelStatus,
  type LiveInputName,
  type LiveOutputState,
  mayFollow,
  NO_FIGURES,
} from '#domain/channel.ts';
import { type PlatformError, toFailure } from '#domain/error.ts';
import type { Lease, LiveContext, Settlement } from '#live/live-work.ts';

type Events = NonNullable<Settlement['events']>;

export class ChannelState {
  readonly #context: LiveContext;
  readonly #lease: Lease;
  readonly #onLost: () => void;
  readonly #generation: number;
  #facts: ChannelFacts & {
    status: ChannelStatus;
    retries: number;
    restarts: number;
    isDown: boolean;
    input: LiveInputName;
  };
  #runningSince: number | null = null;
  #going: Promise<void> = Promise.resolve();

  /** @param onLost another machine holds the channel now */
  constructor(
    context: LiveContext,
    options: {
      readonly lease: Lease;
      readonly restarts: number;
      readonly isDown: boolean;
      readonly generation: number;
      readonly onLost: () => void;
    },
  ) {
    this.#context = context;
    this.#lease = options.lease;
    this.#onLost = options.onLost;
    this.#generation = options.generation;
    this.#facts = {
      status: 'pending',
      retries: 0,
      restarts: options.restarts,
      isDown: options.isDown,
      input: 'primary',
    };
  }

  get status(): ChannelStatus {
    return this.#facts.status;
  }

  get retries(): number {
    return this.#facts.retries;
  }

  /** Counts a failed try; answers how many in a row. */
  countFailure(): number {
    this.#forgive();
    return this.#facts.retries + 1;
  }

  /** After a stable minute the count begins anew. */
  #forgive(): void {
    const { stable } = this.#context.pace;
    if (this.#runningSince === null || performance.now() - this.#runningSince < stable * 1000) return;
    this.#facts = { ...this.#facts, retries: 0 };
  }

  begin(): Promise<void> {
    return this.#write({
      status: 'pending',
      error: null,
      ffmpegPid: null,
      runningSince: null,
      endTime: null,
      retries: 0,
    });
  }

  /** A new FFmpeg, for an input. */
  spawned(pid: number | null, input: LiveInputName, isRestart: boolean): Promise<void> {
    const from = this.#facts.input;
    const restarts = this.#facts.restarts + (isRestart ? 1 : 0);
    const events: Events = input === from ? [] : [{ type: 'channel.failover', more: { from, to: input } }];
    return this.#write({ ffmpegPid: pid, input, restarts }, events);
  }

  /** Pictures flow. */
  running(): Promise<void> {
    if (this.#facts.status === 'running') return this.#going;
    this.#runningSince = performance.now();
    const isSlate = this.#facts.input === 'slate';
    const events: Events = [
      { type: 'channel.running' },
      ...(this.#facts.isDown && !isSlate ? [{ type: 'channel.recovered' as const }] : []),
      ...(!this.#facts.isDown && isSlate ? [{ type: 'channel.down' as const }] : []),
    ];
    return this.#write({ status: 'running', runningSince: new Date(), error: null, isDown: isSlate }, events);
  }

  /** No pictures, and another try to come. */
  retrying(error: PlatformError, retries: number): Promise<void> {
    this.#runningSince = null;
    const events: Events = [
      { type: 'channel.retrying' },
      ...(this.#facts.isDown ? [] : [{ type: 'channel.down' as const }]),
    ];
    const facts = { status: 'retrying', retries, error: toFailure(error), isDown: true } as const;
    return this.#write({ ...facts, ffmpegPid: null, runningSince: null, figures: NO_FIGURES }, events);
  }

  /** Nothing failed; a publisher is waited for, or another input is opened. */
  waiting(): Promise<void> {
    if (this.#facts.status === 'pending') return this.#going;
    this.#runningSince = null;
    const events: Events = this.#facts.status === 'running' && !this.#facts.isDown ? [{ type: 'channel.down' }] : [];
    return this.#write(
      { status: 'pending', ffmpegPid: null, runningSince: null, isDown: this.#facts.isDown || events.length > 0 },
      events,
    );
  }

  /** Another input is taken at once: what was on air is no longer. */
  switching(): void {
    this.#runningSince = null;
    if (this.#facts.status === 'running') void this.#write({ status: 'pending', ffmpegPid: null, runningSince: null });
  }

  /** It gave up. */
  failed(error: PlatformError, retries: number): Promise<void> {
    const events: Events = [
      { type: 'channel.error' },
      ...(this.#facts.isDown ? [] : [{ type: 'channel.down' as const }]),
    ];
    return this.#write({ status: 'error', retries, error: toFailure(error), isDown: true, ...this.#over() }, events);
  }

  /** It was stopped, or came to its end. */
  stopped(): Promise<void> {
    return this.#write({ status: 'stopped', error: null, isDown: false, retries: 0, ...this.#over() }, [
      { type: 'channel.stopped' },
    ]);
  }

  /** Given back: another machine, or the next start, goes on with it. */
  released(): Promise<void> {
    return this.#write({ status: 'pending', ffmpegPid: null, runningSince: null, figures: NO_FIGURES, outputs: [] });
  }

  /** Figures, and with them the state again: what the database missed it hears now. */
  report(figures: ChannelFigures, outputs: readonly LiveOutputState[], pid: number | null): Promise<void> {
    this.#forgive();
    const { status, retries, isDown, input } = this.#facts;
    return this.#write({ status, retries, isDown, input, figures, outputs, ffmpegPid: pid });
  }

  /** Resolves when all that was said is written. */
  async settled(): Promise<void> {
    await this.#going;
  }

  #over(): ChannelFacts {
    return {
      endsGeneration: this.#generation,
      ffmpegPid: null,
      runningSince: null,
      endTime: new Date(),
      figures: NO_FIGURES,
      outputs: [],
    };
  }

  #write(facts: ChannelFacts, events: Events = []): Promise<void> {
    const { status } = facts;
    if (status !== undefined && !mayFollow(this.#facts.status, status))
      this.#context.platform.log.warn({ from: this.#facts.status, to: status }, 'an odd change of a channel');
    this.#facts = {
      ...this.#facts,
      ...Object.fromEntries(Object.entries(facts).filter(([key]) => key in this.#facts)),
    };
    this.#going = this.#going.then(async () => {
      try {
        if ((await this.#context.work.settle(this.#lease, { facts, events })) === null) this.#onLost();
      } catch (error) {
        // The database is away for now; figures will tell the state again.
        this.#context.platform.log.warn({ err: error, channelJob: this.#lease.jobId }, 'a channel could not be noted');
      }
    });
    return this.#going;
  }
}
