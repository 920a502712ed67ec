// A URL as a place of objects: which key is which address, and what every request to it carries. Used by http.ts and http-read.ts.
import { PlatformError } from '#domain/error.ts';
import { OWN_HEADERS } from '#domain/location.ts';
import type { Guard } from '#storage/egress.ts';
import {
  basicCredentials,
  HTTP_TIMEOUTS,
  type HttpRequest,
  type HttpTimeouts,
  publicUrl,
} from '#storage/http-exchange.ts';
import { checkKey } from '#storage/key.ts';

export type Place = {
  readonly guard: Guard;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: HttpTimeouts;
  readonly url: (key: string) => URL;
};

type PlaceOptions = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly guard: Guard;
  readonly timeouts?: HttpTimeouts;
};

/** The place, and the key of the URL itself. @throws PlatformError `invalid_request`, `*_refused_address` */
export function placeOf({ url, headers: given, guard, timeouts = HTTP_TIMEOUTS }: PlaceOptions): {
  readonly place: Place;
  readonly key: string;
} {
  const exact = new URL(guard.checkUrl(url));
  const headers = { 'accept-encoding': 'identity', ...basicCredentials(exact), ...checkHeaders(given) };
  exact.username = '';
  exact.password = '';
  exact.hash = '';
  const key = keyOf(exact);
  return { place: { guard, headers, timeouts, url: (asked) => urlOf(exact, key, asked) }, key };
}

export function requestFor(place: Place, key: string, method: HttpRequest['method']): HttpRequest {
  return { guard: place.guard, url: place.url(key), method, headers: place.headers, timeouts: place.timeouts };
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
  const names = url.pathname.split('/').map((name) => safeName(name));
  return (
    names
      .filter((name) => name !== '')
      .join('/')
      .slice(-200) || url.hostname.replace(/[[\]]/g, '')
  );
}

function safeName(name: string): string {
  let text = name;
  try {
    text = decodeURIComponent(name);
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
