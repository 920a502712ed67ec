// A fresh, migrated database for a test, from one embedded server that all test processes share and that ends with the last of them.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { type Database, openDatabase } from '#database/connect.ts';
import { type EmbeddedDatabase, startEmbedded } from '#database/embedded.ts';
import { migrate, readMigrations } from '#database/migrate.ts';

export type FreshDatabase = { readonly database: Database; readonly url: string; drop(): Promise<void> };

/** One cluster for each checkout, git-ignored: two that test at once do not meet. */
const FOLDER = join(import.meta.dirname, '..', '..', 'tmp', 'test-database');
/** Serialises the making of the template between test processes. */
const TEMPLATE_LOCK = 7_271_193_013;
/** Not kept from run to run: databases of killed tests older than this are dropped. */
const STALE_MINUTES = 60;

let server: Promise<EmbeddedDatabase> | undefined;
let template: Promise<string> | undefined;

/** The shared server itself, for tests that need an empty database or several. It ends when no test process uses it. */
export function sharedServer(): Promise<EmbeddedDatabase> {
  server ??= startEmbedded({ folder: FOLDER, durable: false });
  return server;
}

/** A database with all migrations run, of this test alone. Call `drop` at the end: open connections keep a test process alive. */
export async function freshDatabase(): Promise<FreshDatabase> {
  template ??= makeTemplate();
  return createDatabase(await template);
}

/** A database with nothing in it. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return createDatabase('template0');
}

async function createDatabase(from: string): Promise<FreshDatabase> {
  const { url: serverUrl } = await sharedServer();
  const name = `test_${Math.floor(Date.now() / 60_000)}_${randomBytes(6).toString('hex')}`;
  await asAdministrator(serverUrl, (client) =>
    client.query(`create database ${name} template ${from} strategy file_copy`),
  );
  const url = urlOf(serverUrl, name);
  const database = await openDatabase(url);
  return {
    database,
    url,
    drop: async () => {
      await database.close();
      await asAdministrator(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Its name holds what the migrations are: changed ones make a template of their own. */
async function makeTemplate(): Promise<string> {
  const { url } = await sharedServer();
  const migrations = await readMigrations();
  const name = `template_${createHash('sha256')
    .update(migrations.map(({ name, checksum }) => name + checksum).join())
    .digest('hex')
    .slice(0, 16)}`;
  await asAdministrator(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like 'template\\_%' or datname like 'test\\_%'`,
    );
    const now = Date.now() / 60_000;
    for (const { datname } of rows) {
      const stale = datname.startsWith('template_')
        ? datname !== name
        : now - Number(datname.split('_')[1]) > STALE_MINUTES;
      if (stale) await client.query(`drop database if exists ${datname} with (force)`);
    }
    if (rows.some(({ datname }) => datname === name)) return;
    // Under another name until it is whole: a killed test must not leave half a template.
    const making = `test_${Math.floor(now)}_${randomBytes(6).toString('hex')}`;
    await client.query(`create database ${making}`);
    const database = await openDatabase(urlOf(url, making));
    try {
      await migrate(database);
    } finally {
      await database.close();
    }
    await client.query(`alter database ${making} rename to ${name}`);
  });
  return name;
}

async function asAdministrator(url: string, act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

function urlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
