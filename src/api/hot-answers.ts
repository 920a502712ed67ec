// Answers that many players ask for at once, sent before anything else looks at the request: memory to socket. Filled by routes that serve streams.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Api } from '#api/context.ts';

/** Bytes of all of them, and how many. */
const MOST_BYTES = 64 * 1024 ** 2;
const MOST = 5000;
/** Bytes up to which a body is sent as text, in one write with its headers; measured: a tenth more playlists a second. */
const TEXT_BYTES = 16 * 1024;
/** What a player or a cache needs to know of an answer. */
const HEADERS = [
  ...['content-type', 'content-length', 'etag', 'cache-control', 'accept-ranges', 'vary', 'x-content-type-options'],
  ...['access-control-allow-origin', 'access-control-expose-headers', 'cross-origin-resource-policy'],
];

type Hot = {
  readonly headers: readonly string[];
  /** A text holds one byte in each character. */
  readonly body: Buffer | string;
  readonly bytes: number;
  readonly holds: () => boolean;
};

/** As they are set on an answer. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export type HotAnswer = {
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
  /** Whether what it was made of still stands, and may still be seen: asked each time. */
  readonly holds: () => boolean;
};

export type HotAnswers = {
  /**
   * Keeps a whole answer for whoever asks for the very same address of the same host. Only for what the address alone opens, its token
   * included: never where a key did.
   */
  keep(request: IncomingMessage, answer: HotAnswer): void;
};

export function installHotAnswers(app: Api): HotAnswers {
  const kept = new Map<string, Hot>();
  let bytes = 0;
  const drop = (key: string) => {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  app.addHook('onReady', async () => {
    const [first] = app.server.listeners('request');
    const next = first as ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
    if (!next) return;
    app.server.removeListener('request', next);
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const key = plainKey(request);
      const hot = key === null ? undefined : kept.get(key);
      if (!hot?.holds()) return next(request, response);
      response.writeHead(200, hot.headers as string[]);
      response.end(hot.body, 'latin1');
    });
  });
  app.addHook('onClose', async () => kept.clear());
  return {
    keep: (request, { headers, body, holds }) => {
      const key = plainKey(request);
      if (key === null) return;
      drop(key);
      const isText = body.length <= TEXT_BYTES;
      const sent = isText ? body.toString('latin1') : body;
      kept.set(key, { headers: pick(headers, isText), body: sent, bytes: body.length, holds });
      bytes += body.length;
      // Insertion order is age.
      for (const oldest of kept.keys()) {
        if (bytes <= MOST_BYTES && kept.size <= MOST) break;
        drop(oldest);
      }
    },
  };
}

/** What asks for another answer than all of it, or shows a key. */
const NOT_PLAIN: readonly string[] = ['range', 'if-none-match', 'authorization', 'x-api-key'];
const LOOKED_AT = new Set(['host', ...NOT_PLAIN].map((name) => name.length));

/**
 * What a request asks for, by whose name: of one that asks for all of it, unconditionally, and shows no key; else null. The headers are
 * looked at as they came: Node makes an object of them when it is asked for, which costs as much as the rest of this.
 */
function plainKey({ method, url, rawHeaders }: IncomingMessage): string | null {
  if (method !== 'GET') return null;
  let host: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const written = rawHeaders[i] ?? '';
    if (!LOOKED_AT.has(written.length)) continue;
    const name = written.toLowerCase();
    if (NOT_PLAIN.includes(name)) return null;
    if (name === 'host') host ??= rawHeaders[i + 1];
  }
  return `${host} ${url}`;
}

/** Node checks every byte of every header each time it is sent: a tenth of what a playlist costs. So there is nothing in them that says nothing. */
function pick(headers: AnswerHeaders, isText: boolean): string[] {
  const told: AnswerHeaders = {
    ...headers,
    'access-control-expose-headers': exposed(headers),
    // Every origin is answered alike.
    ...(headers['access-control-allow-origin'] === '*' && headers.vary === 'Origin' ? { vary: undefined } : {}),
    // Nobody asks for a part of so little.
    ...(isText ? { 'accept-ranges': undefined } : {}),
  };
  return HEADERS.flatMap((name) => {
    const value = told[name];
    return value === undefined ? [] : [name, String(value)];
  });
}

/** Of the headers that scripts of other origins may read, those that are there. */
function exposed(headers: AnswerHeaders): string | undefined {
  const names = headers['access-control-expose-headers'];
  if (names === undefined) return undefined;
  const there = String(names)
    .split(/,\s*/)
    .filter((name) => headers[name.toLowerCase()] !== undefined);
  return there.join(', ');
}
