// A connection of its own for what must be answered soon or not at all: broken off where it is not, made anew with the next question. Used by the live room for signs of life.
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';

type Line = { readonly db: Kysely<Schema>; end(): void };

export class BriefLine {
  readonly #url: string;
  readonly #limit: number;
  #line: Promise<Line> | null = null;

  /** @param limit milliseconds for a connection, and for each question */
  constructor(url: string, limit: number) {
    this.#url = url;
    this.#limit = limit;
  }

  /**
   * One question at a time. The pool's connections may all wait for a server that is gone: nobody says so where its network went with it.
   * @throws PlatformError `database_unreachable`, whatever went wrong
   */
  async ask<T>(act: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    try {
      this.#line ??= connect(this.#url, this.#limit);
      const { db } = await this.#line;
      return await act(db);
    } catch (error) {
      this.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new PlatformError('database_unreachable', `PostgreSQL did not answer: ${reason}`, { cause: error });
    }
  }

  close(): void {
    const line = this.#line;
    this.#line = null;
    line?.then(
      ({ end }) => end(),
      // It never came about, and whoever asked was told.
      () => undefined,
    );
  }
}

async function connect(url: string, limit: number): Promise<Line> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'rendition live',
    connectionTimeoutMillis: limit,
    query_timeout: limit,
  });
  // 'end' follows; the next question finds out by itself.
  client.on('error', () => undefined);
  const end = () => void client.end().catch(() => undefined);
  try {
    await client.connect();
  } catch (error) {
    end();
    throw error;
  }
  const lent = Object.assign(client, { release: () => undefined });
  const pool = { connect: async () => lent, end: async () => end(), options: {} };
  return { db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), end };
}
