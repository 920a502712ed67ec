// How operations, their files, definitions and queues are shown: the schemas of the OpenAPI document and what fills them. Used by the routes.
import { z } from 'zod';
import {
  FILE_TYPES,
  inputOf,
  OPERATION_STATUSES,
  type OperationFile,
  type OperationRecord,
  outputOf,
} from '#domain/operation.ts';
import { MEDIA_TYPES, PARAMETER_TYPES } from '#domain/operations/definition.ts';

const fileView = z.object({
  id: z.string(),
  file_type: z.enum(FILE_TYPES),
  file_name: z.string(),
  file_size: z.int().nullable(),
  mime_type: z.string(),
  cloudinary_public_id: z.string().nullable(),
  cloudinary_url: z.string().nullable(),
  metadata: z.record(z.string(), z.union([z.string(), z.number()])),
});

export const operationView = z
  .object({
    id: z.string(),
    operation: z.string(),
    media_type: z.enum(MEDIA_TYPES),
    status: z.enum(OPERATION_STATUSES),
    progress: z.int(),
    eta_seconds: z.int().nullable(),
    parameters: z.record(z.string(), z.unknown()),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    completed_at: z.iso.datetime().nullable(),
    expires_at: z.iso.datetime().nullable(),
    is_deleted: z.literal(false),
    input_file: fileView.nullable(),
    output_file: fileView.nullable(),
    download_url: z.string().nullable(),
  })
  .meta({ id: 'Operation' });
export type OperationView = z.output<typeof operationView>;

export const statusView = z.object({
  id: z.string(),
  status: z.enum(OPERATION_STATUSES),
  progress: z.int(),
  eta_seconds: z.int().nullable(),
  error_message: z.string().nullable(),
});
export type StatusView = z.output<typeof statusView>;

const parameterView = z.object({
  type: z.enum(PARAMETER_TYPES),
  required: z.boolean(),
  default: z.union([z.string(), z.number(), z.boolean()]).nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  choices: z
    .array(z.union([z.string(), z.number()]))
    .readonly()
    .nullable(),
  description: z.string(),
});

export const definitionView = z
  .object({
    name: z.string(),
    media_type: z.enum(MEDIA_TYPES),
    description: z.string(),
    parameters: z.record(z.string(), parameterView),
    input_formats: z.array(z.string()).readonly(),
    output_formats: z.array(z.string()).readonly(),
    max_file_size: z.int(),
  })
  .meta({ id: 'OperationDefinition' });

const fileOf = (file: OperationFile | null): z.output<typeof fileView> | null =>
  file && {
    id: file.id,
    file_type: file.type,
    file_name: file.name,
    file_size: file.size,
    mime_type: file.mimeType,
    cloudinary_public_id: file.cloudinaryPublicId,
    cloudinary_url: file.cloudinaryUrl,
    metadata: { ...file.metadata },
  };

/** An operation has one output: its number says nothing here. */
const saidOf = (error: OperationRecord['error']): string | null => error?.message.replace(/^outputs\.0: /, '') ?? null;

/** @param prefix where the API is, with its host: `https://media.example.com/api/v1` */
export function viewOperation(operation: OperationRecord, prefix: string): OperationView {
  const { id, status, error } = operation;
  return {
    id,
    operation: operation.operation,
    media_type: operation.mediaType,
    status,
    progress: operation.progress,
    eta_seconds: operation.etaSeconds,
    parameters: { ...operation.parameters },
    error_message: saidOf(error),
    error_code: error?.code ?? null,
    created_at: operation.createdAt.toISOString(),
    started_at: operation.startedAt?.toISOString() ?? null,
    completed_at: operation.completedAt?.toISOString() ?? null,
    expires_at: operation.expiresAt?.toISOString() ?? null,
    is_deleted: false,
    input_file: fileOf(inputOf(operation)),
    output_file: status === 'completed' ? fileOf(outputOf(operation)) : null,
    download_url: status === 'completed' ? `${prefix}/operations/${id}/download/` : null,
  };
}

export const viewStatus = ({ id, status, progress, etaSeconds, error }: OperationRecord): StatusView => ({
  id,
  status,
  progress,
  eta_seconds: etaSeconds,
  error_message: saidOf(error),
});
