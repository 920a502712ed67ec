// Records one rendition into a file, segment by segment; one that is full, or whose channel ends, is given to the keeper. Used by channel-runner.ts.
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { Channel } from '#domain/channel.ts';
import { nameOfTake, type RecordingKeeper, takeOf } from '#live/recording-keeper.ts';
import type { Segment } from '#live/segmenter.ts';

export type RecorderOptions = {
  readonly channel: Channel;
  readonly keeper: RecordingKeeper;
  readonly onError: (error: unknown) => void;
};

type Take = { readonly id: string; readonly path: string; readonly startedAt: Date; seconds: number };

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
      const { channel, keeper } = this.#options;
      const names = await readdir(keeper.folder);
      for (const name of names) {
        const take = takeOf(name);
        if (take?.channelId !== channel.id || names.includes(name.replace(/\.ts$/, '.json'))) continue;
        const path = join(keeper.folder, name);
        const { mtimeMs } = await stat(path);
        await this.#keep({ ...take, path, seconds: (mtimeMs - take.startedAt.getTime()) / 1000 });
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
    const { keeper, channel } = this.#options;
    this.#take ??= this.#begin(keeper.folder, channel.id, seconds);
    const take = this.#take;
    await using file = await open(take.path, 'a', 0o600);
    await file.writeFile(bytes);
    take.seconds += seconds;
    if (take.seconds >= channel.spec.recordMaxSeconds) await this.#close();
  }

  #begin(folder: string, channelId: number, seconds: number): Take {
    const id = uuidv7();
    const startedAt = new Date(Date.now() - seconds * 1000);
    return { id, path: join(folder, nameOfTake(channelId, id)), startedAt, seconds: 0 };
  }

  async #close(): Promise<void> {
    const take = this.#take;
    this.#take = null;
    if (take) await this.#keep(take);
  }

  async #keep({ path, ...take }: Readonly<Take>): Promise<void> {
    const { keeper, channel } = this.#options;
    if (take.seconds < SHORTEST) return rm(path, { force: true });
    const { id, name, projectId } = channel;
    await keeper.take(path, { ...take, channel: { id, name, projectId } });
  }
}
