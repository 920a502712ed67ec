// Makes what is so equal to what is wanted, on this machine: claims channels nobody holds, runs them, gives them back. Started by start-live.ts.
import { readlinkSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import {
  claimChannelJob,
  type Lease,
  listChannelJobs,
  listFreeChannelJobs,
  releaseLease,
} from '#database/channel-jobs.ts';
import { isClosed, listChannels } from '#database/channels.ts';
import { deleteMachine, listMachines } from '#database/live.ts';
import type { Channel, ChannelJob } from '#domain/channel.ts';
import { channelCost } from '#domain/channel-cost.ts';
import { PlatformError } from '#domain/error.ts';
import { ChannelRunner } from '#live/channel-runner.ts';
import { ChannelState } from '#live/channel-state.ts';
import type { LiveContext } from '#live/live-work.ts';
import { sweepMoments } from '#live/moments.ts';
import type { LiveDoors } from '#live/open-input.ts';
import { Pulse } from '#live/pulse.ts';
import { dueIn } from '#live/schedule.ts';

/** Milliseconds between looks; orders are heard at once. */
const TICK_MS = 1000;
const SWEEP_MS = 5000;
/** Minutes back that times are made up for, after a stop. */
const CATCH_UP = 10;

type Ending = 'stopped' | 'released' | 'anew' | 'gone' | 'over';

export class Supervisor {
  readonly #context: LiveContext;
  readonly #doors: LiveDoors;
  readonly #runners = new Map<number, ChannelRunner>();
  /** Channels that are just being ended. */
  readonly #ending = new Map<number, Promise<void>>();
  #timers: NodeJS.Timeout[] = [];
  #ticking: Promise<void> | null = null;
  #isAsked = false;
  #isStopping = false;
  readonly #pulse: Pulse;
  #checkedAt = new Date();

  constructor(context: LiveContext, doors: LiveDoors) {
    this.#context = context;
    this.#doors = doors;
    const { database, storage, config } = context.platform;
    this.#pulse = new Pulse({
      ...{ url: database.url, self: this.#self(), storage, detachedSeconds: config.CHANNEL_DETACHED_SECONDS },
      onLost: (reason) => this.#letGo(reason),
      onError: (error) => this.#warn(error),
    });
  }

  async start(): Promise<void> {
    await this.#context.work.sweepMachine();
    await this.#takeOver();
    await this.#pulse.start();
    await this.look();
    this.#timers = [
      setInterval(() => void this.look(), TICK_MS),
      setInterval(() => void sweepMoments(this.#context).catch((error) => this.#warn(error)), SWEEP_MS),
    ];
  }

  /** Looks at all rows, now or right after the look that goes on. */
  look(): Promise<void> {
    this.#isAsked = true;
    this.#ticking ??= this.#looks().finally(() => {
      this.#ticking = null;
    });
    return this.#ticking;
  }

  /** Ends all FFmpegs; the channels are wanted as before, and go on elsewhere or at the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#ticking;
    await Promise.all([...this.#runners.values()].map((runner) => this.#end(runner, 'released')));
    await Promise.all(this.#ending.values());
    // To the end: who ends is not silent.
    await this.#pulse.stop();
    await deleteMachine(this.#context.platform.database.db, this.#id);
  }

  get #id(): string {
    return this.#context.platform.workerId;
  }

  async #looks(): Promise<void> {
    while (this.#isAsked && !this.#isStopping) {
      this.#isAsked = false;
      try {
        await this.#lookOnce();
      } catch (error) {
        this.#warn(error);
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const { db } = this.#context.platform.database;
    const [own, free, channels] = await Promise.all([
      listChannelJobs(db, { projectId: null, machineId: this.#id }),
      listFreeChannelJobs(db, this.#pulse.dead),
      listChannels(db, { projectId: null }, this.#context.platform.showing),
    ]);
    const byId = new Map(channels.map((channel) => [channel.id, channel]));
    for (const channel of channels.filter(isClosed)) {
      byId.delete(channel.id);
      if (free.some(({ channelId }) => channelId === channel.id)) this.#warn(closed(channel));
    }
    for (const runner of [...this.#runners.values()]) {
      const job = own.find(({ id, lease }) => id === runner.job.id && lease === runner.lease.lease);
      this.#compare(runner, job, byId.get(runner.channel.id));
    }
    for (const job of own) if (!this.#isBusy(job.channelId)) await this.#adopt(job, byId.get(job.channelId));
    for (const job of free) await this.#claim(job, byId);
    await this.#keepTimes(channels, new Date());
  }

  #isBusy(channelId: number): boolean {
    return this.#runners.has(channelId) || this.#ending.has(channelId);
  }

  #compare(runner: ChannelRunner, job: ChannelJob | undefined, channel: Channel | undefined): void {
    const slug = channel?.slug ?? null;
    if (!job || !channel) void this.#end(runner, 'gone', slug);
    else if (!job.wanted) void this.#end(runner, 'stopped', slug);
    else if (!this.#mayRun(channel)) void this.#end(runner, 'released', slug);
    else if (job.generation !== runner.job.generation || channel.revision !== runner.channel.revision)
      void this.#end(runner, 'anew', slug);
  }

  /** A row of ours that nothing runs for: just started anew, or stopped before it ran. */
  async #adopt(job: ChannelJob, channel: Channel | undefined): Promise<void> {
    if (!channel || this.#isStopping || !this.#pulse.isHeard) return;
    if (job.wanted) this.#run(channel, job, false);
    else {
      const lease = this.#leaseOf(job);
      if (job.status !== 'stopped' && job.status !== 'error') await this.#stateOf(job).stopped();
      await releaseLease(this.#context.platform.database.db, lease);
    }
  }

  async #claim(job: ChannelJob, channels: ReadonlyMap<number, Channel>): Promise<void> {
    const channel = channels.get(job.channelId);
    if (!channel || this.#isStopping || !this.#pulse.isHeard) return;
    if (this.#isBusy(job.channelId) || !this.#mayRun(channel) || !this.#fits(channel)) return;
    const { db } = this.#context.platform.database;
    const { dead } = this.#pulse;
    const claimed = await claimChannelJob(db, { jobId: job.id, machineId: this.#id, dead });
    if (claimed) this.#run(channel, claimed, job.machineId !== null);
  }

  #mayRun({ spec }: Channel): boolean {
    return spec.pinnedTo === null || spec.pinnedTo.toLowerCase() === hostname().toLowerCase();
  }

  #fits(channel: Channel): boolean {
    const share = this.#context.platform.config.LIVE_CPU_PERCENT / 100;
    if (share === 0 || this.#runners.size === 0) return true;
    const used = [...this.#runners.values()].reduce((sum, runner) => sum + this.#costOf(runner.channel), 0);
    return used + this.#costOf(channel) <= availableParallelism() * share;
  }

  #costOf(channel: Channel): number {
    const { hwaccel } = channel.spec;
    const { hardware } = this.#context.platform.tool;
    return channelCost(
      channel,
      hardware.some(({ kind }) => hwaccel === 'auto' || hwaccel === kind),
    );
  }

  /** @param isTakenOver from a machine that nobody has heard of since */
  #run(channel: Channel, job: ChannelJob, isTakenOver: boolean): void {
    const runner = new ChannelRunner({
      context: this.#context,
      doors: this.#doors,
      channel,
      job,
      lease: this.#leaseOf(job),
      isTakenOver,
    });
    this.#runners.set(channel.id, runner);
    void runner.done.then(() => {
      // It ended by itself: its last words are written, and nobody holds it any more.
      if (this.#runners.get(channel.id) === runner) void this.#end(runner, 'over');
    });
  }

  /** Ends a runner and says what became of it. @param slug what the channel is called from now on; null where it was deleted */
  #end(runner: ChannelRunner, how: Ending, slug: string | null = runner.channel.slug): Promise<void> {
    const { channel, lease } = runner;
    const going = this.#ending.get(channel.id);
    if (going) return going;
    this.#runners.delete(channel.id);
    const ending = (async () => {
      try {
        await runner.stop();
        if (how === 'stopped') await runner.state.stopped();
        else if (how === 'released' || how === 'anew') await runner.state.released();
        if (slug !== channel.slug && !this.#isSlugTaken(channel.slug))
          await this.#context.work.moveLogs(channel.slug, slug);
        if (how !== 'gone' && how !== 'anew') await releaseLease(this.#context.platform.database.db, lease);
      } catch (error) {
        this.#warn(error);
      } finally {
        this.#ending.delete(channel.id);
        if (!this.#isStopping) void this.look();
      }
    })();
    this.#ending.set(channel.id, ending);
    return ending;
  }

  /** A new channel may bear the name already. */
  #isSlugTaken(slug: string): boolean {
    return [...this.#runners.values()].some(({ channel }) => channel.slug === slug);
  }

  #leaseOf(job: ChannelJob): Lease {
    return { jobId: job.id, machineId: this.#id, lease: job.lease };
  }

  #stateOf(job: ChannelJob): ChannelState {
    const { restarts, isDown, generation } = job;
    return new ChannelState(this.#context, {
      lease: this.#leaseOf(job),
      restarts,
      isDown,
      generation,
      onLost: () => undefined,
    });
  }

  #self() {
    const cores = availableParallelism();
    return { id: this.#id, hostname: hostname(), mark: this.#context.work.mark, namespace: processNamespace(), cores };
  }

  /** What a process of this host left behind is ours at once: nobody waits for its silence to be long enough. */
  async #takeOver(): Promise<void> {
    const { db } = this.#context.platform.database;
    const self = this.#self();
    for (const machine of await listMachines(db, CATCH_UP * 60)) {
      const isOfHere = machine.hostname === self.hostname && machine.namespace === self.namespace;
      if (machine.id !== self.id && !(isOfHere && !this.#context.work.isMarkAlive(machine.mark))) continue;
      if (machine.beatAt < this.#checkedAt) this.#checkedAt = machine.beatAt;
      await deleteMachine(db, machine.id);
    }
  }

  /** Others run them now, or may: see Pulse. */
  #letGo(reason: string): void {
    this.#warn(new Error(reason));
    for (const runner of [...this.#runners.values()]) {
      runner.note(reason);
      void this.#end(runner, 'gone');
    }
  }

  async #keepTimes(channels: readonly Channel[], now: Date): Promise<void> {
    const span = { after: this.#checkedAt, until: now };
    this.#checkedAt = now;
    for (const channel of channels) {
      const due = dueIn(channel, span);
      if (due === null) continue;
      const [job] = await listChannelJobs(this.#context.platform.database.db, {
        projectId: null,
        channelId: channel.id,
      });
      if (!job) continue;
      try {
        await this.#context.work[due]({ projectId: job.projectId, jobId: job.id });
      } catch (error) {
        // It is so already, or another machine was quicker.
        if (!(error instanceof PlatformError && error.code === 'conflict')) this.#warn(error);
      }
    }
  }

  #warn(error: unknown): void {
    this.#context.platform.log.warn({ err: error }, 'live supervisor');
  }
}

const closed = ({ name }: Channel): PlatformError =>
  new PlatformError(
    'wrong_key',
    `Channel ${name} waits: its addresses were sealed under a key that SECRET_KEY does not name`,
  );

/** Marks name processes by number, and numbers mean something inside one namespace only. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: there is one.
    return '';
  }
}
