// The originals that segments are cut out of, a few of them open at a time with their indexes. Opened by platform.ts; used by run-job.ts and read-original.ts.
import { buffer } from 'node:stream/consumers';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
import { openSourceIndex, type SourceIndex } from '#media/source-index.ts';
import type { Store } from '#storage/store.ts';

/** Held open: each costs a file and some MB of index. */
const MOST_OPEN = 16;
/** One that nobody used for so long is closed: a deleted original must give its room back. */
const IDLE_MS = 30_000;

type Opened = { readonly bytes: SourceBytes; readonly index: SourceIndex | null };
type Entry = { readonly opened: Promise<Opened>; users: number; usedAt: number };

/** The life of the open originals. */
export class Originals {
  readonly #storage: Store;
  /** In order of use: the first was used longest ago. */
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;

  constructor(storage: Store) {
    this.#storage = storage;
    this.#timer = setInterval(() => this.#closeUnused(), IDLE_MS / 2).unref();
  }

  /**
   * Lets `use` work with the index of an original; null where it has none. It stays open until that resolves, and for a while after.
   * @throws PlatformError `storage_failed` and what storage says
   */
  async use<T>(key: string, use: (index: SourceIndex | null) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? this.#open(key);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users += 1;
    try {
      const { index } = await entry.opened;
      return await use(index);
    } finally {
      entry.users -= 1;
      entry.usedAt = performance.now();
      this.#closeUnused();
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(closeEntry));
  }

  #open(key: string): Entry {
    const entry: Entry = { opened: openOriginal(this.#storage, key), users: 0, usedAt: performance.now() };
    // One that could not be opened is tried anew by whoever asks next.
    entry.opened.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  #closeUnused(): void {
    for (const [key, entry] of this.#entries) {
      const idle = performance.now() - entry.usedAt > IDLE_MS;
      if (entry.users > 0 || (!idle && this.#entries.size <= MOST_OPEN)) continue;
      this.#entries.delete(key);
      void closeEntry(entry);
    }
  }
}

async function closeEntry({ opened }: Entry): Promise<void> {
  // What failed to open has closed itself.
  const open = await opened.catch(() => null);
  await open?.bytes[Symbol.asyncDispose]();
}

async function openOriginal(storage: Store, key: string): Promise<Opened> {
  const path = storage.localPath(key);
  const bytes = path === null ? await openStored(storage, key) : await openSourceBytes({ kind: 'file', path });
  try {
    return { bytes, index: await openSourceIndex(bytes) };
  } catch (error) {
    await bytes[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ranges of an object, each by a request of its own. */
async function openStored(storage: Store, key: string): Promise<SourceBytes> {
  const { size } = await storage.stat(key);
  return {
    size: size ?? 0,
    read: async (start, length) => {
      const end = Math.min(size ?? 0, start + length) - 1;
      return end < start ? Buffer.alloc(0) : buffer(await storage.read(key, { start, end }));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
