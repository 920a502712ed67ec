// One run of a channel's FFmpeg, from its start to its end: pipes to whoever wants the packets, progress, watchdog, figures. Started by channel-runner.ts.
import { type ChannelFigures, NO_FIGURES } from '#domain/channel.ts';
import { PlatformError } from '#domain/error.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import type { LiveContext } from '#live/live-work.ts';
import { PacketCutter } from '#live/packet-cutter.ts';
import { UsageMeter } from '#live/process-usage.ts';
import { Watchdog } from '#live/watchdog.ts';
import { explainLive } from '#media/explain-live.ts';
import { type MediaProcess, startMedia } from '#media/ffmpeg.ts';
import { type LiveFacts, LiveFactsReader } from '#media/live-fit.ts';

/** How a run ended. */
export type Outcome = {
  /** ended: the input came to its end · failed: FFmpeg gave up · silent: no pictures any more · frozen: it was held · stopped: we wanted it */
  readonly kind: 'ended' | 'failed' | 'silent' | 'frozen' | 'stopped';
  readonly error: PlatformError | null;
  readonly isPermanent: boolean;
  readonly hadFrames: boolean;
  /** It ended in good order: what it wrote is complete. */
  readonly isWhole: boolean;
  /** seconds */
  readonly seconds: number;
};

export type EncoderOptions = {
  readonly context: LiveContext;
  readonly args: readonly string[];
  readonly log: ChannelLog;
  /** One for each rendition: whole packets of what FFmpeg writes of it. */
  readonly sinks: readonly ((bytes: Buffer) => void)[];
  /** Pictures seen so far in what it wrote. */
  readonly pieces: () => number;
  /** Seconds without a picture after which it is ended; asked again and again. */
  readonly patience: (hadFrames: boolean) => number;
  readonly hasStdin: boolean;
  /** The first picture came out. */
  readonly onPicture: () => void;
  /** What it found in its input. */
  readonly onFacts: (facts: Omit<LiveFacts, 'isUncut'>) => void;
};

const CHECK_MS = 100;
const LOOK_MS = 1000;
/** Seconds between SIGTERM and SIGKILL. */
const GRACE = 5;
/** The same where no picture came for so many seconds. */
const IDLE = 1;
const IDLE_GRACE = 0.5;
/** Seconds that one has to give out what it holds when its input has ended. */
const ENDING_GRACE = 0.7;
/** FFmpeg that was told to end, and did. */
const TOLD = 255;
const NEW_STREAM = /New (video|audio) stream 0:\d+ at pos/;
/** Streams that show up in the first moments were there before, and are no change. */
const SETTLED_MS = 5000;

export class EncoderRun {
  readonly child: MediaProcess;
  readonly outcome: Promise<Outcome>;
  readonly #watchdog = new Watchdog();
  readonly #meter = new UsageMeter();
  readonly #options: EncoderOptions;
  #ending: Outcome['kind'] | null = null;
  #failure: PlatformError | null = null;
  #hadFrames = false;
  #figures: ChannelFigures = NO_FIGURES;
  #bytes = 0;
  #counted = { bytes: 0, at: performance.now() };
  #stops = 0;
  readonly #facts = new LiveFactsReader();
  readonly #started = performance.now();

