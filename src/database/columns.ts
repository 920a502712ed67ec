// What columns of the tables are read as and written with: JSON, times, texts of strangers. Used by the tables and by every file that writes rows.
import { type ColumnType, type RawBuilder, sql } from 'kysely';

/** Read as a value; written through json(), so that arrays are not taken for PostgreSQL arrays. */
export type Json<T> = ColumnType<T, RawBuilder<T>, RawBuilder<T>>;
export type OptionalJson<T> = ColumnType<T | null, RawBuilder<T> | null | undefined, RawBuilder<T> | null>;
export type Time = ColumnType<Date, Date | undefined, Date>;
export type OptionalTime = ColumnType<Date | null, Date | null | undefined, Date | null>;

/**
 * A value as jsonb. PostgreSQL refuses U+0000 and lone surrogates inside jsonb, and both come out of
 * strangers' media tags: they are dropped and replaced.
 */
export function json<T>(value: T): RawBuilder<T> {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('\u0000', '').toWellFormed() : inner,
  );
  return sql<T>`${text}::jsonb`;
}

/** The same for a text column. */
export const plainText = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();
