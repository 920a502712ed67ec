// Bytes of one remote object in blocks: a few kept, and open downloads continued where the reading goes on. Used by range-reader.ts.
import type { Readable } from 'node:stream';
import { PlatformError, toPlatformError } from '#domain/error.ts';
import type { Store } from '#storage/store.ts';

export type BlockSource = {
  readonly store: Pick<Store, 'read'>;
  readonly key: string;
  /** bytes */
  readonly size: number;
  readonly signal: AbortSignal;
};

export type BlockReader = {
  /** The bytes from `start` to before `end`, in pieces. @throws PlatformError of the store */
  read(start: number, end: number): AsyncGenerator<Buffer, void>;
  /** The last failure of the store; null while there was none. */
  lastError(): PlatformError | null;
};

const MIB = 1024 * 1024;
const BLOCK = MIB;
/** An index at the end, sound and picture that lie far apart, and what runs on: FFmpeg comes back to a few places. */
const BLOCKS_KEPT = 8;
/** Downloads open at once: one for each place that is read on. */
const MOST_CURSORS = 3;
/** Milliseconds after which a download that nobody reads on is ended: at once noticed when FFmpeg has gone, later while it encodes. */
const IDLE_WHEN_LEFT = 1000;
const IDLE_WHEN_READ = 20_000;

/** A download that stands at the beginning of block `next`. */
type Cursor = { next: number; readonly stream: Readable; busy: boolean; usedAt: number };

export function createBlockReader(source: BlockSource): BlockReader {
  const { store, key, size, signal } = source;
  const kept = new Map<number, Buffer>();
  const underWay = new Map<number, Promise<Buffer>>();
  const cursors = new Set<Cursor>();
  let readers = 0;
  let lastError: PlatformError | null = null;
  let tidying: NodeJS.Timeout | undefined;

  const drop = (cursor: Cursor) => {
    cursors.delete(cursor);
    cursor.stream.destroy();
  };
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(tidying);
      kept.clear();
      for (const cursor of cursors) drop(cursor);
    },
    { once: true },
  );

  const tidy = () => {
    const patience = readers > 0 ? IDLE_WHEN_READ : IDLE_WHEN_LEFT;
    for (const cursor of cursors) {
      if (!cursor.busy && Date.now() - cursor.usedAt >= patience) drop(cursor);
    }
    if (cursors.size > 0) return;
    clearInterval(tidying);
    tidying = undefined;
  };

  const cursorAt = async (block: number): Promise<Cursor> => {
    for (const cursor of cursors) {
      if (cursor.busy || cursor.next !== block) continue;
      cursor.busy = true;
      return cursor;
    }
    const idle = [...cursors].filter(({ busy }) => !busy).sort((a, b) => a.usedAt - b.usedAt);
    for (const cursor of idle.slice(0, cursors.size - MOST_CURSORS + 1)) drop(cursor);
    const stream = await store.read(key, { start: block * BLOCK, signal });
    // Failures come out where the stream is read; without a listener, one that comes between two blocks would end the process.
    stream.on('error', () => undefined);
    const cursor = { next: block, stream, busy: true, usedAt: Date.now() };
    cursors.add(cursor);
    tidying ??= setInterval(tidy, IDLE_WHEN_LEFT / 2).unref();
    return cursor;
  };

  const fetchBlock = async (block: number): Promise<Buffer> => {
    const bytes = Math.min(BLOCK, size - block * BLOCK);
    const cursor = await cursorAt(block);
    try {
      const data = await readExactly(cursor.stream, bytes);
      cursor.next = block + 1;
      cursor.busy = false;
      cursor.usedAt = Date.now();
      if (cursor.next * BLOCK >= size || signal.aborted) drop(cursor);
      return data;
    } catch (error) {
      drop(cursor);
      throw error;
    }
  };

  const blockAt = async (block: number): Promise<Buffer> => {
    signal.throwIfAborted();
    let data = kept.get(block);
    if (data) kept.delete(block);
    else {
      let fetching = underWay.get(block);
      if (!fetching) {
        fetching = fetchBlock(block);
        underWay.set(block, fetching);
      }
      try {
        data = await fetching;
      } catch (error) {
        if (!signal.aborted) lastError = toPlatformError(error);
        throw error;
      } finally {
        underWay.delete(block);
      }
    }
    // The last one asked for stands last, so that the first is the one to go.
    kept.set(block, data);
    for (const oldest of kept.keys()) {
      if (kept.size <= BLOCKS_KEPT) break;
      kept.delete(oldest);
    }
    return data;
  };

  return {
    lastError: () => lastError,
    async *read(start, end) {
      readers += 1;
      try {
        for (let at = start; at < end; ) {
          const block = Math.floor(at / BLOCK);
          const data = await blockAt(block);
          const piece = data.subarray(at - block * BLOCK, Math.min(end - block * BLOCK, data.length));
          at += piece.length;
          yield piece;
        }
      } finally {
        readers -= 1;
      }
    },
  };
}

/** Waits for exactly so many bytes. @throws PlatformError `source_truncated` when the stream ends before */
async function readExactly(stream: Readable, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let missing = bytes;
  while (missing > 0) {
    if (stream.errored) throw stream.errored;
    const piece: Buffer | null = stream.read(Math.min(missing, stream.readableLength || 1));
    if (piece) {
      pieces.push(piece);
      missing -= piece.length;
    } else if (stream.readableEnded || stream.destroyed) {
      throw new PlatformError(
        'source_truncated',
        `The source ended ${missing} bytes before the end it was said to have.`,
      );
    } else await readable(stream);
  }
  const [only] = pieces;
  return pieces.length === 1 && only ? only : Buffer.concat(pieces, bytes);
}

function readable(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'error', 'close'];
    const done = () => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}
