// Opens the database of DATABASE_URL, or the embedded one. Called by platform.ts, the CLI and the test kit.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { isConnectionLoss } from '#database/connection-loss.ts';
import { type CullPace, cullConnections } from '#database/cull-connections.ts';
import type { Schema } from '#database/schema.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';

export type Database = {
  /** Its queries reject with `database_unreachable` where no connection is to be had. */
  readonly db: Kysely<Schema>;
  readonly pool: pg.Pool;
  /** Holds the password: never for logs. */
  readonly url: string;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  /** Connections at the most; 10 where left out. */
  readonly connections?: number;
  /** Told of connections that broke while nobody used them; the pool replaces them by itself. */
  readonly onConnectionError?: (error: Error) => void;
  /** A shorter one in tests. */
  readonly cullPace?: CullPace;
};

/** server_version_num of PostgreSQL 15 */
const OLDEST = 150_000;
const CONNECT_SECONDS = 10;
/** A server that is starting or recovering answers so; it is waited for. */
const STARTING_UP = '57P03';
const STARTING_SECONDS = 60;

const AS_NUMBER = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
/** int8 and numeric as numbers (ids and byte counts stay far below 2^53); the rest as pg has it: timestamptz is a Date, bytea a Buffer. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    AS_NUMBER.has(oid) && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
};

/**
 * Connects, and checks that the server can be used.
 * @throws PlatformError `database_unreachable` naming host and port, never the password; `database_too_old` below PostgreSQL 15
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 10,
    connectionTimeoutMillis: CONNECT_SECONDS * 1000,
    keepAlive: true,
    // Opening one takes as long as a submission: a burst must not begin with ten of them.
    min: 4,
    application_name: 'rendition',
    types: TYPES,
  });
  let closing: Promise<void> | undefined;
  const report = (error: Error): void => {
    // The pool says goodbye and does not wait: a server that stops in that moment cuts what we have left anyway.
    if (!closing) options.onConnectionError?.(error);
  };
  pool.on('error', report);
  // The pool listens to idle clients only: one that breaks while it is lent out would end the process.
  pool.on('connect', (client) => client.on('error', report));
  const culling = cullConnections(pool, url, options.cullPace);
  const connections = {
    connect: async () => {
      try {
        return reporting(await pool.connect(), url);
      } catch (error) {
        throw unreachable(url, error);
      }
    },
    end: () => pool.end(),
    options: pool.options,
  };
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: connections }) });
  const close = () => {
    // What waits for a server that is gone would be waited for.
    closing ??= db
      .destroy()
      .then(() => (pool.ended ? undefined : pool.end()))
      .finally(() => culling.stop());
    return closing;
  };
  try {
    await checkServer(pool, url);
  } catch (error) {
    await close();
    throw error;
  }
  return { db, pool, url, close };
}

async function checkServer(pool: pg.Pool, url: string): Promise<void> {
  const deadline = performance.now() + STARTING_SECONDS * 1000;
  for (;;) {
    try {
      const { rows } = await pool.query<{ number: number; version: string }>(
        `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
      );
      const [server] = rows;
      if (server && server.number >= OLDEST) return;
      throw new PlatformError(
        'database_too_old',
        `PostgreSQL at ${placeOf(url)} is ${server?.version}; 15 or newer is needed`,
      );
    } catch (error) {
      if (!isNodeError(error) || error.code !== STARTING_UP || performance.now() > deadline)
        throw unreachable(url, error);
      await sleep(200);
    }
  }
}

/** A line that breaks under a query says the same as one that can't be had, and is given to nobody else. */
function reporting(client: pg.PoolClient, url: string): PostgresPoolClient {
  let isLost = false;
  const query = async (text: string, values: readonly unknown[]) => {
    try {
      return await client.query(text, [...values]);
    } catch (error) {
      isLost ||= isConnectionLoss(error);
      throw isLost ? unreachable(url, error) : error;
    }
  };
  return {
    // Its second form takes a cursor; Kysely is given none.
    query: query as unknown as PostgresPoolClient['query'],
    release: (broken) => client.release(broken || isLost),
  };
}

function unreachable(url: string, error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  return new PlatformError(
    'database_unreachable',
    `PostgreSQL at ${placeOf(url)} can't be reached: ${reasonOf(error)}`,
    { cause: error },
  );
}

function reasonOf(error: unknown): string {
  // Node tries every address of a name, and puts the reasons in a list with an empty message of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** `host:port/database` of a connection string, without user and password. */
export function placeOf(url: string): string {
  const { host, port, database } = new pg.Client({ connectionString: url });
  return `${host}:${port}/${database ?? ''}`;
}
