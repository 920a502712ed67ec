// Records one rendition into managed storage, segment by segment; a break begins a new file, and so does a full one. Used by channel-runner.ts.
import { randomUUID } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel } from '#domain/channel.ts';
import type { LiveContext } from '#live/live-work.ts';
import type { Segment } from '#live/segmenter.ts';

export type RecorderOptions = {
  readonly context: LiveContext;
  readonly channel: Channel;
  /** Folder that the file grows in. */
  readonly folder: string;
  readonly onError: (error: unknown) => void;
};

type Take = { readonly path: string; readonly startedAt: Date; seconds: number };

/** What is shorter is no recording. Seconds. */
const SHORTEST = 1;

export class Recorder {
  readonly #options: RecorderOptions;
  #take: Take | null = null;
  #going: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  add(segment: Segment): void {
    this.#next(() => this.#append(segment));
  }

  /** What was recorded so far is finished; what comes next is another recording. */
  cut(): void {
    this.#next(() => this.#close());
  }

  async settled(): Promise<void> {
    await this.#going;
  }

  #next(act: () => Promise<void>): void {
    this.#going = this.#going.then(act).catch(this.#options.onError);
  }

  async #append({ bytes, seconds }: Segment): Promise<void> {
    const { folder, channel } = this.#options;
    this.#take ??= {
      path: join(folder, `${randomUUID()}.ts`),
      startedAt: new Date(Date.now() - seconds * 1000),
      seconds: 0,
    };
    const take = this.#take;
    await using file = await open(take.path, 'a', 0o600);
    await file.writeFile(bytes);
    take.seconds += seconds;
    if (take.seconds >= channel.spec.recordMaxSeconds) await this.#close();
  }

  async #close(): Promise<void> {
    const take = this.#take;
    this.#take = null;
    if (!take) return;
    if (take.seconds < SHORTEST) {
      await rm(take.path, { force: true });
      return;
    }
    const { context, channel } = this.#options;
    const { size } = await stat(take.path);
    const key = `recordings/${channel.id}/${take.startedAt.toISOString().replace(/[:.]/g, '-')}.ts`;
    await context.platform.storage.adopt(take.path, key, { contentType: 'video/mp2t' });
    await rm(take.path, { force: true });
    const { startedAt, seconds } = take;
    await context.work.keepRecording({ channel, key, size, startedAt, seconds });
  }
}
