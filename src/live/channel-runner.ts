// Runs one channel for as long as it is wanted here: FFmpeg started, watched, started anew, its inputs changed, its outputs fed. Started and stopped by supervisor.ts.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelJob, LIVE_INPUTS, type LiveInputName } from '#domain/channel.ts';
import { channelLogPath } from '#domain/channel-log.ts';
import { isListening } from '#domain/channel-rules.ts';
import { blot, secretsOf } from '#domain/channel-target.ts';
import { type PlatformError, toPlatformError } from '#domain/error.ts';
import { ChannelInputs } from '#live/channel-inputs.ts';
import { ChannelLog } from '#live/channel-log.ts';
import { ChannelOutputs } from '#live/channel-outputs.ts';
import { ChannelState } from '#live/channel-state.ts';
import { EncoderRun, type Outcome } from '#live/encoder-run.ts';
import { inputNamed, ownPicture } from '#live/input-order.ts';
import type { Lease, LiveContext } from '#live/live-work.ts';
import { LogCopy } from '#live/log-copy.ts';
import type { LiveDoors, OpenedInput } from '#live/open-input.ts';
import { PlanFitter } from '#live/plan-fitter.ts';
import { exhausted, hasPublisherLeft, MOST_RETRIES, nothing, reasonOf } from '#live/run-outcome.ts';
import { RunOutput } from '#live/run-output.ts';
import { renderNodeFor } from '#media/capabilities.ts';
import { liveCommand } from '#media/command/live.ts';
import { type LivePlan, planLive } from '#media/live-plan.ts';

export type RunnerOptions = {
  readonly context: LiveContext;
  readonly doors: LiveDoors;
  readonly channel: Channel;
  readonly job: ChannelJob;
  readonly lease: Lease;
  /** From a machine that fell silent: what it held may take its time to let go. */
  readonly isTakenOver: boolean;
};

const TICK_MS = 500;
/** Every ten seconds the end of the log is left where other machines find it. */
const LOG_COPY_TICKS = 20;
/** Clocks of MPEG-TS begin here, so that what comes before the first picture has a positive time. Seconds. */
const FIRST_TIME = 10;
/** Seconds between the last picture of a run and the first of the next at the least: two never get the same time. */
const APART = 0.2;
/** Milliseconds after an order; a channel that nobody started just now goes on after a restart, or comes from another machine. */
const JUST_ORDERED = 60_000;
/** Seconds; what ends earlier was no good, whatever it showed. */
const SHORTEST_RUN = 5;

export class ChannelRunner {
  readonly channel: Channel;
  readonly job: ChannelJob;
  readonly lease: Lease;
  /** Resolves when nothing of it runs any more. */
  readonly done: Promise<void>;
  readonly #context: LiveContext;
  readonly #plan: LivePlan;
  readonly #plans: PlanFitter;
  readonly #inputs: ChannelInputs;
  readonly #log: ChannelLog;
  readonly #logCopy: LogCopy;
  readonly #state: ChannelState;
  readonly #outputs: ChannelOutputs;
  readonly #stopping = new AbortController();
  readonly #began = performance.now();
  #run: EncoderRun | null = null;
  #onAir: LiveInputName = 'primary';
  #switchTo: LiveInputName | null = null;
  #fatal: PlatformError | null = null;
  /** It was on air since it was started: what cannot be now could be then (a camera that boots, a network that comes up), and may pass. */
  #hasRun: boolean;
  /** performance.now() until which it is never given up: the machine before may still hold input or receivers, as long as it may go on. */
  #patientUntil: number;
  /** Runs one after the other of which none was any good. */
  #barren = 0;
  /** Aborted where another input can be taken while the next try is waited for. */
  #waking = new AbortController();
  #latest = 0;
  /** Time of day, ms. */
  #shownUntil = 0;
  #runs = 0;
  #ticks = 0;
  /** The last run has given away all it made. */
  #flushed: Promise<void> = Promise.resolve();

