// Server-sent events (HTML §9.2): one open answer, kept alive, ended before the server closes. Used by the routes that stream.
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';

export type ServerEvent = { readonly id?: number; readonly event?: string; readonly data: unknown };

/** Silence is not distinguishable from a dead line: proxies and browsers hear something this often. */
const HEARTBEAT_SECONDS = 15;
/** Bytes that may wait for a client that reads too slowly; beyond that it is let go and may come again. */
const MOST_WAITING = 1024 ** 2;

export class EventStream {
  readonly #body = new PassThrough();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #control = new AbortController();

  constructor(reply: FastifyReply, open: Set<EventStream>) {
    open.add(this);
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_SECONDS * 1000);
    this.#body.once('close', () => {
      clearInterval(this.#heartbeat);
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

  end(): void {
    this.#body.end();
  }

  #write(text: string): void {
    if (this.#body.writableEnded || this.#body.destroyed) return;
    if (this.#body.writableLength > MOST_WAITING) this.#body.destroy();
    else this.#body.write(text);
  }
}
