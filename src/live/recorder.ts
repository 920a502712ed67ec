// Records one rendition into a file, segment by segment; one that is full, or whose channel ends, is given on to become a video. Used by channel-runner.ts.
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
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

  /** What a process that died had recorded of this channel is not lost. */
  recover(): void {
    this.#next(async () => {
      const { folder, channel } = this.#options;
      for (const name of await readdir(folder)) {
        const [id, began] = name.split('~');
        if (Number(id) !== channel.id || !name.endsWith('.ts')) continue;
        const path = join(folder, name);
        const { mtimeMs } = await stat(path);
        await this.#keep({ path, startedAt: new Date(Number(began)), seconds: (mtimeMs - Number(began)) / 1000 });
      }
    });
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
      path: join(folder, `${channel.id}~${Date.now()}~${randomUUID()}.ts`),
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
    if (take) await this.#keep(take);
  }

  async #keep({ path, startedAt, seconds }: Readonly<Take>): Promise<void> {
    const { context, channel } = this.#options;
    if (seconds >= SHORTEST) await context.work.keepRecording({ channel, path, startedAt, seconds });
    else await rm(path, { force: true });
  }
}
