// Server-sent events (HTML §9.2): one open answer, kept alive, ended before the server closes. Used by the routes that stream.
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { listen } from '#database/listen.ts';
import type { EventNote, JobProgressNote } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

export type ServerEvent = { readonly id?: number; readonly event?: string; readonly data: unknown };

/** Silence is not distinguishable from a dead line: proxies and browsers hear something this often. */
const HEARTBEAT_SECONDS = 15;
/** How soon a stream ends whose key was revoked, at the most. */
const KEY_SECONDS = 5;
/** Bytes that may wait for a client that reads too slowly; beyond that it is let go and may come again. */
const MOST_WAITING = 1024 ** 2;

export class EventStream {
  readonly #body = new PassThrough();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #keyCheck: NodeJS.Timeout | null;
  readonly #control = new AbortController();

  constructor(reply: FastifyReply, open: Set<EventStream>) {
    open.add(this);
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_SECONDS * 1000);
    const { isKeyGood, log } = reply.request;
    // Where the database does not answer nobody knows better: it is asked again.
    const check = () =>
      void isKeyGood?.().then(
        (isGood) => isGood || this.end(),
        (error: unknown) => log.warn({ err: error }, 'the key of an open stream could not be checked'),
      );
    this.#keyCheck = isKeyGood ? setInterval(check, KEY_SECONDS * 1000) : null;
    this.#body.once('close', () => {
      clearInterval(this.#heartbeat);
      if (this.#keyCheck) clearInterval(this.#keyCheck);
      open.delete(this);
      this.#control.abort();
    });
    // Nobody may be there any more: then nothing would close the body.
    if (reply.raw.destroyed) this.#body.destroy();
    else reply.raw.once('close', () => this.#body.destroy());
    // Headers reach the client with the first bytes: an EventSource is open from here on.
    this.#write('retry: 2000\n\n');
    reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .header('X-Accel-Buffering', 'no')
      .send(this.#body);
  }

  /** Aborted when the client or the server has ended the stream. */
  get signal(): AbortSignal {
    return this.#control.signal;
  }

  send({ id, event, data }: ServerEvent): void {
    const lines = [id === undefined ? '' : `id: ${id}\n`, event === undefined ? '' : `event: ${event}\n`];
    // JSON holds no raw line ends.
    this.#write(`${lines.join('')}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Until the client has taken what waits for it, or is gone: who sends much asks before it goes on. */
  async taken(): Promise<void> {
    while (this.#body.writableNeedDrain && !this.signal.aborted)
      await once(this.#body, 'drain', { signal: this.signal }).catch((error: unknown) => {
        if (!this.signal.aborted) throw error;
      });
  }

  end(): void {
    this.#body.end();
  }

  #write(text: string): void {
    if (this.#body.writableEnded || this.#body.destroyed) return;
    if (this.#body.writableLength > MOST_WAITING) this.#body.destroy();
    else this.#body.write(text);
  }
}

/** What is said on the channels that streams listen to. */
export type StreamNote = EventNote | JobProgressNote;

export type Following = {
  readonly channels: readonly string[];
  /** Whether a note may have brought something to tell; null is a connection that broke: anything may have happened. */
  readonly hear: (note: StreamNote | null) => boolean;
  /** Reads what there is to tell and sends it. */
  readonly tell: () => Promise<void>;
};

/**
 * Tells at once, then whenever something is heard, until the stream ends. One reading at a time, in order; one that
 * fails ends the stream, and the client comes again.
 */
export async function follow(
  { database, log }: Pick<Platform, 'database' | 'log'>,
  stream: EventStream,
  { channels, hear, tell }: Following,
): Promise<void> {
  let going: Promise<void> = Promise.resolve();
  let isDue = false;
  const wake = () => {
    // A reading that has not begun will see this too.
    if (isDue) return;
    isDue = true;
    going = going
      .then(() => {
        isDue = false;
        return stream.signal.aborted ? undefined : tell();
      })
      .catch((error: unknown) => {
        log.warn({ err: error }, 'event stream failed');
        stream.end();
      });
  };
  for (const channel of channels) {
    const subscription = await listen(database, channel, (payload) => {
      if (hear(payload === null ? null : (JSON.parse(payload) as StreamNote))) wake();
    });
    stream.signal.addEventListener('abort', () => void subscription.close(), { once: true });
    if (stream.signal.aborted) await subscription.close();
  }
  wake();
}
