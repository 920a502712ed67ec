// Gives finished recordings of this machine on to become videos, one after the other, until each has: storage may be away for hours, the process may end. Started by start-live.ts.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findLiveChannel } from '#database/channels.ts';
import { isNodeError } from '#domain/error.ts';
import type { LiveContext, Recording } from '#live/live-work.ts';

/** A recording as its writer leaves it: the file grows as `CHANNEL~MILLISECONDS~UUID.ts`; this beside it says that it is whole. */
type Finished = Omit<Recording, 'path'>;

const RETRY_MS = 5000;
/** Milliseconds without a segment after which nobody writes a file any more. */
const ABANDONED = 600_000;

export class RecordingKeeper {
  /** Folder that recordings grow in. */
  readonly folder: string;
  readonly #context: LiveContext;
  readonly #stopping = new AbortController();
  readonly #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isAsked = false;
  #going: Promise<void> | null = null;

  constructor(context: LiveContext) {
    this.#context = context;
    this.folder = join(context.platform.config.DATA_DIR, 'live', 'recordings');
  }

  async start(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.#timer = setInterval(() => this.#look(), RETRY_MS);
    this.#look();
  }

  /** From now on it is the keeper's, whatever happens to this process. */
  async take(path: string, finished: Finished): Promise<void> {
    const note = noteOf(path);
    await writeFile(`${note}.part`, JSON.stringify(finished), { mode: 0o600 });
    await rename(`${note}.part`, note);
    this.#look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#going;
  }

  #look(): void {
    this.#isAsked = true;
    this.#going ??= this.#keepAll().finally(() => {
      this.#going = null;
    });
  }

  async #keepAll(): Promise<void> {
    while (this.#isAsked && !this.#stopping.signal.aborted) {
      this.#isAsked = false;
      for (const name of (await readdir(this.folder)).sort()) {
        if (this.#stopping.signal.aborted) return;
        await this.#judge(join(this.folder, name)).catch((error: unknown) => this.#warn(name, error));
      }
    }
  }

  async #judge(path: string): Promise<void> {
    if (path.endsWith('.json')) await this.#keep(path);
    else if (path.endsWith('.ts')) await this.#claimAbandoned(path);
  }

  async #keep(note: string): Promise<void> {
    const { signal } = this.#stopping;
    const text = await readUnlessGone(note);
    // Another process of this machine was quicker.
    if (text === null) return;
    const { startedAt, ...rest } = JSON.parse(text) as Omit<Finished, 'startedAt'> & { readonly startedAt: string };
    const path = note.replace(/\.json$/, '.ts');
    await this.#context.work.keepRecording({ ...rest, startedAt: new Date(startedAt), path }, signal);
    await rm(note, { force: true });
    this.#told.delete(note);
  }

  /** What a process that died was recording, of a channel that does not run here again. */
  async #claimAbandoned(path: string): Promise<void> {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs < ABANDONED || (await readUnlessGone(noteOf(path))) !== null) return;
    const take = takeOf(path);
    const channel = take && (await findLiveChannel(this.#context.platform.database.db, String(take.channelId)));
    if (!channel) return rm(path, { force: true });
    const { id, startedAt } = take;
    await this.take(path, { id, channel, startedAt, seconds: (mtimeMs - startedAt.getTime()) / 1000 });
  }

  #warn(name: string, error: unknown): void {
    if (this.#stopping.signal.aborted || this.#told.has(name)) return;
    this.#told.add(name);
    this.#context.platform.log.warn({ err: error, name }, 'a recording waits to become a video');
  }
}

const noteOf = (path: string): string => path.replace(/\.ts$/, '.json');

export const nameOfTake = (channelId: number, id: string): string => `${channelId}~${Date.now()}~${id}.ts`;

/** What the name of a growing file says; null for other files. */
export function takeOf(path: string): { channelId: number; startedAt: Date; id: string } | null {
  const [, channelId, began, id] = /(\d+)~(\d+)~([0-9a-f-]{36})\.ts$/.exec(path) ?? [];
  return id === undefined ? null : { channelId: Number(channelId), startedAt: new Date(Number(began)), id };
}

async function readUnlessGone(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}
