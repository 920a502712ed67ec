// What users uploaded: a row before the first byte, so that nothing lies in storage that no row owns.
import { type Kysely, type Selectable, sql } from 'kysely';
import { json, plainText } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';
import type { UploadTable } from '#database/upload-tables.ts';
import { type Failure, PlatformError } from '#domain/error.ts';
import type { UploadProtocol, UploadStatus } from '#domain/upload.ts';

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
  readonly protocol: UploadProtocol;
  /** It becomes the video of the same id. */
  readonly isVideo: boolean;
  /** Announced bytes; null where nothing was announced. */
  readonly expectedSize: number | null;
  readonly totalChunks: number | null;
  /** bytes of every chunk but the last; null until known */
  readonly chunkSize: number | null;
  /** Announced, hex. */
  readonly sha256: string | null;
  /** tus: bytes that have come. */
  readonly received: number;
  readonly tusMetadata: string | null;
  readonly isPartial: boolean;
  readonly concatenates: readonly string[] | null;
  readonly multipartId: string | null;
  /** The token it came under, and how many bytes that allows. */
  readonly tokenId: string | null;
  readonly maxBytes: number | null;
  /** Boot of the machine under which bytes were written that may not be on the disk yet. */
  readonly bootId: string | null;
  readonly attempt: number;
  readonly error: Failure | null;
};

export type NewUpload = Pick<Upload, 'id' | 'projectId' | 'filename' | 'storageKey' | 'expiresAt'> &
  Partial<Pick<Upload, 'protocol' | 'isVideo' | 'expectedSize' | 'totalChunks' | 'chunkSize' | 'sha256'>> &
  Partial<
    Pick<Upload, 'tusMetadata' | 'isPartial' | 'concatenates' | 'multipartId' | 'tokenId' | 'maxBytes' | 'bootId'>
  >;

