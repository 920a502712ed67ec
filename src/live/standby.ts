// An input that is not on air, open and followed by a process that copies: it shows whether the input is sound, and what it kept lets an encoder begin at once. Kept by channel-inputs.ts.
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveInputName } from '#domain/channel.ts';
import { toPlatformError } from '#domain/error.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import { GopBuffer } from '#live/gop-buffer.ts';
import { KeyframeGate } from '#live/keyframe-gate.ts';
import type { LiveContext } from '#live/live-work.ts';
import type { OpenedInput } from '#live/open-input.ts';
import { PacketCutter } from '#live/packet-cutter.ts';
import { Watchdog } from '#live/watchdog.ts';
import { standbyCommand } from '#media/command/live.ts';
import { explainLive } from '#media/explain-live.ts';
import { startMedia } from '#media/ffmpeg.ts';

export type StandbyOptions = {
  readonly context: LiveContext;
  readonly name: LiveInputName;
  readonly open: () => Promise<OpenedInput>;
  /** Seconds of pictures that are kept; null where the input is followed alone, and opened anew when it is taken. */
  readonly keepSeconds: number | null;
  /** Seconds without a picture that are a hole. */
  readonly holeSeconds: number;
  readonly log: ChannelLog;
  /** It became sound. */
  readonly onSound: () => void;
  /** The encoder that it was handed to has ended, and it still reads. */
  readonly onBack: (standby: Standby) => void;
};

const AGAIN_MS = 2000;
const CHECK_MS = 250;
/** Bytes that may wait for the encoder; beyond that it gets no more up to a keyframe. */
const MOST_WAITING = 32 * 1024 ** 2;
/** What MPEG-TS has no place for arrives as data that nobody can read. */
const UNFIT = /muxed as a private data stream|not currently supported in container|Could not find tag/i;

export class Standby {
  readonly #options: StandbyOptions;
  readonly #stopping = new AbortController();
  readonly #gate = new KeyframeGate();
  #buffer: GopBuffer;
  #watchdog = new Watchdog();
  /** performance.now() of the first picture since the last hole */
  #since: number | null = null;
  #isFit = true;
  #isTaken = false;
  #isOver = false;
  #encoder: Writable | null = null;
  #reason = '';
  #following: Promise<void> = Promise.resolve();

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#buffer = new GopBuffer(options.keepSeconds ?? 0);
  }

  start(): void {
    this.#following = this.#follow();
  }

  /** For how long pictures have come without a hole; 0 where none come now. */
  get soundSeconds(): number {
    if (this.#since === null || this.#watchdog.silence() > this.#options.holeSeconds) return 0;
    return (performance.now() - this.#since) / 1000;
  }

  /** Hands what it reads to an encoder, from a keyframe so many seconds back on. Null where it has nothing to begin with. */
  take(seconds: number): OpenedInput | null {
    const { keepSeconds } = this.#options;
    if (keepSeconds === null || !this.#isFit || !this.#buffer.isReady || this.soundSeconds === 0) return null;
    this.#isTaken = true;
    return {
      source: { kind: 'standby' },
      secrets: [],
      behind: this.#buffer.behind(seconds),
      waiting: {
        attach: (encoder) => {
          for (const bytes of this.#buffer.take(seconds)) encoder.write(bytes);
          this.#encoder = encoder;
          this.#gate.open();
        },
        detach: () => {
          this.#encoder = null;
        },
        isLive: true,
      },
      close: () => this.#giveBack(),
    };
  }

  /** It stands by again: who sends to it is not sent away. */
  async #giveBack(): Promise<void> {
    this.#encoder = null;
    this.#isTaken = false;
    if (this.#isOver) await this.stop();
    else this.#options.onBack(this);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#read();
      } catch (error) {
        this.#say(toPlatformError(error).message);
      }
      this.#since = null;
      // The encoder that reads it comes to the end of its input.
      this.#encoder?.end();
      if (this.#isTaken) break;
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#isOver = true;
  }

  /** One process, to its end. */
  async #read(): Promise<void> {
    const { context, keepSeconds, log, name } = this.#options;
    const { signal } = this.#stopping;
    const { tool, limits, config } = context.platform;
    const opened = await this.#options.open();
    log.hide(opened.secrets);
    this.#buffer = new GopBuffer(keepSeconds ?? 0);
    this.#watchdog = new Watchdog();
    this.#isFit = true;
    const args = standbyCommand(opened.source, keepSeconds !== null);
    if (this.#reason === '') log.write(`${name} standby`, [tool.ffmpeg, ...args].join(' '));
    const packets = new PacketCutter();
    const child = startMedia({
      program: tool.ffmpeg,
      args,
      limits: { ...limits.child, niceness: 0 },
      runId: context.work.mark,
      hasStdin: opened.waiting !== null,
      onLog: (line) => {
        if (UNFIT.test(line)) this.#isFit = false;
      },
      onProgress: (progress) => {
        if (this.#watchdog.progress(progress)) this.#hear();
      },
      sinks: keepSeconds === null ? [] : [(stream) => this.#take(stream, packets)],
    });
    let hadPictures = false;
    const { stdin } = child;
    if (stdin) opened.waiting?.attach(stdin);
    const stop = () => child.kill();
    signal.addEventListener('abort', stop, { once: true });
    const timer = setInterval(() => {
      const silence = this.#watchdog.silence();
      hadPictures ||= this.#since !== null;
      if (silence > this.#options.holeSeconds) this.#since = null;
      // One that hangs is opened anew; where nothing came yet a publisher may be waited for.
      if (hadPictures && silence > config.CHANNEL_WATCHDOG_SECONDS) child.kill();
    }, CHECK_MS);
    try {
      if (signal.aborted) child.kill();
      const { tail, exitCode, signal: killer } = await child.exited;
      const exit = exitCode === null ? `by ${killer}` : `with ${exitCode}`;
      if (!signal.aborted) this.#say(explainLive(tail, { role: 'source', exit }).error.message);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
      if (stdin) opened.waiting?.detach(stdin);
      await opened.close();
    }
  }

  async #take(stream: AsyncIterable<unknown>, packets: PacketCutter): Promise<void> {
    for await (const bytes of stream) {
      const whole = packets.whole(bytes as Buffer);
      if (this.#encoder) this.#forward(whole);
      else this.#buffer.push(whole);
      if (this.#watchdog.pieces(this.#buffer.pieces)) this.#hear();
    }
  }

  /** Never waits: an encoder that is too slow misses some, up to a keyframe. */
  #forward(bytes: Buffer): void {
    const encoder = this.#encoder;
    if (!encoder || encoder.destroyed || encoder.writableEnded) return;
    if (encoder.writableLength > MOST_WAITING) this.#gate.shut();
    const passed = encoder.writableLength > MOST_WAITING ? null : this.#gate.pass(bytes);
    if (passed) encoder.write(passed);
  }

  #hear(): void {
    if (this.#since !== null) return;
    this.#since = performance.now();
    this.#options.onSound();
  }

  /** The same reason, try after try, is said once. */
  #say(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#options.log.write(`${this.#options.name} standby`, reason);
  }
}
