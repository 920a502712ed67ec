// One HTTP request through the address guard: redirects followed by us, each checked; statuses as the platform's codes. Used by http.ts.
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Guard } from '#storage/egress.ts';
import { retryAfterSeconds, storageError, transportError } from '#storage/storage-error.ts';
import type { StoreRole } from '#storage/store.ts';

export type HttpTimeouts = {
  /** milliseconds until the answer's headers, counted from the last byte sent */
  readonly headers: number;
  /** milliseconds without a byte of the answer's body */
  readonly stall: number;
};
export const HTTP_TIMEOUTS: HttpTimeouts = { headers: 60_000, stall: 30_000 };

const MOST_REDIRECTS = 5;
/** Headers that still go along when a redirect leads to another origin: none that could say who we are. */
const HARMLESS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'if-range',
  'range',
  'referer',
  'user-agent',
]);

export type HttpRequest = {
  readonly guard: Guard;
  readonly url: URL;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly timeouts: HttpTimeouts;
};

export type HttpAnswer = {
  readonly status: number;
  readonly body: Readable;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** The value of a header; the first where it came twice. */
  readonly header: (name: string) => string | undefined;
};

/** Sends one request. GET and HEAD follow up to five redirects. @throws PlatformError by the guard's role */
export async function exchange(request: HttpRequest): Promise<HttpAnswer> {
  let { url, headers } = request;
  const visited = new Set([url.href]);
  for (let redirects = 0; ; redirects++) {
    const answer = await send({ ...request, url, headers });
    const target = redirectTarget(request, answer);
    if (!target) return answer;
    discard(answer.body);
    if (redirects >= MOST_REDIRECTS || visited.has(target.href)) {
      const why = visited.has(target.href) ? 'redirects in a circle' : `redirects more than ${MOST_REDIRECTS} times`;
      throw storageError(`${publicUrl(request.url)} ${why}.`, { role: request.guard.role, fault: 'redirects' });
    }
    visited.add(target.href);
    if (target.origin !== url.origin) headers = harmless(headers);
    url = target;
  }
}

async function send(request: HttpRequest): Promise<HttpAnswer> {
  const { guard, method, body, signal, timeouts } = request;
  const url = guard.checkUrl(request.url);
  const { request: undiciRequest } = await import('undici');
  let answer: Dispatcher.ResponseData;
  try {
    answer = await undiciRequest(url, {
      method,
      headers: { ...request.headers },
      dispatcher: await guard.dispatcher(),
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.stall,
      ...(body && { body }),
      ...(signal && { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw transportError(publicUrl(url), guard.role, error);
  }
  const header = (name: string) => {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return { status: answer.statusCode, body: answer.body, url, header };
}

function redirectTarget({ method, guard }: HttpRequest, { status, header, url }: HttpAnswer): URL | null {
  const location = header('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return null;
  if (method !== 'GET' && method !== 'HEAD') return null;
  const target = URL.parse(location, url.href);
  if (target && /^https?:$/.test(target.protocol)) return guard.checkUrl(target);
  throw storageError(`${publicUrl(url)} redirects to something that is no http or https URL.`, {
    role: guard.role,
    fault: 'redirects',
  });
}

function harmless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())));
}

/** Fails unless the status is one of success; the answer's body is dropped then. */
export function checkStatus(answer: HttpAnswer, role: StoreRole): void {
  const { status, url } = answer;
  if (status >= 200 && status < 300) return;
  discard(answer.body);
  const place = publicUrl(url);
  if (status === 404 || status === 410)
    throw storageError(`${place} does not exist (${status}).`, { role, fault: 'not_found' });
  if (status === 401 || status === 403 || status === 407) {
    throw storageError(`${place} denies access (${status}).`, { role, fault: 'denied' });
  }
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
  const retryAfter = mayPass ? retryAfterSeconds(answer.header('retry-after')) : undefined;
  throw storageError(`${place} answered with status ${status}.`, {
    role,
    // It was reached: a destination that answers so refuses the file, for now or for good.
    fault: 'refused',
    retryable: mayPass,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** Drops an answer's body that nobody wants: a short one is read, so that its connection can be used again. */
export function discard(body: Readable): void {
  const SHORT = 64 * 1024;
  let seen = 0;
  body.on('error', () => undefined);
  body.on('data', (piece: Buffer) => {
    seen += piece.length;
    if (seen > SHORT) body.destroy();
  });
}

/** What a URL's user and password are sent as (RFC 7617); nothing where it has none. */
export function basicCredentials(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${unescaped(url.username)}:${unescaped(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A password may hold a % that stands for itself. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A URL for messages: without user, password and query, which may carry signatures. */
export function publicUrl(url: URL): string {
  return url.origin + url.pathname;
}