/** False where there is one of this id. */
export async function insertUpload(db: Kysely<Schema>, upload: NewUpload): Promise<boolean> {
  const result = await db
    .insertInto('upload')
    .values({
      id: upload.id,
      project_id: upload.projectId,
      filename: plainText(upload.filename),
      size: 0,
      storage_key: upload.storageKey,
      status: 'receiving',
      expires_at: upload.expiresAt,
      protocol: upload.protocol ?? 'request',
      is_video: upload.isVideo ?? false,
      expected_size: upload.expectedSize ?? null,
      total_chunks: upload.totalChunks ?? null,
      chunk_size: upload.chunkSize ?? null,
      sha256: upload.sha256 ?? null,
      tus_metadata: upload.tusMetadata ?? null,
      is_partial: upload.isPartial ?? false,
      concatenates: upload.concatenates ? [...upload.concatenates] : null,
      multipart_id: upload.multipartId ?? null,
      token_id: upload.tokenId ?? null,
      max_bytes: upload.maxBytes ?? null,
      boot_id: upload.bootId ?? null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows) > 0;
}

/** What may change of an upload. Left out stays as it is. */
export type UploadChange = Partial<
  Pick<
    Upload,
    'status' | 'size' | 'expiresAt' | 'chunkSize' | 'received' | 'expectedSize' | 'error' | 'multipartId' | 'bootId'
  >
>;

/** Changes an upload; with `status` or `attempt` only if it still stands so. False where it does not. */
export async function changeUpload(
  db: Kysely<Schema>,
  which: Pick<Upload, 'projectId' | 'id'> &
    Partial<Pick<Upload, 'status' | 'attempt' | 'received'>> & { readonly soon?: boolean },
  change: UploadChange & { readonly nextAttempt?: boolean },
): Promise<boolean> {
  const result = await db
    .updateTable('upload')
    .set({
      project_id: which.projectId,
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.size === undefined ? {} : { size: change.size }),
      ...(change.expiresAt === undefined ? {} : { expires_at: change.expiresAt }),
      ...(change.chunkSize === undefined ? {} : { chunk_size: change.chunkSize }),
      ...(change.received === undefined ? {} : { received: change.received }),
      ...(change.expectedSize === undefined ? {} : { expected_size: change.expectedSize }),
      ...(change.error === undefined ? {} : { error: change.error && json(change.error) }),
      ...(change.multipartId === undefined ? {} : { multipart_id: change.multipartId }),
      ...(change.bootId === undefined ? {} : { boot_id: change.bootId }),
      ...(change.nextAttempt ? { attempt: sql<number>`attempt + 1` } : {}),
    })
    .where('project_id', '=', which.projectId)
    .where('id', '=', which.id)
    .$if(which.status !== undefined, (query) => query.where('status', '=', which.status ?? 'receiving'))
    .$if(which.attempt !== undefined, (query) => query.where('attempt', '=', which.attempt ?? 0))
    .$if(which.received !== undefined, (query) => query.where('received', '=', which.received ?? 0))
    // Local to the transaction, which is this statement: no round trip for a word to the database.
    .$if(which.soon === true, (query) =>
      query.where(sql<boolean>`set_config('synchronous_commit', 'off', true) = 'off'`),
    )
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** The same where a fall of the database may undo it: its disk is not waited for. Not for within a transaction. */
export const changeUploadSoon = (...[db, which, change]: Parameters<typeof changeUpload>): Promise<boolean> =>
  changeUpload(db, { ...which, soon: true }, change);

/** The same as findUpload, with the row locked until the transaction ends. */
export async function lockUpload(
  db: Kysely<Schema>,
  { projectId, id }: Pick<Upload, 'projectId' | 'id'>,
): Promise<Upload | null> {
  const row = await db
    .selectFrom('upload')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row ? toUpload(row) : null;
}

/** The concatenation of these partial uploads, in this order; null where there is none, or it has failed. */
export async function findConcatenation(
  db: Kysely<Schema>,
  { projectId, ids }: { readonly projectId: string; readonly ids: readonly string[] },
): Promise<Upload | null> {
  const row = await db
    .selectFrom('upload')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('status', '<>', 'failed')
    .where(sql<boolean>`concatenates = ${[...ids]}::uuid[]`)
    .executeTakeFirst();
  return row ? toUpload(row) : null;
}

/** Bytes announced or received under an upload token. */
export async function findTokenBytes(
  db: Kysely<Schema>,
  { projectId, tokenId }: { readonly projectId: string; readonly tokenId: string },
): Promise<number> {
  const row = await db
    .selectFrom('upload')
    .select(sql<number>`coalesce(sum(greatest(expected_size, received, size)), 0)::float8`.as('bytes'))
    .where('project_id', '=', projectId)
    .where('token_id', '=', tokenId)
    .where('concatenates', 'is', null)
    .executeTakeFirstOrThrow();
  return row.bytes;
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

/** Uploads that end with their time: neither a video nor an unfinished job needs their bytes, nor does a concatenation that has taken them. */
export const isUnneeded = sql<boolean>`(upload.status <> 'finishing' or (upload.is_partial
    and not exists (select from upload whole where upload.id = any(whole.concatenates))))
  and not exists (select from video where video.storage_key = upload.storage_key)
  and not exists (select from job where job.source_key = upload.storage_key and job.status in ('queued', 'processing', 'paused'))`;

/** Those of all projects whose time is over: for the janitor. */
export async function listExpiredUploads(db: Kysely<Schema>, now: Date): Promise<Upload[]> {
  const rows = await db
    .selectFrom('upload')
    .selectAll()
    .where('expires_at', '<', now)
    .where(isUnneeded)
    .limit(500)
    .execute();
  return rows.map(toUpload);
}

/** Which of these are uploads, of any project: what storage holds for the others belongs to nobody. */
export async function findUploadIds(db: Kysely<Schema>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.selectFrom('upload').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
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
  protocol: row.protocol,
  isVideo: row.is_video,
  expectedSize: row.expected_size,
  totalChunks: row.total_chunks,
  chunkSize: row.chunk_size,
  sha256: row.sha256,
  received: row.received,
  tusMetadata: row.tus_metadata,
  isPartial: row.is_partial,
  concatenates: row.concatenates,
  multipartId: row.multipart_id,
  tokenId: row.token_id,
  maxBytes: row.max_bytes,
  bootId: row.boot_id,
  attempt: row.attempt,
  error: row.error,
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
