// Seals anew, under the newest key, what stands sealed in the tables: a few rows at a time, none that somebody holds. Called by workflows/reseal-all.ts.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';
import { resealStored, type Sealer } from '#database/sealed-location.ts';
import { PlatformError } from '#domain/error.ts';

/** sealed: the whole text is. url: it may be, as sealUrl writes it. json: values in it may be. */
type ColumnKind = 'sealed' | 'url' | 'json';
type SealedTable = {
  readonly table: keyof Schema;
  readonly keyType: 'bigint' | 'uuid';
  readonly columns: Readonly<Record<string, ColumnKind>>;
};

/** Every place of the database that holds something sealed. */
export const SEALED_TABLES: readonly SealedTable[] = [
  { table: 'job', keyType: 'bigint', columns: { source: 'json', notification_url: 'url' } },
  { table: 'output', keyType: 'bigint', columns: { spec: 'json' } },
  { table: 'video', keyType: 'uuid', columns: { content_key: 'sealed', notification_url: 'url' } },
  { table: 'channel', keyType: 'bigint', columns: { spec: 'json' } },
  { table: 'channel_profile', keyType: 'bigint', columns: { spec: 'json' } },
  { table: 'delivery', keyType: 'uuid', columns: { url: 'url', body: 'sealed', headers: 'sealed' } },
];

export type Resealing = {
  readonly sealer: Sealer;
  /** Of the table, in order; null begins. */
  readonly after: string | null;
  /** Only counts what would be sealed anew. */
  readonly isCheck: boolean;
};

export type ResealedRows = {
  /** Where the next call goes on; null at the table's end. */
  readonly after: string | null;
  readonly seen: number;
  /** Rows that were sealed under an older key. */
  readonly resealed: number;
  /** Rows that none of the keys opens. */
  readonly closed: number;
  /** Keys of rows that somebody was writing. */
  readonly held: readonly string[];
};

type Row = { readonly key: string } & Readonly<Record<string, unknown>>;

const ROWS = 200;

/** Rows of a table that hold something sealed. */
export async function countSealedRows(db: Kysely<Schema>, table: SealedTable): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.table(table.table)} where ${holdsSealed(table)}`.execute(db);
  return rows[0]?.count ?? 0;
}

/** The next rows of a table, in a transaction of their own. */
export async function resealRows(db: Kysely<Schema>, table: SealedTable, options: Resealing): Promise<ResealedRows> {
  const { after, isCheck, sealer } = options;
  const { rows: found } = await sql<Row>`
    select ${fields(table)} from ${sql.table(table.table)}
    where ${holdsSealed(table)} and ${after === null ? sql`true` : sql`id > ${after}::${sql.raw(table.keyType)}`}
    order by id limit ${ROWS}`.execute(db);
  const told = { after: found.length < ROWS ? null : (found.at(-1)?.key ?? null), seen: found.length };
  if (isCheck) return { ...told, ...count(found, table, sealer), held: [] };
  const old = found.filter((row) => resealRow(row, table, sealer).changed !== null).map(({ key }) => key);
  const done = await resealThese(db, table, { sealer, keys: old });
  const { closed } = count(
    found.filter(({ key }) => !old.includes(key)),
    table,
    sealer,
  );
  return { ...told, resealed: done.resealed, closed: closed + done.closed, held: done.held };
}

/**
 * These rows of a table, in a transaction of their own. It waits for nobody, so that nobody who waits for it is waited for:
 * who holds a row keeps it, and the row is answered as held.
 */
export async function resealThese(
  db: Kysely<Schema>,
  table: SealedTable,
  { sealer, keys }: { readonly sealer: Sealer; readonly keys: readonly string[] },
): Promise<Pick<ResealedRows, 'resealed' | 'closed' | 'held'>> {
  if (keys.length === 0) return { resealed: 0, closed: 0, held: [] };
  const name = sql.table(table.table);
  const isOne = sql`id = any(${keys}::${sql.raw(table.keyType)}[])`;
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql<Row>`
      select ${fields(table)} from ${name} where ${isOne} order by id for no key update skip locked`.execute(
      transaction,
    );
    const changed = rows.flatMap((row) => resealRow(row, table, sealer).changed ?? []);
    const columns = Object.entries(table.columns);
    const values = columns.map(([column]) => sql`${sql.ref(column)} = new.${sql.ref(column)}`);
    const types = columns.map(
      ([column, kind]) => sql`${sql.ref(column)} ${sql.raw(kind === 'json' ? 'jsonb' : 'text')}`,
    );
    if (changed.length > 0)
      await sql`
        update ${name} set ${sql.join(values)}
        from jsonb_to_recordset(${json(changed)}) as new (key ${sql.raw(table.keyType)}, ${sql.join(types)})
        where ${name}.id = new.key`.execute(transaction);
    const { rows: there } = await sql<{ key: string }>`
      select id::text as key from ${name} where ${isOne}`.execute(transaction);
    const held = there.map(({ key }) => key).filter((key) => !rows.some((row) => row.key === key));
    return { ...count(rows, table, sealer), held };
  });
}

const fields = ({ columns }: SealedTable) =>
  sql.join([sql`id::text as key`, ...Object.keys(columns).map((name) => sql.ref(name))]);

function holdsSealed({ columns }: SealedTable) {
  const tests = Object.entries(columns).map(([name, kind]) => {
    if (kind === 'sealed') return sql`${sql.ref(name)} is not null`;
    return kind === 'url' ? sql`${sql.ref(name)} like 'sealed:%'` : sql`${sql.ref(name)}::text like '%sealed%'`;
  });
  return sql`(${sql.join(tests, sql` or `)})`;
}

/** Rows that an older key sealed, and rows with something that no key opens. */
function count(rows: readonly Row[], table: SealedTable, sealer: Sealer) {
  const all = rows.map((row) => resealRow(row, table, sealer));
  return {
    resealed: all.filter(({ changed }) => changed !== null).length,
    closed: all.filter(({ isClosed }) => isClosed).length,
  };
}

/** The row under the newest key; `changed` is null where it is already. What no key opens stays as it is. */
function resealRow(row: Row, { columns }: SealedTable, sealer: Sealer) {
  let isClosed = false;
  let isOld = false;
  const reseal = (sealed: string): string | null => {
    try {
      const resealed = sealer.reseal(sealed);
      isOld ||= resealed !== null;
      return resealed;
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== 'wrong_key') throw error;
      isClosed = true;
      return null;
    }
  };
  const values = Object.entries(columns).map(([name, kind]) => {
    const stored = row[name];
    if (kind === 'sealed') return [name, typeof stored === 'string' ? (reseal(stored) ?? stored) : null];
    return [name, resealStored(stored, { reseal })];
  });
  const resealed: Row = { ...Object.fromEntries(values), key: row.key };
  return { changed: isOld ? resealed : null, isClosed };
}
