// LISTEN and NOTIFY: one connection of its own for every database, made anew when it breaks. Called by queue wiring and event streams.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Database } from '#database/connect.ts';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';

/** The payload of a notification; null after a broken connection: some may have been missed, look for yourself. */
export type NotificationHandler = (payload: string | null) => void;

export type Subscription = { close(): Promise<void> };

/** PostgreSQL's limit of a payload is 8000 bytes, its end included. */
const LONGEST_PAYLOAD = 7999;
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;
/** Seconds between asking the server whether it still lives: a cut line says nothing by itself. */
const HEARTBEAT = 30;
const RETRY_MS = [50, 200, 500, 1000, 2000, 5000] as const;

const listeners = new WeakMap<Database, Listener>();

/**
 * Calls `handler` for every notification on `channel` from the moment this resolves.
 * @throws PlatformError `database_unreachable` when the first connection fails; later ones are tried until closed
 */
export async function listen(database: Database, channel: string, handler: NotificationHandler): Promise<Subscription> {
  let listener = listeners.get(database);
  if (!listener) {
    listener = new Listener(database.url);
    listeners.set(database, listener);
  }
  const owner = listener;
  await owner.add(named(channel), handler);
  return { close: () => owner.remove(channel, handler) };
}

/** Sends when the transaction commits, at once outside of one. At most 7999 bytes. */
export async function notify(
  db: Kysely<Schema> | Transaction<Schema>,
  channel: string,
  payload: string,
): Promise<void> {
  if (Buffer.byteLength(payload) > LONGEST_PAYLOAD)
    throw new PlatformError('internal', `A notification on ${channel} is longer than ${LONGEST_PAYLOAD} bytes`);
  await sql`select pg_notify(${named(channel)}, ${payload})`.execute(db);
}

function named(channel: string): string {
  if (!CHANNEL.test(channel)) throw new PlatformError('internal', `"${channel}" is no channel name`);
  return channel;
}

/** The connection and who listens on it. It lives from the first handler to the last. */
class Listener {
  readonly #url: string;
  readonly #handlers = new Map<string, Set<NotificationHandler>>();
  #life: { readonly connection: Promise<pg.Client>; readonly stop: AbortController } | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async add(channel: string, handler: NotificationHandler): Promise<void> {
    const known = this.#handlers.get(channel);
    if (known) known.add(handler);
    else this.#handlers.set(channel, new Set([handler]));
    try {
      if (!this.#life) this.#begin((signal) => this.#connect(signal), new AbortController());
      const client = await this.#life?.connection;
      await client?.query(`listen ${channel}`);
    } catch (error) {
      await this.remove(channel, handler);
      throw new PlatformError(
        'database_unreachable',
        `Listening for notifications failed: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  async remove(channel: string, handler: NotificationHandler): Promise<void> {
    const known = this.#handlers.get(channel);
    known?.delete(handler);
    if (known?.size === 0) this.#handlers.delete(channel);
    const life = this.#life;
    if (this.#handlers.size > 0 || !life) return;
    this.#life = undefined;
    life.stop.abort();
    // One that never came about needs no end.
    const client = await life.connection.catch(() => undefined);
    await client?.end();
  }

  #begin(connect: (signal: AbortSignal) => Promise<pg.Client>, stop: AbortController): void {
    const connection = connect(stop.signal);
    // Whoever awaits it sees the failure; between two connections nobody does.
    connection.catch(() => undefined);
    this.#life = { connection, stop };
  }

  async #connect(signal: AbortSignal): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'rendition listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
    });
    client.on('notification', ({ channel, payload }) => {
      for (const handler of this.#handlers.get(channel) ?? []) handler(payload ?? '');
    });
    // 'end' follows every 'error': the reconnection starts there.
    client.on('error', () => undefined);
    try {
      await client.connect();
      for (const channel of this.#handlers.keys()) await client.query(`listen ${channel}`);
    } catch (error) {
      await client.end();
      throw error;
    }
    client.once('end', () => {
      const stop = this.#life?.stop;
      if (stop && stop.signal === signal && !signal.aborted) this.#begin((again) => this.#reconnect(again), stop);
    });
    void this.#beat(client, signal);
    return client;
  }

  async #reconnect(signal: AbortSignal): Promise<pg.Client> {
    for (let tries = 0; ; tries++) {
      await sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], undefined, { signal });
      try {
        const client = await this.#connect(signal);
        for (const handlers of this.#handlers.values()) for (const handler of handlers) handler(null);
        return client;
      } catch (error) {
        if (signal.aborted) throw error;
      }
    }
  }

  async #beat(client: pg.Client, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await sleep(HEARTBEAT * 1000, undefined, { signal, ref: false });
        await client.query('select 1');
      }
    } catch {
      // Closed on purpose, or dead: ending it is what starts the reconnection.
      if (!signal.aborted) await client.end();
    }
  }
}
