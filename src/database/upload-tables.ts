// The tables of uploads as Kysely sees them. Part of schema.ts.
import type { Generated } from 'kysely';
import type { OptionalJson, Time } from '#database/columns.ts';
import type { Failure } from '#domain/error.ts';
import type { UploadProtocol, UploadStatus } from '#domain/upload.ts';

export type UploadTable = {
  readonly id: string;
  readonly project_id: string;
  readonly filename: string;
  /** bytes; 0 until received */
  readonly size: number;
  readonly storage_key: string;
  readonly status: UploadStatus;
  readonly created_at: Time;
  readonly expires_at: Date;
  readonly protocol: Generated<UploadProtocol>;
  readonly is_video: Generated<boolean>;
  readonly expected_size: number | null;
  readonly total_chunks: number | null;
  readonly chunk_size: number | null;
  readonly sha256: string | null;
  readonly received: Generated<number>;
  readonly tus_metadata: string | null;
  readonly is_partial: Generated<boolean>;
  readonly concatenates: string[] | null;
  readonly multipart_id: string | null;
  readonly token_id: string | null;
  readonly max_bytes: number | null;
  readonly boot_id: string | null;
  readonly attempt: Generated<number>;
  readonly error: OptionalJson<Failure>;
};

export type UploadPartTable = {
  readonly upload_id: string;
  readonly project_id: string;
  readonly index: number;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly storage_key: string | null;
  readonly claim: string | null;
};
