// What lies in managed storage, by what it belongs to: as the last sweep counted it. Written by count-storage.ts, read by GET /admin/storage.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { JobApi } from '#domain/job.ts';
import type { StorageKind } from '#domain/retention.ts';

export type StorageUsage = { readonly kind: StorageKind; readonly objects: number; readonly bytes: number };

/** Instead of what was counted before. */
export async function saveStorageUsage(db: Kysely<Schema>, usage: readonly StorageUsage[]): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('storage_usage').execute();
    if (usage.length > 0)
      await transaction
        .insertInto('storage_usage')
        .values([...usage])
        .execute();
  });
}

/** Greatest first. `countedAt` is null where no sweep has counted yet. */
export async function listStorageUsage(
  db: Kysely<Schema>,
): Promise<{ readonly countedAt: Date | null; readonly kinds: readonly StorageUsage[] }> {
  const rows = await db.selectFrom('storage_usage').selectAll().orderBy('bytes', 'desc').orderBy('kind').execute();
  return {
    countedAt: rows[0]?.counted_at ?? null,
    kinds: rows.map(({ kind, objects, bytes }) => ({ kind, objects, bytes })),
  };
}

/** The APIs of jobs, of all projects, by uuid; what is none of a job's is left out. */
export async function listJobApis(db: Kysely<Schema>, uuids: readonly string[]): Promise<ReadonlyMap<string, JobApi>> {
  if (uuids.length === 0) return new Map();
  const rows = await db
    .selectFrom('job')
    .select(['uuid', 'api'])
    .where(sql<boolean>`uuid = any(${uuids}::uuid[])`)
    .execute();
  return new Map(rows.map(({ uuid, api }) => [uuid, api]));
}
