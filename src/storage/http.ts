// Sources and destinations behind a URL. Opened by open.ts.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import { OWN_HEADERS } from '#domain/location.ts';
import { wantedRange } from '#storage/byte-range.ts';
import type { Guard } from '#storage/egress.ts';
import {
  basicCredentials,
  checkStatus,
  discard,
  exchange,
  HTTP_TIMEOUTS,
  type HttpAnswer,
  type HttpRequest,
  type HttpTimeouts,
  publicUrl,
} from '#storage/http-exchange.ts';
import { checkKey, nameOfKey } from '#storage/key.ts';
import { type ReadAttempt, resumingRead } from '#storage/resuming-read.ts';
import { storageError, transportError } from '#storage/storage-error.ts';
import type { ObjectInfo, ReadOptions, Store, WriteOptions } from '#storage/store.ts';
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

type Place = {
  readonly guard: Guard;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: HttpTimeouts;
  readonly url: (key: string) => URL;
};

/** Connects nothing yet. @throws PlatformError `invalid_request`, `*_refused_address` */
export function openHttp(options: HttpOptions): OpenedHttp {
  const { guard, method } = options;
  const exact = new URL(guard.checkUrl(options.url));
  const headers = { 'accept-encoding': 'identity', ...basicCredentials(exact), ...checkHeaders(options.headers) };
  exact.username = '';
  exact.password = '';
  exact.hash = '';
  const key = keyOf(exact);
  const place: Place = {
    guard,
    headers,
    timeouts: options.timeouts ?? HTTP_TIMEOUTS,
    url: (asked) => urlOf(exact, key, asked),
  };
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

function checkHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // RFC 9110 §5.1 and §5.5: what a name and a value may hold.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) {
      throw new PlatformError('invalid_request', `${JSON.stringify(name)} is not a header that can be sent.`);
    }
    if (OWN_HEADERS.has(name.toLowerCase())) {
      throw new PlatformError('invalid_request', `The header ${name} is set by the platform and cannot be given.`);
    }
    checked[name.toLowerCase()] = value;
  }
  return checked;
}

/** A key for the URL itself: its path, made harmless. It is only a name: requests go to the exact URL. */
function keyOf(url: URL): string {
  const segments = url.pathname.split('/').map((segment) => safeSegment(segment));
  return (
    segments
      .filter((segment) => segment !== '')
      .join('/')
      .slice(-200) || url.hostname.replace(/[[\]]/g, '')
  );
}

function safeSegment(segment: string): string {
  let text = segment;
  try {
    text = decodeURIComponent(segment);
  } catch {
    // Not valid UTF-8 once decoded: it stays as it is written.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is replaced.
  const plain = text.replace(/[\u0000-\u001f\u007f\\/]/g, '_');
  return plain === '.' || plain === '..' ? '' : plain.slice(0, 80);
}

function urlOf(exact: URL, own: string, asked: string): URL {
  checkKey(asked);
  if (asked === own) return exact;
  if (!asked.startsWith(`${own}/`))
    throw new PlatformError('invalid_request', `"${asked}" does not lie below ${publicUrl(exact)}.`);
  const url = new URL(exact);
  const below = asked.slice(own.length).split('/').map(encodeURIComponent).join('/');
  url.pathname = exact.pathname.replace(/\/$/, '') + below;
  return url;
}

function request(place: Place, key: string, method: HttpRequest['method']): HttpRequest {
  return { guard: place.guard, url: place.url(key), method, headers: place.headers, timeouts: place.timeouts };
}

async function statObject(place: Place, key: string, signal: AbortSignal | undefined): Promise<ObjectInfo> {
  const head = await exchange({ ...request(place, key, 'HEAD'), signal });
  discard(head.body);
  if (head.status >= 200 && head.status < 300 && length(head) !== null) return describe(key, head, length(head));
  // Many servers answer HEAD wrongly or not at all, and a signed URL is signed for GET alone: one byte tells as much.
  const asking = request(place, key, 'GET');
  const answer = await exchange({ ...asking, headers: { ...asking.headers, range: 'bytes=0-0' }, signal });
  if (answer.status === 416) {
    discard(answer.body);
    return describe(key, answer, contentRange(answer)?.size ?? 0);
  }
  checkStatus(answer, place.guard.role);
  discard(answer.body);
  return describe(key, answer, answer.status === 206 ? (contentRange(answer)?.size ?? null) : length(answer));
}

function describe(key: string, { header }: HttpAnswer, size: number | null): ObjectInfo {
  const modified = Date.parse(header('last-modified') ?? '');
  return {
    key,
    size,
    contentType: header('content-type') ?? null,
    etag: header('etag') ?? null,
    modifiedAt: Number.isNaN(modified) ? null : new Date(modified),
  };
}

function length({ header }: HttpAnswer): number | null {
  const value = header('content-length');
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
}

type ContentRange = { readonly start: number; readonly end: number; readonly size: number | null };

/** RFC 9110 §14.4: `bytes 0-99/1234`, with `*` for what is not known. `end` is exclusive. */
function contentRange({ header }: HttpAnswer): ContentRange | null {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header('content-range') ?? '');
  if (!match) return null;
  return {
    start: Number(match[1] ?? 0),
    end: Number(match[2] ?? -1) + 1,
    size: match[3] === '*' ? null : Number(match[3]),
  };
}

