// A bounded cache of whole small objects, least recently used out first: hot segments are sent from memory. Used by send-file.ts.

/** Bytes of one object that is worth keeping: a segment of the usual ladder is 1–5 MB. */
export const LARGEST_KEPT = 8 * 1024 ** 2;

/** Milliseconds: what nobody asked for so long is hot no more. A live channel's segments are, once they have left its playlist. */
const HOT_MS = 60_000;

type Kept = { readonly bytes: Buffer; readonly usedAt: number };

export class BufferCache {
  readonly #capacity: number;
  /** In order of use: the first is the oldest. */
  readonly #buffers = new Map<string, Kept>();
  readonly #loading = new Map<string, Promise<Buffer>>();
  /** Bytes of what was asked for lately and is not kept, by key. */
  readonly #seen = new Map<string, number>();
  #seenBytes = 0;
  #bytes = 0;

  readonly #now: () => number;

  /** @param capacity bytes @param now milliseconds of a clock that never goes back */
  constructor(capacity: number, now: () => number = () => performance.now()) {
    this.#capacity = capacity;
    this.#now = now;
  }

  /**
   * Whether an object is worth keeping: it is kept already, or was asked for a moment ago, while as much as fits in here went by. Who reads
   * one film from end to end drives nothing out that many watch.
   */
  isWanted(key: string, size: number): boolean {
    this.#cool();
    if (this.#buffers.has(key) || this.#loading.has(key)) return true;
    if (this.#forget(key)) return true;
    this.#seen.set(key, size);
    this.#seenBytes += size;
    for (const oldest of this.#seen.keys()) {
      if (this.#seenBytes <= this.#capacity) break;
      this.#forget(oldest);
    }
    return false;
  }

  #forget(key: string): boolean {
    this.#seenBytes -= this.#seen.get(key) ?? 0;
    return this.#seen.delete(key);
  }

  /** The object of that key; one that many ask for at once is loaded once. */
  async get(key: string, load: () => Promise<Buffer>): Promise<Buffer> {
    const kept = this.#buffers.get(key);
    if (kept) {
      this.#buffers.delete(key);
      this.#buffers.set(key, { bytes: kept.bytes, usedAt: this.#now() });
      return kept.bytes;
    }
    const loading = this.#loading.get(key) ?? this.#load(key, load);
    return loading;
  }

  async #load(key: string, load: () => Promise<Buffer>): Promise<Buffer> {
    const loading = load();
    this.#loading.set(key, loading);
    try {
      const buffer = await loading;
      if (buffer.length <= Math.min(LARGEST_KEPT, this.#capacity)) this.#keep(key, buffer);
      return buffer;
    } finally {
      this.#loading.delete(key);
    }
  }

  #keep(key: string, bytes: Buffer): void {
    this.#buffers.set(key, { bytes, usedAt: this.#now() });
    this.#bytes += bytes.length;
    this.#cool();
    for (const [oldest, kept] of this.#buffers) {
      if (this.#bytes <= this.#capacity) return;
      this.#drop(oldest, kept);
    }
  }

  #cool(): void {
    const before = this.#now() - HOT_MS;
    for (const [oldest, kept] of this.#buffers) {
      if (kept.usedAt >= before) return;
      this.#drop(oldest, kept);
    }
  }

  #drop(key: string, { bytes }: Kept): void {
    this.#buffers.delete(key);
    this.#bytes -= bytes.length;
  }
}
