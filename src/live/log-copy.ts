// Leaves the end of a channel's log in managed storage, where the API of other machines finds it. Kept by channel-runner.ts.
import { channelLogKey } from '#domain/channel-log.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import type { LiveContext } from '#live/live-work.ts';

/** Milliseconds that storage has to take it. */
const TIME_LIMIT = 3000;

export class LogCopy {
  readonly #context: LiveContext;
  readonly #channelId: number;
  readonly #log: ChannelLog;
  #copied = '';
  #going: Promise<void> | null = null;

  constructor(context: LiveContext, channelId: number, log: ChannelLog) {
    this.#context = context;
    this.#channelId = channelId;
    this.#log = log;
  }

  /** Resolves when it is there or could not be put there. Called again and again. */
  async copy(): Promise<void> {
    // Storage below this machine's own DATA_DIR has no other readers than the log itself.
    if (this.#context.platform.config.STORAGE_URL === undefined) return;
    this.#going ??= this.#copy().finally(() => {
      this.#going = null;
    });
    await this.#going;
  }

  async #copy(): Promise<void> {
    const { storage, log } = this.#context.platform;
    const tail = this.#log.tail();
    if (tail === this.#copied) return;
    const bytes = Buffer.from(tail);
    try {
      const signal = AbortSignal.timeout(TIME_LIMIT);
      await storage.write(channelLogKey(this.#channelId), bytes, { contentType: 'text/plain', signal });
      this.#copied = tail;
      await this.#context.work.tellLog(this.#channelId);
    } catch (error) {
      log.warn({ err: error, channel: this.#channelId }, 'the log of a channel was not copied');
    }
  }
}
