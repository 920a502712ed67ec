// Sends one rendition to one receiver, by an FFmpeg of its own that copies: a receiver that dies or stands still harms nobody else. Kept by the runner for the life of its channel.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveOutputState } from '#domain/channel.ts';
import { blot, hideLiveSecrets, secretsOf } from '#domain/channel-target.ts';
import { PlatformError, toPlatformError } from '#domain/error.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import { KeyframeGate } from '#live/keyframe-gate.ts';
import type { LiveContext } from '#live/live-work.ts';
import { resolveOutput } from '#live/resolve-output.ts';
import { Watchdog } from '#live/watchdog.ts';
import { type LiveTarget, pushCommand } from '#media/command/live-output.ts';
import { explainLive } from '#media/explain-live.ts';
import { type MediaProcess, startMedia } from '#media/ffmpeg.ts';
import type { LiveOutput, LiveRendition } from '#media/live-plan.ts';

/** Bytes that may wait for a receiver; beyond that packets are dropped until it has caught up. */
const MOST_WAITING = 4 * 1024 ** 2;
/** Seconds a receiver may take nothing while there is something to send. */
const STALL_SECONDS = 10;
const CHECK_MS = 500;

export type PusherOptions = {
  readonly context: LiveContext;
  readonly output: LiveOutput;
  readonly rendition: LiveRendition;
  readonly log: ChannelLog;
};

export class Pusher {
  readonly #options: PusherOptions;
  readonly #target: string;
  readonly #stopping = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #child: MediaProcess | null = null;
  #status: LiveOutputState['status'] = 'pending';
  #error: PlatformError | null = null;
  #restarts = 0;
  #failures = 0;
  /** performance.now() of the last packet that was offered */
  #fed = 0;
  readonly #gate = new KeyframeGate();

  constructor(options: PusherOptions) {
    this.#options = options;
    const { outputType, outputUrl, outputMulticastIp } = options.output;
    const address =
      outputType === 'udp' && outputMulticastIp !== null ? `udp://${outputMulticastIp}` : (outputUrl ?? '');
    this.#target = hideLiveSecrets(address, { keepsKey: false });
  }

  get state(): LiveOutputState {
    return {
      rendition: this.#options.rendition.id,
      type: this.#options.output.outputType,
      target: this.#target,
      status: this.#status,
      restarts: this.#restarts,
      error: this.#status === 'running' ? null : (this.#error?.message ?? null),
    };
  }

  /** Tries in a row that failed. */
  get failures(): number {
    return this.#failures;
  }

  get error(): PlatformError | null {
    return this.#error;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Whole packets. Never waits: what a slow receiver does not take is left out, up to a keyframe. */
  write(bytes: Buffer): void {
    this.#fed = performance.now();
    const stdin = this.#child?.stdin;
    if (!stdin || stdin.destroyed || stdin.writableEnded) return;
    if (stdin.writableLength > MOST_WAITING) this.#gate.shut();
    const passed = stdin.writableLength > MOST_WAITING ? null : this.#gate.pass(bytes);
    if (passed) stdin.write(passed);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child) {
      child.stdin?.end();
      await child.stop(2);
    }
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { pace } = this.#options.context;
    while (!signal.aborted) {
      const started = performance.now();
      try {
        await this.#push();
      } catch (error) {
        this.#error = this.#hidden(toPlatformError(error));
      }
      if (signal.aborted) return;
      if (performance.now() - started > pace.stable * 1000) this.#failures = 0;
      this.#failures += 1;
      this.#restarts += 1;
      this.#status = 'retrying';
      const delay = pace.delay(this.#failures);
      this.#say(`${this.#error?.message ?? 'ended'}; again in ${delay.toFixed(1)} s`);
      await sleep(delay * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  async #push(): Promise<void> {
    const { context, output, rendition, log } = this.#options;
    const { target, secrets, close } = await resolveOutput(context, output, rendition);
    log.hide(secrets);
    try {
      if (!this.#stopping.signal.aborted) await this.#pushTo(target);
    } finally {
      await close();
    }
  }

  async #pushTo(target: LiveTarget): Promise<void> {
    const { context } = this.#options;
    const { pace } = context;
    const { tool, limits } = context.platform;
    const args = pushCommand(target);
    const watchdog = new Watchdog();
    let stalled = false;
    this.#say([tool.ffmpeg, ...args].join(' '));
    const child = startMedia({
      program: tool.ffmpeg,
      args,
      limits: { ...limits.child, niceness: 0 },
      runId: context.work.mark,
      hasStdin: true,
      onLog: (line) => this.#say(line),
      onProgress: (progress) => {
        if (!watchdog.progress(progress) || (progress.outTime ?? 0) <= 0) return;
        this.#status = 'running';
        this.#error = null;
      },
    });
    this.#gate.shut();
    this.#child = child;
    const timer = setInterval(() => {
      const silence = watchdog.silence();
      // Nothing to send is not the receiver's fault.
      if (performance.now() - this.#fed > 1500) watchdog.excuse();
      else if (silence > STALL_SECONDS) {
        stalled = true;
        child.kill();
      }
      if (performance.now() - started > pace.stable * 1000) this.#failures = 0;
    }, CHECK_MS);
    const started = performance.now();
    try {
      const { exitCode, signal, tail } = await child.exited;
      if (this.#stopping.signal.aborted) return;
      const exit = exitCode === null ? `by ${signal}` : `with ${exitCode}`;
      this.#error = this.#hidden(
        stalled
          ? new PlatformError('destination_unreachable', `The receiver took nothing for ${STALL_SECONDS} seconds`)
          : explainLive(tail, { role: 'destination', exit }).error,
      );
    } finally {
      clearInterval(timer);
      this.#child = null;
    }
  }

  #hidden(error: PlatformError): PlatformError {
    const { outputUrl } = this.#options.output;
    if (outputUrl !== null) error.message = blot(error.message, secretsOf(outputUrl));
    return error;
  }

  #say(line: string): void {
    this.#options.log.write(`${this.#options.output.outputType} ${this.#options.rendition.id}`, line);
  }
}
