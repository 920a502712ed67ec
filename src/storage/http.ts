// Sources and destinations behind a URL. Opened by open.ts; read in http-read.ts.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import type { Guard } from '#storage/egress.ts';
import { checkStatus, discard, exchange, type HttpTimeouts } from '#storage/http-exchange.ts';
import { type Place, placeOf, requestFor } from '#storage/http-place.ts';
import { readObject, statObject } from '#storage/http-read.ts';
import { nameOfKey } from '#storage/key.ts';
import type { Store, WriteOptions } from '#storage/store.ts';
import { STREAM_BUFFER, writeBody } from '#storage/write-body.ts';

export type HttpOptions = {
  readonly url: string;
  /** Sent with every request to the URL's own origin. */
  readonly headers: Readonly<Record<string, string>>;
  /** How a destination is written. */
  readonly method: 'PUT' | 'POST';
  readonly guard: Guard;
  readonly timeouts?: HttpTimeouts;
};

/** `key` is the URL itself; keys below it (`key/name`) are the URL with that added to its path, the query kept. */
export type OpenedHttp = { readonly store: Store; readonly key: string; readonly name: string };

/** Connects nothing yet. @throws PlatformError `invalid_request`, `*_refused_address` */
export function openHttp(options: HttpOptions): OpenedHttp {
  const { guard, method } = options;
  const { place, key } = placeOf(options);
  const write = (at: string, body: Readable | Uint8Array, writing: WriteOptions = {}) =>
    writeObject(place, at, { body, writing, method });
  const store: Store = {
    kind: 'http',
    abilities: { ranges: true, list: false, write: guard.role === 'destination', remove: guard.role === 'destination' },
    stat: (at, signal) => statObject(place, at, signal),
    read: (at, reading = {}) => readObject(place, at, reading),
    write,
    remove: (at) => removeObject(place, at),
    removeAll: async () => {
      throw new PlatformError('invalid_request', 'HTTP cannot list, so it cannot remove by prefix.');
    },
    // biome-ignore lint/correctness/useYield: there is nothing to yield, and the interface wants a generator.
    list: async function* () {
      throw new PlatformError('invalid_request', 'HTTP cannot list what lies below a URL.');
    },
    localPath: () => null,
    adopt: async (path, at, writing = {}) => {
      const { size } = await stat(path);
      return write(at, createReadStream(path, { highWaterMark: STREAM_BUFFER }), { ...writing, size });
    },
    close: async () => undefined,
  };
  return { store, key, name: nameOfKey(key) };
}

type Writing = {
  readonly body: Readable | Uint8Array;
  readonly writing: WriteOptions;
  readonly method: 'PUT' | 'POST';
};

async function writeObject(place: Place, key: string, { body, writing, method }: Writing): Promise<number> {
  if (place.guard.role !== 'destination') throw new PlatformError('invalid_request', 'A source cannot be written.');
  writing.signal?.throwIfAborted();
  const { stream, bytes, failure } = writeBody(body, writing);
  const size = writing.size ?? (body instanceof Uint8Array ? body.length : undefined);
  const asking = requestFor(place, key, method);
  try {
    const answer = await exchange({
      ...asking,
      headers: {
        ...asking.headers,
        'content-type': writing.contentType ?? 'application/octet-stream',
        ...(writing.cacheControl && { 'cache-control': writing.cacheControl }),
        ...(size !== undefined && { 'content-length': String(size) }),
      },
      body: stream,
    });
    checkStatus(answer, place.guard.role);
    discard(answer.body);
    return bytes();
  } catch (error) {
    // Destroying the body ends the request, so the server never takes a part for the whole.
    stream.destroy();
    throw failure() ?? error;
  }
}

async function removeObject(place: Place, key: string): Promise<void> {
  if (place.guard.role !== 'destination') throw new PlatformError('invalid_request', 'A source cannot be removed.');
  const answer = await exchange(requestFor(place, key, 'DELETE'));
  if (answer.status === 404 || answer.status === 410) discard(answer.body);
  else checkStatus(answer, place.guard.role);
  discard(answer.body);
}
