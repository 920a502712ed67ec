// Runs migrations/NNN-name.sql in order, each once. Called by platform.ts at start, `rendition migrate` and the test kit.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { Database } from '#database/connect.ts';
import { PlatformError } from '#domain/error.ts';

export type Migration = { readonly name: string; readonly sql: string; readonly checksum: string };

const FOLDER = join(import.meta.dirname, 'migrations');
const NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;
/** Any number, but always this one: several processes that start at once take turns. */
const LOCK = 7_271_193_012;

/** The migrations of a folder by number. @throws PlatformError `internal` for a file that is named otherwise, or two of one number */
export async function readMigrations(folder: string = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).sort();
  const numbers = new Set<string>();
  const migrations: Migration[] = [];
  for (const name of names) {
    const number = NAME.exec(name)?.[1];
    if (!number || numbers.has(number))
      throw new PlatformError(
        'internal',
        `${join(folder, name)} is ${number ? 'the second of its number' : 'not named NNN-name.sql'}`,
      );
    numbers.add(number);
    // Git may have turned line ends on its way to Windows: that is no change.
    const sql = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
    migrations.push({ name, sql, checksum: createHash('sha256').update(sql).digest('hex') });
  }
  return migrations;
}

/**
 * Brings the database up to date; each migration is one transaction. Resolves with the names of those it ran.
 * @throws PlatformError `database_mismatch` when an applied migration was changed or is unknown to this version
 */
export async function migrate(database: Database, migrations?: readonly Migration[]): Promise<string[]> {
  const wanted = migrations ?? (await readMigrations());
  const client = await database.pool.connect();
  let failed = true;
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(
      'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from schema_migrations order by name',
    );
    checkApplied(rows, wanted);
    const applied = new Set(rows.map(({ name }) => name));
    const missing = wanted.filter(({ name }) => !applied.has(name));
    for (const migration of missing) await apply(client, migration);
    await client.query('select pg_advisory_unlock($1)', [LOCK]);
    failed = false;
    return missing.map(({ name }) => name);
  } finally {
    // A failed one may still hold the lock or an open transaction: its connection is dropped, and both with it.
    client.release(failed);
  }
}

/** Names of the migrations that `migrate` would run. */
export async function findPending(database: Database): Promise<string[]> {
  const { rows: tables } = await database.pool.query<{ there: boolean }>(
    `select to_regclass('schema_migrations') is not null as there`,
  );
  const { rows } = tables[0]?.there
    ? await database.pool.query<{ name: string }>('select name from schema_migrations')
    : { rows: [] };
  const applied = new Set(rows.map(({ name }) => name));
  return (await readMigrations()).map(({ name }) => name).filter((name) => !applied.has(name));
}

function checkApplied(applied: readonly { name: string; checksum: string }[], wanted: readonly Migration[]): void {
  const last = wanted.at(-1)?.name ?? '';
  for (const { name, checksum } of applied) {
    const known = wanted.find((migration) => migration.name === name);
    if (!known && name > last) {
      throw new PlatformError(
        'database_mismatch',
        `The database is newer than this version of Rendition: it knows ${name}, this version ends with ${last || 'none'}`,
      );
    }
    if (!known)
      throw new PlatformError(
        'database_mismatch',
        `The database has the migration ${name}, which this version of Rendition does not`,
      );
    if (known.checksum !== checksum)
      throw new PlatformError('database_mismatch', `The migration ${name} was changed after the database ran it`);
  }
}

async function apply(client: pg.PoolClient, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
  } catch (error) {
    throw new PlatformError(
      'internal',
      `The migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
