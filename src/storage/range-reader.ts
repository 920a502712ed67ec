// A loopback HTTP server that gives FFmpeg byte ranges of any store's objects, so that it opens nothing foreign. Opened by platform.ts.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { PlatformError } from '#domain/error.ts';
import { type BlockReader, createBlockReader } from '#storage/block-reader.ts';
import type { Store } from '#storage/store.ts';

export type ServedObject = {
  /** For FFmpeg: `http://127.0.0.1:PORT/TOKEN/source`. */
  readonly url: string;
  /**
   * What the store failed with last; null while it has not. Look here whenever FFmpeg ends, also when it ends well:
   * it takes a transfer that breaks off for the end of the file.
   */
  readonly lastError: PlatformError | null;
  /** Ends what is being sent and downloaded; the URL is dead from now on. */
  close(): void;
};

export type ServeOptions = {
  /** bytes; from the store's stat */
  readonly size: number;
  /** The same as close() when it aborts. */
  readonly signal?: AbortSignal;
};

export type RangeReader = {
  serve(store: Pick<Store, 'read'>, key: string, options: ServeOptions): ServedObject;
  close(): Promise<void>;
};

type Registration = { readonly size: number; readonly reader: BlockReader; readonly signal: AbortSignal };

/** Listens on 127.0.0.1, on a free port. */
export async function startRangeReader(): Promise<RangeReader> {
  const registrations = new Map<string, Registration>();
  const closers = new Set<() => void>();
  const server = createServer((request, response) => {
    const token = request.url?.split('/')[1] ?? '';
    answer(request, response, registrations.get(token)).catch(() => {
      // Nothing else is left to say once the headers are out: a broken connection. The cause is in lastError.
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  return {
    serve: (store, key, { size, signal }) => {
      const token = randomBytes(24).toString('base64url');
      const control = new AbortController();
      const reader = createBlockReader({ store, key, size, signal: control.signal });
      registrations.set(token, { size, reader, signal: control.signal });
      const close = () => {
        registrations.delete(token);
        closers.delete(close);
        signal?.removeEventListener('abort', close);
        control.abort();
      };
      closers.add(close);
      if (signal?.aborted) close();
      else signal?.addEventListener('abort', close, { once: true });
      return {
        url: `http://127.0.0.1:${port}/${token}/source`,
        get lastError() {
          return reader.lastError();
        },
        close,
      };
    },
    close: async () => {
      for (const close of closers) close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  served: Registration | undefined,
): Promise<void> {
  if (!served) return end(response, 404);
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, { allow: 'GET, HEAD' });
  const { size, reader, signal } = served;
  const range = parseRange(request.headers.range, size);
  if (range === 'beyond') return end(response, 416, { 'content-range': `bytes */${size}` });
  const { start, end: last } = range ?? { start: 0, end: size };
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': last - start,
    ...(range && { 'content-range': `bytes ${start}-${last - 1}/${size}` }),
  };
  const status = range ? 206 : 200;
  if (request.method === 'HEAD' || start === last) return end(response, status, headers);

  const pieces = reader.read(start, last);
  const stop = () => response.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const first = await pieces.next().catch(() => null);
    // A store that fails before a byte is out is a failed request, which FFmpeg reports as one.
    if (!first || first.done) return end(response, 502);
    response.writeHead(status, headers);
    if (!(await send(response, first.value))) return;
    for await (const piece of pieces) if (!(await send(response, piece))) return;
    response.end();
  } finally {
    signal.removeEventListener('abort', stop);
    await pieces.return();
  }
}

/** Whether the receiver is still there. */
async function send(response: ServerResponse, piece: Buffer): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(piece)) return true;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
  return !response.destroyed;
}

function end(response: ServerResponse, status: number, headers: Record<string, string | number> = {}): void {
  response.writeHead(status, { ...(status >= 400 && { 'content-length': 0 }), ...headers });
  response.end();
}

/**
 * RFC 9110 §14.2: one range of bytes. Null where there is none, or one to be ignored (malformed, several at once).
 * `end` is exclusive.
 */
export function parseRange(header: string | undefined, size: number): { start: number; end: number } | 'beyond' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match) return null;
  const [, from = '', to = ''] = match;
  if (from === '') {
    if (to === '') return null;
    const suffix = Math.min(Number(to), size);
    return suffix === 0 ? 'beyond' : { start: size - suffix, end: size };
  }
  const start = Number(from);
  if (to !== '' && Number(to) < start) return null;
  if (start >= size) return 'beyond';
  return { start, end: to === '' ? size : Math.min(Number(to) + 1, size) };
}