  constructor({ context, doors, channel, job, lease, isTakenOver }: RunnerOptions) {
    this.channel = channel;
    this.job = job;
    this.lease = lease;
    this.#context = context;
    const { config, tool } = context.platform;
    this.#patientUntil = isTakenOver ? performance.now() + config.CHANNEL_DETACHED_SECONDS * 1000 : 0;
    this.#plan = planLive(channel, tool);
    this.#log = new ChannelLog(join(config.DATA_DIR, channelLogPath(channel.slug)));
    this.#logCopy = new LogCopy(context, channel.id, this.#log);
    this.#plans = new PlanFitter(this.#plan, (reason) => this.#log.write('channel', reason));
    this.#inputs = new ChannelInputs({
      ...{
        context,
        doors,
        projectId: channel.projectId,
        spec: channel.spec,
        picture: ownPicture(this.#plan),
        log: this.#log,
      },
      onReady: () => this.#waking.abort(),
    });
    const { restarts, isDown, generation, startTime } = job;
    this.#hasRun = startTime !== null && Date.now() - startTime.getTime() > JUST_ORDERED;
    this.#state = new ChannelState(context, {
      lease,
      restarts,
      isDown,
      generation,
      onLost: () => this.#stopping.abort(),
    });
    this.#outputs = new ChannelOutputs({
      ...{ context, channel, lease, plan: this.#plan, log: this.#log, recordings: doors.recordings },
      onError: (error) => this.#warn(error),
    });
    this.done = this.#live();
  }

  /** Ends everything; resolves when nothing runs any more. What is written about it is the caller's to say. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#run?.stop();
    await this.done;
  }

  /** A line of its log. */
  note(line: string): void {
    this.#log.write('channel', line);
  }

  get state(): ChannelState {
    return this.#state;
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    this.#outputs.recorder?.recover();
    await this.#state.begin();
    const ticks = setInterval(() => this.#tick(), TICK_MS);
    try {
      let input: LiveInputName | null = 'primary';
      while (input !== null && !signal.aborted) {
        const outcome = await this.#runOnce(input);
        if (!signal.aborted) input = await this.#decide(input, outcome);
      }
    } catch (error) {
      // A defect of ours: the channel ends with its reason, the others go on.
      this.#context.platform.log.error({ err: error, channel: this.channel.id }, 'a channel broke');
      if (!signal.aborted) await this.#state.failed(toPlatformError(error), this.#state.retries);
    } finally {
      clearInterval(ticks);
      this.#stopping.abort();
      await Promise.all([this.#outputs.stop(), this.#inputs.stop()]);
      await this.#state.settled();
      await Promise.all([this.#log.flush(), this.#logCopy.copy()]);
    }
  }

  /** One FFmpeg on one input, to its end. */
  async #runOnce(name: LiveInputName): Promise<Outcome> {
    const { signal } = this.#stopping;
    let opened: OpenedInput | null = null;
    try {
      opened = await this.#inputs.open(name, this.#missing());
      if (signal.aborted) return nothing('stopped');
      this.#log.hide(opened.secrets);
      const run = this.#start(name, opened);
      this.#onAir = name;
      this.#run = run;
      // The channel's own command stands first in the log.
      if (this.#runs === 1) this.#outputs.startPushing();
      this.#inputs.standBy(name);
      await this.#state.spawned(run.child.pid, name, this.#runs > 1);
      if (signal.aborted) await run.stop();
      return await run.outcome;
    } catch (error) {
      this.#inputs.standBy(name);
      const failure = toPlatformError(error);
      return { ...nothing('failed'), error: failure, isPermanent: !failure.retryable };
    } finally {
      this.#run = null;
      await this.#flushed;
      await opened?.close();
    }
  }

  /** Seconds since the first run began. */
  #elapsed(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Seconds of pictures that viewers have missed by now. */
  #missing(): number {
    return this.#latest > 0 ? Math.max(0, FIRST_TIME + this.#elapsed() - this.#latest) : 0;
  }

  #start(name: LiveInputName, opened: OpenedInput): EncoderRun {
    const { config, tool } = this.#context.platform;
    this.#runs += 1;
    // Time goes on where the run before ended, also where that one ran ahead.
    const offset = Math.max(FIRST_TIME + this.#elapsed() - opened.behind, this.#latest + APART);
    const plan = this.#plans.planFor(name);
    const renderNode = renderNodeFor(tool, this.channel.id);
    const args = liveCommand({ source: opened.source, plan, offset, threads: config.ENCODE_THREADS, renderNode });
    const output = new RunOutput({
      ...{ context: this.#context, lease: this.lease, channel: this.channel, plan, outputs: this.#outputs },
      beganAt: opened.behind > 0 ? Date.now() - opened.behind * 1000 : null,
      ...{ after: this.#shownUntil, offset, watchdog: config.CHANNEL_WATCHDOG_SECONDS },
      onError: (error) => this.#warn(error),
    });
    const run = new EncoderRun({
      context: this.#context,
      args,
      log: this.#log,
      hasStdin: opened.waiting !== null,
      sinks: plan.renditions.map((_, i) => (bytes) => {
        output.push(i, bytes);
        this.#latest = Math.max(this.#latest, output.latest);
      }),
      pieces: () => output.pieces,
      patience: (hadFrames) => {
        const problem = output.problem();
        if (problem) run.fail(problem);
        else if (this.#plans.wait(name, output.uncut)) this.#beginAgain(name);
        return this.#inputs.patience(name, { hadFrames, isLive: opened.waiting?.isLive ?? false });
      },
      onPicture: () => this.#judge(),
      onFacts: (facts) => {
        if (this.#plans.hear(name, facts)) this.#beginAgain(name);
      },
    });
    const { stdin } = run.child;
    if (stdin) opened.waiting?.attach(stdin);
    this.#flushed = run.outcome.then(({ isWhole }) => {
      // What a killed run left half done has no end that all renditions share.
      if (isWhole) output.flush();
      this.#shownUntil = output.endsAt;
    });
    return run;
  }

  /** The same input with another plan. */
  #beginAgain(name: LiveInputName): void {
    this.#switchTo ??= name;
    this.#run?.child.kill();
  }

  /** What comes next; null where nothing does. */
  async #decide(name: LiveInputName, outcome: Outcome): Promise<LiveInputName | null> {
    const wished = this.#switchTo;
    this.#switchTo = null;
    if (this.#fatal) {
      await this.#state.failed(this.#fatal, Math.min(this.#state.retries, MOST_RETRIES));
      return null;
    }
    if (wished !== null) {
      const what = wished === name ? 'is begun anew with another plan' : `is taken instead of ${name}`;
      this.#log.write('input', `${wished} ${what}`);
      this.#state.switching();
      return wished;
    }
    const input = inputNamed(this.channel.spec, name);
    if (outcome.kind === 'ended' && input?.inputType === 'file' && !input.inputLoop) {
      this.#log.write('input', 'the file has come to its end');
      await this.#state.stopped();
      return null;
    }
    const error = outcome.error ?? reasonOf(outcome, this.#context.platform.config.CHANNEL_WATCHDOG_SECONDS);
    // FFmpeg names its input in full, with the passphrase.
    if (input?.inputUrl) error.message = blot(error.message, secretsOf(input.inputUrl));
    this.#log.write('input', `${name}: ${error.message}`);
    const isDevice = error.code === 'hardware_failed' && this.#plans.leaveDevice();
    const next = isDevice ? name : this.#inputs.next(name);
    this.#barren = outcome.hadFrames && outcome.seconds > SHORTEST_RUN ? 0 : this.#barren + 1;
    // Another input stands ready: no time is lost, and nothing is counted while one works.
    if (next !== null && this.#barren < LIVE_INPUTS.length) {
      this.#state.switching();
      return next;
    }
    // Publishers come and go: that is no failure.
    if (input && isListening(input) && hasPublisherLeft(outcome)) {
      await this.#state.waiting();
      return name;
    }
    return this.#retry(outcome, error);
  }

  async #retry(outcome: Outcome, error: PlatformError): Promise<LiveInputName | null> {
    const retries = this.#state.countFailure();
    // What can never work is no reason to end where it did work before, or where a second input may.
    const isPermanent = outcome.isPermanent && !this.#hasRun && this.channel.spec.fallbackInput === null;
    if (!this.#isPatient() && (isPermanent || retries > MOST_RETRIES)) {
      this.#log.write('channel', `given up after ${retries - 1} retries: ${error.message}`);
      await this.#state.failed(isPermanent ? error : exhausted(error), Math.min(retries - 1, MOST_RETRIES));
      return null;
    }
    // What hung was waited for long enough.
    const isHung = outcome.kind === 'silent' || outcome.kind === 'frozen';
    const { delay: after } = this.#context.pace;
    const delay = isHung ? (retries === 1 ? 0 : after(retries - 1)) : after(retries);
    await this.#state.retrying(error, retries);
    this.#log.write(
      'channel',
      `retry ${retries}${this.#isPatient() ? '' : ` of ${MOST_RETRIES}`} in ${delay.toFixed(1)} s`,
    );
    this.#waking = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, this.#waking.signal]);
    await sleep(delay * 1000, undefined, { signal }).catch(() => undefined);
    return this.#inputs.next('primary') ?? 'primary';
  }

  #isPatient(): boolean {
    return performance.now() < this.#patientUntil;
  }

  /** Whether the channel runs, now. */
  #judge(): void {
    const run = this.#run;
    const isFlowing = run?.hadFrames === true && run.child.isAlive() && !this.#stopping.signal.aborted;
    if (isFlowing && this.#outputs.isDelivering) {
      this.#hasRun = true;
      this.#patientUntil = 0;
      void this.#state.running();
    } else if (isFlowing) this.#judgeOutputs();
  }

  #tick(): void {
    this.#judge();
    if (this.#stopping.signal.aborted) return;
    const run = this.#run;
    // A better input was sound for its time: it comes back.
    const better = run && this.#switchTo === null ? this.#inputs.better(this.#onAir) : null;
    if (run && better !== null) {
      this.#switchTo = better;
      void run.stop();
    }
    this.#ticks += 1;
    if (this.#ticks % LOG_COPY_TICKS === 0) void this.#logCopy.copy();
    if (run && this.#ticks % 2 === 0) void this.#state.report(run.figures, this.#outputs.states, run.child.pid);
  }

  /** Pictures are made and nobody takes them: where that is all the channel is for, it is down. */
  #judgeOutputs(): void {
    const { refusal } = this.#outputs;
    const { stuck } = this.#outputs.queue;
    if (stuck && this.#state.status !== 'retrying') void this.#state.retrying(stuck, this.#state.retries);
    if (stuck || !refusal || this.#fatal) return;
    const { error, failures } = refusal;
    const isHopeless = !this.#hasRun && refusal.isPermanent;
    if (!this.#isPatient() && (isHopeless || failures > MOST_RETRIES)) {
      this.#fatal = isHopeless ? error : exhausted(error);
      void this.#run?.stop();
    } else if (failures !== this.#state.retries || this.#state.status !== 'retrying')
      void this.#state.retrying(error, failures);
  }

  #warn(error: unknown): void {
    this.#log.write('channel', error instanceof Error ? error.message : String(error));
    this.#context.platform.log.warn({ err: error, channel: this.channel.id }, 'live channel');
  }
}