  constructor(options: EncoderOptions) {
    this.#options = options;
    const { context, args, log, sinks } = options;
    const { tool, limits } = context.platform;
    log.command(tool.ffmpeg, args);
    this.child = startMedia({
      program: tool.ffmpeg,
      args,
      limits: { ...limits.child, niceness: 0 },
      runId: context.work.mark,
      hasStdin: options.hasStdin,
      onLog: (line) => this.#hear(line),
      onProgress: (progress) => {
        if (this.#watchdog.progress(progress) && (progress.frame > 0 || (progress.outTime ?? 0) > 0)) this.#begin();
        this.#figures = {
          ...this.#figures,
          fps: progress.fps,
          speed: progress.speed,
          droppedFrames: progress.dropped,
          duplicatedFrames: progress.duplicated,
        };
      },
      sinks: sinks.map((take) => async (stream) => {
        const packets = new PacketCutter();
        for await (const bytes of stream) {
          this.#bytes += (bytes as Buffer).length;
          take(packets.whole(bytes as Buffer));
          if (!this.#hadFrames && this.#watchdog.pieces(options.pieces())) this.#begin();
        }
      }),
    });
    this.outcome = this.#watch();
  }

  get hadFrames(): boolean {
    return this.#hadFrames;
  }

  get figures(): ChannelFigures {
    return this.#figures;
  }

  /** SIGTERM, five seconds, SIGKILL. */
  async stop(): Promise<void> {
    this.#ending ??= 'stopped';
    // One that waits for the network in vain hears SIGTERM when something comes, and has nothing more to give.
    const isWaiting = this.#hadFrames && this.#watchdog.silence() > IDLE;
    // How it ended is told to who waits for that.
    await this.child.stop(isWaiting ? IDLE_GRACE : GRACE).catch(() => undefined);
  }

  /** Ends it as a failure, for a reason of ours. */
  fail(error: PlatformError): void {
    if (this.#ending !== null) return;
    this.#ending = 'failed';
    this.#failure = error;
    this.child.kill();
  }

  async #watch(): Promise<Outcome> {
    const check = setInterval(() => this.#check(), CHECK_MS);
    const look = setInterval(() => void this.#look(), LOOK_MS);
    try {
      const { exitCode, signal, tail } = await this.child.exited;
      const exit = exitCode === null ? `by ${signal}` : `with ${exitCode}`;
      const kind = this.#ending ?? (exitCode === 0 ? 'ended' : 'failed');
      const failure = kind === 'failed' || kind === 'ended' ? explainLive(tail, { role: 'source', exit }) : null;
      return {
        kind,
        error: kind === 'failed' ? (this.#failure ?? failure?.error ?? null) : null,
        isPermanent: kind === 'failed' && this.#failure === null && !this.#hadFrames && (failure?.isPermanent ?? false),
        hadFrames: this.#hadFrames,
        isWhole: exitCode === 0 || (this.#ending !== null && exitCode === TOLD),
        seconds: (performance.now() - this.#started) / 1000,
      };
    } finally {
      clearInterval(check);
      clearInterval(look);
    }
  }

  #check(): void {
    if (this.#watchdog.pieces(this.#options.pieces())) this.#begin();
    const silence = this.#watchdog.silence();
    const patience = this.#options.patience(this.#hadFrames);
    // Who waits for a publisher begins to count when that one comes.
    if (!Number.isFinite(patience)) this.#watchdog.excuse();
    else if (this.#ending === null && silence > patience) this.#end('silent', silence);
  }

  async #look(): Promise<void> {
    const { pid } = this.child;
    if (pid === null || !this.child.isAlive()) return;
    const { cpuPercent, memory, isStopped } = await this.#meter.look(pid);
    const now = performance.now();
    const bitrate = Math.round(((this.#bytes - this.#counted.bytes) * 8) / (now - this.#counted.at));
    this.#counted = { bytes: this.#bytes, at: now };
    this.#figures = { ...this.#figures, cpuPercent: cpuPercent ?? this.#figures.cpuPercent, memory, bitrate };
    // A process that was stopped by a signal goes on by itself never; three looks, for debuggers stop it for moments.
    this.#stops = isStopped ? this.#stops + 1 : 0;
    if (this.#stops >= 3 && this.#ending === null) this.#end('frozen', this.#stops);
  }

  #end(kind: 'silent' | 'frozen', seconds: number): void {
    this.#ending = kind;
    this.#options.log.write('watchdog', `no picture for ${seconds.toFixed(1)} s: FFmpeg is ended`);
    // One that waits for the network hears SIGTERM when something comes, which is never.
    const { stdin } = this.child;
    if (kind === 'frozen' || !stdin || !this.#hadFrames) {
      this.child.kill();
      return;
    }
    stdin.end();
    const timer = setTimeout(() => this.child.kill(), ENDING_GRACE * 1000);
    void this.child.exited.catch(() => undefined).finally(() => clearTimeout(timer));
  }

  #begin(): void {
    if (this.#hadFrames) return;
    this.#hadFrames = true;
    this.#options.onPicture();
  }

  #hear(line: string): void {
    this.#options.log.write('ffmpeg', line);
    const facts = this.#facts.read(line);
    if (facts) this.#options.onFacts(facts);
    // What is mapped was mapped at the beginning: another stream in its place is left out.
    else if (NEW_STREAM.test(line) && performance.now() - this.#started > SETTLED_MS)
      this.fail(new PlatformError('source_unreachable', 'The input has other streams than at its beginning'));
    const source = /Stream #0:\d+.*?: Video: (.{1,200})/.exec(line)?.[1];
    if (source !== undefined && this.#figures.source === null) this.#figures = { ...this.#figures, source };
  }
}
