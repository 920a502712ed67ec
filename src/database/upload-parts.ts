// The chunks of an upload that have come, and who writes one into its place now. Changed by workflows/uploads.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';

export type UploadRef = { readonly projectId: string; readonly id: string };

/** A chunk that is whole. */
export type UploadPart = {
  readonly index: number;
  /** bytes */
  readonly size: number;
  /** hex; null where it was not asked for */
  readonly sha256: string | null;
  /** An object of its own; null where it lies at its place in the growing file. */
  readonly storageKey: string | null;
};

/**
 * Claims the right to write a chunk into its place. False where somebody else has it, or where it was written already:
 * then the chunk becomes an object of its own, so that what is there stays whole until the new one is.
 */
export async function claimUploadPart(
  db: Kysely<Schema>,
  { projectId, id, index, claim }: UploadRef & { readonly index: number; readonly claim: string },
): Promise<boolean> {
  const result = await db
    .insertInto('upload_part')
    .values({ upload_id: id, project_id: projectId, index, claim })
    .onConflict((conflict) => conflict.columns(['upload_id', 'index']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows) > 0;
}

/** Takes a claim back: the chunk broke off. */
export async function releaseUploadPart(
  db: Kysely<Schema>,
  { projectId, id, index, claim }: UploadRef & { readonly index: number; readonly claim: string },
): Promise<void> {
  await db
    .deleteFrom('upload_part')
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where('index', '=', index)
    .where('claim', '=', claim)
    .where('size', 'is', null)
    .execute();
}

/** A chunk that another one took the place of, with the object of its own that nobody needs any longer. */
export type ReplacedPart = { readonly unused: string | null };

/** Stores a whole chunk. Answers the one before it; null where it is the first. */
export async function saveUploadPart(
  db: Kysely<Schema>,
  { projectId, id, part }: UploadRef & { readonly part: UploadPart },
): Promise<ReplacedPart | null> {
  const found = await db
    .selectFrom('upload_part')
    .select(['storage_key', 'size'])
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where('index', '=', part.index)
    .executeTakeFirst();
  const values = { size: part.size, sha256: part.sha256, storage_key: part.storageKey, claim: null };
  await db
    .insertInto('upload_part')
    .values({ upload_id: id, project_id: projectId, index: part.index, ...values })
    .onConflict((conflict) => conflict.columns(['upload_id', 'index']).doUpdateSet(values))
    .execute();
  if (found?.size == null) return null;
  return { unused: found.storage_key === part.storageKey ? null : found.storage_key };
}

/** Says that these chunks lie in their places now. */
export async function placeUploadParts(
  db: Kysely<Schema>,
  { projectId, id, indexes }: UploadRef & { readonly indexes: readonly number[] },
): Promise<void> {
  if (indexes.length === 0) return;
  await db
    .updateTable('upload_part')
    .set({ storage_key: null })
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where(sql<boolean>`index in (select jsonb_array_elements_text(${json(indexes)})::integer)`)
    .execute();
}

/** Forgets the chunks that were written into their places. */
export async function deletePlacedParts(db: Kysely<Schema>, { projectId, id }: UploadRef): Promise<void> {
  await db
    .deleteFrom('upload_part')
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where('storage_key', 'is', null)
    .execute();
}

/** Whole chunks, in their order. */
export async function listUploadParts(db: Kysely<Schema>, { projectId, id }: UploadRef): Promise<UploadPart[]> {
  const rows = await db
    .selectFrom('upload_part')
    .select(['index', 'size', 'sha256', 'storage_key'])
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where('size', 'is not', null)
    .orderBy('index')
    .execute();
  return rows.map((row) => ({
    index: row.index,
    size: row.size ?? 0,
    sha256: row.sha256,
    storageKey: row.storage_key,
  }));
}

/** How many chunks are whole, and their bytes without one of them. */
export async function findUploadProgress(
  db: Kysely<Schema>,
  { projectId, id, except }: UploadRef & { readonly except?: number },
): Promise<{ readonly parts: number; readonly bytes: number }> {
  return db
    .selectFrom('upload_part')
    .select([sql<number>`count(*)::int`.as('parts'), sql<number>`coalesce(sum(size), 0)::float8`.as('bytes')])
    .where('project_id', '=', projectId)
    .where('upload_id', '=', id)
    .where('size', 'is not', null)
    .$if(except !== undefined, (query) => query.where('index', '<>', except ?? 0))
    .executeTakeFirstOrThrow();
}
