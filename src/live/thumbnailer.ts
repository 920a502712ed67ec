// A picture of what is on air, every few seconds, out of the newest segment. Used by channel-runner.ts.
import { buffer } from 'node:stream/consumers';
import { saveThumbnail } from '#database/live.ts';
import type { Lease, LiveContext } from '#live/live-work.ts';
import type { Segment } from '#live/segmenter.ts';
import { thumbnailCommand } from '#media/command/live-output.ts';
import { runMedia } from '#media/ffmpeg.ts';

const WIDTH = 320;
/** Seconds, for making it and once more for storing it. */
const TIME_LIMIT = 10;

export class Thumbnailer {
  readonly #context: LiveContext;
  readonly #channel: { readonly id: number; readonly lease: Lease };
  readonly #seconds: number;
  #last = Number.NEGATIVE_INFINITY;
  readonly #stopping = new AbortController();
  #making: Promise<void> | null = null;

  /** @param seconds between two; 0 makes none */
  constructor(context: LiveContext, channel: { readonly id: number; readonly lease: Lease }, seconds: number) {
    this.#context = context;
    this.#channel = channel;
    this.#seconds = seconds;
  }

  /** A failed one is no harm: the next segment is another chance. */
  add(segment: Segment, onError: (error: unknown) => void): void {
    if (this.#seconds === 0 || this.#making || this.#stopping.signal.aborted) return;
    if (performance.now() - this.#last < this.#seconds * 1000) return;
    this.#last = performance.now();
    this.#making = this.#make(segment.bytes)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) onError(error);
      })
      .finally(() => {
        this.#making = null;
      });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#making;
  }

  async #make(bytes: Buffer): Promise<void> {
    const { tool, limits, storage, database } = this.#context.platform;
    let picture = Buffer.alloc(0);
    await runMedia({
      program: tool.ffmpeg,
      args: thumbnailCommand(WIDTH),
      limits: limits.child,
      timeLimit: TIME_LIMIT,
      signal: this.#stopping.signal,
      runId: this.#context.work.mark,
      stdin: async (stdin) => {
        stdin.end(bytes);
      },
      onStdout: async (stdout) => {
        picture = await buffer(stdout);
      },
    });
    if (picture.length === 0) return;
    // A name of its own each time: what is stored never changes under its key.
    const { id: channelId, lease: fence } = this.#channel;
    const key = `live/${channelId}/thumbnail-${Date.now()}.jpg`;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIME_LIMIT * 1000)]);
    await storage.write(key, picture, { contentType: 'image/jpeg', size: picture.length, signal });
    const unnamed = await saveThumbnail(database.db, { channelId, fence, thumbnail: { key, size: picture.length } });
    if (unnamed !== null) await storage.remove(unnamed);
  }
}
