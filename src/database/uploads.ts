// What users uploaded: a row before the first byte, so that nothing lies in storage that no row owns.
import type { Kysely, Selectable } from 'kysely';
import { plainText, type Schema, type UploadStatus, type UploadTable } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';

export type Upload = {
  readonly id: string;
  readonly projectId: string;
  readonly filename: string;
  /** bytes; 0 until received */
  readonly size: number;
  readonly storageKey: string;
  readonly status: UploadStatus;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

export async function insertUpload(
  db: Kysely<Schema>,
  upload: Omit<Upload, 'createdAt' | 'size' | 'status'>,
): Promise<void> {
  await db
    .insertInto('upload')
    .values({
      id: upload.id,
      project_id: upload.projectId,
      filename: plainText(upload.filename),
      size: 0,
      storage_key: upload.storageKey,
      status: 'receiving',
      expires_at: upload.expiresAt,
    })
    .execute();
}

/** Marks an upload as whole. */
export async function markUploadReceived(
  db: Kysely<Schema>,
  { projectId, id, size }: { readonly projectId: string; readonly id: string; readonly size: number },
): Promise<void> {
  await db
    .updateTable('upload')
    .set({ status: 'received', size })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .execute();
}

export async function findUpload(
  db: Kysely<Schema>,
  { projectId, id }: { readonly projectId: string; readonly id: string },
): Promise<Upload | null> {
  const row = await db
    .selectFrom('upload')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row ? toUpload(row) : null;
}

export async function deleteUpload(
  db: Kysely<Schema>,
  { projectId, id }: { readonly projectId: string; readonly id: string },
): Promise<void> {
  await db.deleteFrom('upload').where('project_id', '=', projectId).where('id', '=', id).execute();
}

/** Uploads of all projects whose time is over and whose bytes no unfinished job reads: for the janitor. */
export async function listExpiredUploads(db: Kysely<Schema>, now: Date): Promise<Upload[]> {
  const rows = await db
    .selectFrom('upload')
    .selectAll()
    .where('expires_at', '<', now)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job')
            .select('job.id')
            .whereRef('job.source_key', '=', 'upload.storage_key')
            .where('job.status', 'in', ['queued', 'processing', 'paused']),
        ),
      ),
    )
    .limit(500)
    .execute();
  return rows.map(toUpload);
}

const toUpload = (row: Selectable<UploadTable>): Upload => ({
  id: row.id,
  projectId: row.project_id,
  filename: row.filename,
  size: row.size,
  storageKey: row.storage_key,
  status: row.status,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

/**
 * Where a received upload lies. By its id alone: whether the caller's project owns it was checked when the job was submitted.
 * @throws PlatformError `not_found`
 */
export async function findUploadKey(db: Kysely<Schema>, id: string): Promise<string> {
  const row = await db
    .selectFrom('upload')
    .select('storage_key')
    .where('id', '=', id)
    .where('status', '=', 'received')
    .executeTakeFirst();
  if (!row) throw new PlatformError('not_found', `There is no upload ${id}; it may have expired`);
  return row.storage_key;
}
