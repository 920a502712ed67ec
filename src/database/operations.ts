// The rows of operations and their files. A status is worked out from the job and its tasks here, so that lists can be filtered by it.
import { type Kysely, type Selectable, sql } from 'kysely';
import { json, plainText } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { OperationFileTable } from '#database/operation-tables.ts';
import type { Schema } from '#database/schema.ts';
import type { Failure } from '#domain/error.ts';
import {
  OPERATION_STATUSES,
  type OperationFile,
  type OperationRecord,
  type OperationStatus,
  type SessionRef,
} from '#domain/operation.ts';
import { MEDIA_TYPES, type MediaType } from '#domain/operations/definition.ts';

/** One operation of a session. */
export type OperationRef = SessionRef & { readonly id: string };

/** What has ended longer ago than this is gone, though the janitor may not have been there yet. */
export type Keeping = { readonly expiryHours: number };

export type NewOperation = OperationRef & {
  readonly jobId: number;
  readonly operation: string;
  readonly mediaType: MediaType;
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** Stored as queued: with its job, in one transaction. */
export async function insertOperation(db: Kysely<Schema>, operation: NewOperation): Promise<void> {
  await db
    .insertInto('operation')
    .values({
      id: operation.id,
      project_id: operation.projectId,
      session_key: operation.sessionKey,
      job_id: operation.jobId,
      operation: operation.operation,
      media_type: operation.mediaType,
      parameters: json(operation.parameters),
    })
    .execute();
}

/** The file of its type takes the place of one that was there. */
export async function saveOperationFile(
  db: Kysely<Schema>,
  {
    projectId,
    operationId,
    file,
  }: { readonly projectId: string; readonly operationId: string; readonly file: OperationFile },
): Promise<void> {
  const values = {
    id: file.id,
    file_path: file.path,
    file_name: plainText(file.name),
    file_size: file.size,
    mime_type: file.mimeType,
    cloudinary_public_id: file.cloudinaryPublicId,
    cloudinary_url: file.cloudinaryUrl,
    metadata: json(file.metadata),
  };
  await db
    .insertInto('operation_file')
    .values({ ...values, project_id: projectId, operation_id: operationId, file_type: file.type })
    .onConflict((conflict) => conflict.columns(['operation_id', 'file_type']).doUpdateSet(values))
    .execute();
}

/** Planned is not begun: the queue of its kind may be long. */
const HAS_BEGUN = sql`exists (select from task where task.job_id = j.id and task.claimed_at is not null)`;
const STATUS = sql<OperationStatus>`case
  when j.id is null or j.status = 'paused' then 'pending'
  when j.status = 'canceled' then 'cancelled'
  when j.status = 'processing' and not ${HAS_BEGUN} then 'queued'
  else j.status end`;

type Row = {
  readonly id: string;
  readonly project_id: string;
  readonly session_key: string;
  readonly job_id: number;
  readonly operation: string;
  readonly media_type: MediaType;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly status: OperationStatus;
  readonly progress: number;
  readonly eta_seconds: number | null;
  readonly error: Failure | null;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
  readonly files: readonly Selectable<OperationFileTable>[] | null;
};

const COLUMNS = sql`o.id, o.project_id, o.session_key, o.job_id, o.operation, o.media_type, o.parameters, o.created_at,
  ${STATUS} as status, j.progress, j.eta_seconds, j.error, j.completed_at,
  (select min(task.claimed_at) from task where task.job_id = j.id) as started_at,
  (select json_agg(f order by f.file_type) from operation_file f where f.operation_id = o.id) as files`;
const VISIBLE = ({ projectId, sessionKey }: SessionRef, { expiryHours }: Keeping) =>
  sql`o.project_id = ${projectId} and o.session_key = ${sessionKey} and not o.is_deleted
    and (j.completed_at is null or j.completed_at > now() - make_interval(secs => ${expiryHours * 3600}))`;

/** Null where there is none, for another session's just as well. */
export async function findOperation(
  db: Kysely<Schema>,
  ref: OperationRef,
  keeping: Keeping,
): Promise<OperationRecord | null> {
  const { rows } = await sql<Row>`select ${COLUMNS} from operation o join job j on j.id = o.job_id
    where o.id = ${ref.id} and ${VISIBLE(ref, keeping)}`.execute(db);
  return rows[0] ? toOperation(rows[0], keeping) : null;
}

export type OperationListing = SessionRef & {
  readonly status?: OperationStatus;
  readonly operation?: string;
  readonly limit: number;
  readonly offset: number;
};

/** Newest first, with how many there are in all. */
export async function listOperations(
  db: Kysely<Schema>,
  listing: OperationListing,
  keeping: Keeping,
): Promise<{ readonly operations: OperationRecord[]; readonly total: number }> {
  const { status = null, operation = null, limit, offset } = listing;
  const found = sql`operation o join job j on j.id = o.job_id where ${VISIBLE(listing, keeping)}
    and (${operation}::text is null or o.operation = ${operation}) and (${status}::text is null or ${STATUS} = ${status})`;
  const [page, count] = await Promise.all([
    sql<Row>`select ${COLUMNS} from ${found} order by o.id desc limit ${limit} offset ${offset}`.execute(db),
    sql<{ total: number }>`select count(*)::int as total from ${found}`.execute(db),
  ]);
  return { operations: page.rows.map((row) => toOperation(row, keeping)), total: count.rows[0]?.total ?? 0 };
}

export type OperationCounts = Readonly<Record<OperationStatus, number>>;
const counted = (rows: readonly { status: OperationStatus; count: number }[]): OperationCounts =>
  Object.fromEntries(
    OPERATION_STATUSES.map((status) => [status, rows.find((row) => row.status === status)?.count ?? 0]),
  ) as OperationCounts;

/** A session's operations by status. */
export async function countOperations(
  db: Kysely<Schema>,
  session: SessionRef,
  keeping: Keeping,
): Promise<OperationCounts> {
  const { rows } = await sql<{ status: OperationStatus; count: number }>`
    select ${STATUS} as status, count(*)::int as count from operation o join job j on j.id = o.job_id
    where ${VISIBLE(session, keeping)} group by 1`.execute(db);
  return counted(rows);
}

/** A project's operations by kind of media and status. */
export async function countOperationQueues(
  db: Kysely<Schema>,
  projectId: string,
): Promise<Readonly<Record<MediaType, OperationCounts>>> {
  const { rows } = await sql<{ media_type: MediaType; status: OperationStatus; count: number }>`
    select o.media_type, ${STATUS} as status, count(*)::int as count from operation o join job j on j.id = o.job_id
    where o.project_id = ${projectId} and not o.is_deleted group by 1, 2`.execute(db);
  return Object.fromEntries(
    MEDIA_TYPES.map((type) => [type, counted(rows.filter(({ media_type }) => media_type === type))]),
  ) as Readonly<Record<MediaType, OperationCounts>>;
}

/** The operation that a job was made for. */
export async function findOperationOfJob(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
): Promise<{ readonly id: string; readonly input: OperationFile | null } | null> {
  const row = await db
    .selectFrom('operation')
    .select('id')
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .executeTakeFirst();
  if (!row) return null;
  const files = await listOperationFiles(db, { projectId, id: row.id });
  return { id: row.id, input: files.find(({ type }) => type === 'input') ?? null };
}

export async function listOperationFiles(
  db: Kysely<Schema>,
  { projectId, id }: { readonly projectId: string; readonly id: string },
): Promise<OperationFile[]> {
  const rows = await db
    .selectFrom('operation_file')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('operation_id', '=', id)
    .execute();
  return rows.map(toFile);
}

/** Hides an operation from everybody. False where it was hidden already, or is another session's. */
export async function hideOperation(
  db: Kysely<Schema>,
  { projectId, id, sessionKey }: { readonly projectId: string; readonly id: string; readonly sessionKey?: string },
): Promise<boolean> {
  const result = await db
    .updateTable('operation')
    .set({ is_deleted: true })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .where('is_deleted', '=', false)
    .$if(sessionKey !== undefined, (query) => query.where('session_key', '=', sessionKey ?? ''))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** The same for the operation of a job that was deleted by other means. */
export async function hideOperationOfJob(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await db
    .updateTable('operation')
    .set({ is_deleted: true })
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .execute();
}

export async function deleteOperationFiles(
  db: Kysely<Schema>,
  { projectId, id }: { readonly projectId: string; readonly id: string },
): Promise<void> {
  await db.deleteFrom('operation_file').where('project_id', '=', projectId).where('operation_id', '=', id).execute();
}

export type EndedOperation = { readonly projectId: string; readonly id: string; readonly jobId: number | null };

/** Of all projects: ended longer ago than they are kept, or hidden while something of them is still there. For the janitor. */
export async function listEndedOperations(
  db: Kysely<Schema>,
  { expiryHours }: Keeping,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<EndedOperation[]> {
  const { rows } = await sql<{ id: string; project_id: string; job_id: number | null }>`
    select o.id, o.project_id, o.job_id from operation o left join job j on j.id = o.job_id
    where o.id > ${after} and (
      (not o.is_deleted and j.completed_at <= now() - make_interval(secs => ${expiryHours * 3600}))
      or (o.is_deleted and (j.id is not null or exists (select from operation_file f where f.operation_id = o.id))))
    order by o.id limit ${limit}`.execute(db);
  return rows.map((row) => ({ id: row.id, projectId: row.project_id, jobId: row.job_id }));
}

/** Forgets hidden operations of which nothing is left, made before a time. */
export async function forgetOperations(db: Kysely<Schema>, before: Date): Promise<void> {
  await db
    .deleteFrom('operation')
    .where('is_deleted', '=', true)
    .where('created_at', '<', before)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(selectFrom('operation_file').select('operation_file.id').whereRef('operation_id', '=', 'operation.id')),
      ),
    )
    .execute();
}

function toOperation(row: Row, { expiryHours }: Keeping): OperationRecord {
  const ended = row.completed_at;
  const isCompleted = row.status === 'completed';
  return {
    id: row.id,
    projectId: row.project_id,
    sessionKey: row.session_key,
    jobId: row.job_id,
    operation: row.operation,
    mediaType: row.media_type,
    parameters: row.parameters,
    status: row.status,
    progress: isCompleted ? 100 : Math.min(99, Math.floor(row.progress)),
    etaSeconds: row.status === 'processing' && row.eta_seconds !== null ? Math.ceil(row.eta_seconds) : null,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: ended,
    expiresAt: ended && new Date(ended.getTime() + expiryHours * 3_600_000),
    files: (row.files ?? []).map(toFile),
  };
}

const toFile = (row: Selectable<OperationFileTable>): OperationFile => ({
  id: row.id,
  type: row.file_type,
  path: row.file_path,
  name: row.file_name,
  size: row.file_size,
  mimeType: row.mime_type,
  cloudinaryPublicId: row.cloudinary_public_id,
  cloudinaryUrl: row.cloudinary_url,
  metadata: row.metadata,
});
