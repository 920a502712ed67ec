// The tables of the operations API as Kysely sees them. Part of schema.ts.
import type { Generated } from 'kysely';
import type { Json, Time } from '#database/columns.ts';
import type { FileMetadata, FileType } from '#domain/operation.ts';
import type { MediaType } from '#domain/operations/definition.ts';

export type OperationTable = {
  readonly id: string;
  readonly project_id: string;
  readonly session_key: string;
  readonly job_id: number | null;
  readonly operation: string;
  readonly media_type: MediaType;
  readonly parameters: Json<Readonly<Record<string, unknown>>>;
  readonly created_at: Time;
  readonly is_deleted: Generated<boolean>;
};

export type OperationFileTable = {
  readonly id: string;
  readonly project_id: string;
  readonly operation_id: string;
  readonly file_type: FileType;
  readonly file_path: string | null;
  readonly file_name: string;
  readonly file_size: number | null;
  readonly mime_type: string;
  readonly cloudinary_public_id: string | null;
  readonly cloudinary_url: string | null;
  readonly metadata: Json<FileMetadata>;
};

/** Of clients, not of projects. */
export type RateLimitTable = {
  readonly name: string;
  readonly client: string;
  readonly calls: Date[];
  readonly last_at: Date;
};