async function readObject(place: Place, key: string, reading: ReadOptions): Promise<Readable> {
  const { role } = place.guard;
  const { start, end } = wantedRange(key, reading, null);
  const asking = request(place, key, 'GET');
  const where = publicUrl(asking.url);
  let validator: string | undefined;
  let wantedEnd = end;

  const open = async (offset: number, signal: AbortSignal): Promise<ReadAttempt> => {
    const ranged = offset > 0 || wantedEnd !== null;
    const last = wantedEnd === null ? '' : String(wantedEnd - 1);
    const answer = await exchange({
      ...asking,
      headers: {
        ...asking.headers,
        ...(ranged && { range: `bytes=${offset}-${last}` }),
        // RFC 9110 §13.1.5: the rest of the same object, or all of the new one.
        ...(validator !== undefined && { 'if-range': validator }),
      },
      signal,
    });
    if (answer.status === 416) return emptyRange(answer, where, offset);
    checkStatus(answer, role);
    const range = answer.status === 206 ? contentRange(answer) : null;
    const began = answer.status === 206 ? range?.start : 0;
    if (began !== offset || isPacked(answer)) {
      discard(answer.body);
      throw storageError(unusable(where, answer, validator !== undefined), {
        role,
        fault: fault(validator),
        retryable: false,
      });
    }
    validator ??= validatorOf(answer);
    const answered = range ? range.end : length(answer);
    // A server without ranges sends everything; what was not asked for is cut off.
    wantedEnd = wantedEnd === null ? answered : Math.min(wantedEnd, answered ?? wantedEnd);
    return {
      body: answer.body,
      end: wantedEnd,
      resumable: validator !== undefined && answer.header('accept-ranges') !== 'none',
    };
  };
  return resumingRead({
    open,
    start,
    signal: reading.signal,
    stallTimeout: place.timeouts.stall,
    toError: (cause) => brokenTransfer(where, role, cause),
    toTruncated: (got, wanted) =>
      storageError(`${where} ended after ${got} of ${wanted} bytes.`, { role, fault: 'truncated' }),
  });
}

function emptyRange(answer: HttpAnswer, where: string, offset: number): ReadAttempt {
  if (offset > 0) {
    discard(answer.body);
    throw new PlatformError('invalid_request', `The range begins behind the end of ${where}.`);
  }
  return { body: answer.body, end: 0, resumable: false };
}

function isPacked({ header }: HttpAnswer): boolean {
  return /gzip|deflate|br|zstd|compress/i.test(header('content-encoding') ?? '');
}

function unusable(where: string, answer: HttpAnswer, resumed: boolean): string {
  if (isPacked(answer)) return `${where} is sent compressed although that was not asked for.`;
  if (resumed && answer.status === 200) return `${where} was changed while it was being read, or cannot be resumed.`;
  return `${where} does not serve byte ranges.`;
}

function fault(validator: string | undefined): 'truncated' | 'refused' {
  return validator === undefined ? 'refused' : 'truncated';
}

/** What makes sure that a resumed read is of the same object: a strong ETag, or else the date of the last change. */
function validatorOf({ header }: HttpAnswer): string | undefined {
  const etag = header('etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header('last-modified');
}

/** A connection that ended in the middle of an answer is a truncated source, whatever undici calls it. */
function brokenTransfer(where: string, role: Guard['role'], cause: unknown): Error {
  const error = transportError(where, role, cause);
  if (!(error instanceof PlatformError) || !error.code.endsWith('_unreachable')) return error;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return storageError(`The transfer of ${where} broke off: ${detail}.`, { role, fault: 'truncated', cause });
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
  const asking = request(place, key, method);
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
  const answer = await exchange(request(place, key, 'DELETE'));
  if (answer.status === 404 || answer.status === 410) discard(answer.body);
  else checkStatus(answer, place.guard.role);
  discard(answer.body);
}
