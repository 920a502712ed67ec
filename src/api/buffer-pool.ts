// Memory that bytes pass through on their way from the disk to a socket, used again and again: a fresh buffer for each answer costs more than the reading. Used by send-file.ts.

/** Bytes that wait to be used again, of all buffers together. */
const MOST_FREE = 32 * 1024 ** 2;
/** Sizes are rounded up to whole ones of these, so that one buffer fits many files. Bytes. */
const STEP = 512 * 1024;

export class BufferPool {
  /** The last one given back is taken first: it is still in the processor's cache. */
  readonly #free: Buffer[] = [];
  #bytes = 0;

  /** A buffer of at least so many bytes, with anything in it. Nobody else has it until it is given back; lost, it is garbage like any other. */
  take(size: number): Buffer {
    const at = this.#free.findLastIndex(({ length }) => length >= size);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    if (!found) return Buffer.allocUnsafeSlow(Math.ceil(size / STEP) * STEP);
    this.#bytes -= found.length;
    return found;
  }

  /** Only once nothing reads or writes it any more. */
  give(buffer: Buffer): void {
    if (this.#bytes + buffer.length > MOST_FREE) return;
    this.#free.push(buffer);
    this.#bytes += buffer.length;
  }
}
