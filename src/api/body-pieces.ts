// A request body in the pieces it arrives in. Used by the upload routes.
import { finished, type Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';

/** bytes that wait here while what came before is written; the socket is not read meanwhile */
const MOST_WAITING = 1024 ** 2;

/** Bytes of the body as its sender announced them, those of a form around a file included; null where it did not. */
export function announcedSize({ headers }: Pick<FastifyRequest, 'headers'>): number | null {
  const size = Number(headers['content-length'] ?? Number.NaN);
  return Number.isFinite(size) ? size : null;
}

/**
 * The body as it comes. Unlike a stream's own iterator it does not join what has gathered, which copies every byte, and it hands out all
 * that came before the connection broke. Ended early it leaves the body open, so that the request can still be answered: see drain in forms.ts.
 * @param signal ends it as a broken connection does
 * @throws Error what the body fails with, or the signal's reason
 */
export async function* piecesOf(body: Readable, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  /** null once the body has come to its end */
  let end: Error | null | undefined;
  let wake = (): void => undefined;
  const take = (piece: Uint8Array) => {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes >= MOST_WAITING) body.pause();
    wake();
  };
  const forget = finished(body, { writable: false }, (error) => {
    end = error ?? null;
    wake();
  });
  const abort = () => {
    end ??= signal?.reason instanceof Error ? signal.reason : new Error('aborted');
    body.off('data', take);
    body.pause();
    wake();
  };
  signal?.addEventListener('abort', abort, { once: true });
  body.on('data', take);
  if (signal?.aborted) abort();
  try {
    for (;;) {
      const piece = waiting.shift();
      if (piece) {
        bytes -= piece.length;
        if (bytes < MOST_WAITING && end === undefined && body.isPaused()) body.resume();
        yield piece;
      } else if (end) {
        throw end;
      } else if (end === null) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    body.off('data', take);
    forget();
    if (end === undefined) body.pause();
  }
}
