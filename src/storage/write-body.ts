// The body of a write on its way: counted, held against its declared size, ended by the caller's signal. Used by every store that writes.
import { pipeline, Readable, Transform } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import type { WriteOptions } from '#storage/store.ts';

/** Bytes of a stream buffer; measured: 1.6 × the throughput of the default. */
export const STREAM_BUFFER = 1024 * 1024;

export type WriteBody = {
  /** What the store sends. */
  readonly stream: Readable;
  /** Bytes passed so far. */
  readonly bytes: () => number;
  /** Why the body ended early where that is the caller's: its stream failed, its signal aborted, its size was wrong. */
  readonly failure: () => Error | undefined;
};

/**
 * The caller's body as one stream that is counted, aborts with the signal's reason, and fails with `invalid_request`
 * unless it has exactly `size` bytes where that is given.
 */
export function writeBody(body: Readable | Uint8Array, options: WriteOptions = {}): WriteBody {
  const { size, signal, onProgress } = options;
  if (signal?.aborted) {
    if (body instanceof Readable) body.destroy();
    throw abortReason(signal);
  }
  let bytes = 0;
  let failure: Error | undefined;
  const wrongSize = (seen: string) => {
    failure = new PlatformError('invalid_request', `The body was announced with ${size} bytes and has ${seen}.`);
    return failure;
  };
  const stream = new Transform({
    readableHighWaterMark: STREAM_BUFFER,
    writableHighWaterMark: STREAM_BUFFER,
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (size !== undefined && bytes > size) return done(wrongSize(`more than ${size}`));
      onProgress?.(bytes);
      done(null, piece);
    },
    flush(done) {
      done(size !== undefined && bytes !== size ? wrongSize(String(bytes)) : null);
    },
  });
  endOnAbort(stream, signal, (reason) => {
    failure ??= reason;
  });
  // It may fail while the store is still connecting and nobody reads it yet; failure() keeps why.
  stream.on('error', () => undefined);
  const source = body instanceof Uint8Array ? Readable.from([body], { objectMode: false }) : body;
  // Heard before the pipeline's own listeners: once the stream is destroyed, the store was first and the source only followed.
  source.once('error', (error) => {
    if (!stream.destroyed) failure ??= error;
  });
  source.once('close', () => {
    if (!stream.destroyed && !source.readableEnded) failure ??= new Error('The body was closed before its end.');
  });
  // The pipeline's own callback is not needed: it destroys the stream with the body's error, and whoever reads that sees it.
  pipeline(source, stream, () => undefined);
  return { stream, bytes: () => bytes, failure: () => failure };
}

/** Ends a stream with the signal's reason when it aborts, and says so where the stream was still going. */
export function endOnAbort(stream: Readable, signal: AbortSignal | undefined, onAbort?: (reason: Error) => void): void {
  const abort = () => {
    const reason = abortReason(signal);
    if (!stream.destroyed) onAbort?.(reason);
    stream.destroy(reason);
  };
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
