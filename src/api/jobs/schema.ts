// The bodies and queries of the jobs API: zod schemas that give domain values. Used by its routes and by the CLI.
import { z } from 'zod';
import { sourceSchema } from '#api/jobs/location-schema.ts';
import { outputSchema, type SchemaLimits } from '#api/jobs/output-schema.ts';
import { notificationUrl } from '#api/notification-url.ts';
import { JOB_STATUSES, type JobRequest } from '#domain/job.ts';

/** Characters of metadata, written as JSON. */
const MOST_METADATA = 65_536;

const outputsSchema = (config: SchemaLimits) =>
  z
    .array(outputSchema(config))
    .min(1, { error: 'at least one output' })
    .max(config.MAX_OUTPUTS, { error: `at most ${config.MAX_OUTPUTS} outputs (MAX_OUTPUTS)` });

/** `POST /jobs`, and `POST /plan`, to which only source and outputs matter. */
export const jobSchema = (config: SchemaLimits) =>
  z.strictObject({
    source: sourceSchema(config.MAX_INLINE_BYTES),
    outputs: outputsSchema(config),
    priority: z.int().min(0).max(100).default(50),
    notificationUrl: notificationUrl.nullish(),
    metadata: z
      .record(z.string(), z.unknown())
      .default({})
      .refine((value) => JSON.stringify(value).length <= MOST_METADATA, {
        error: `at most ${MOST_METADATA} characters as JSON`,
      }),
  });
export type JobBody = z.output<ReturnType<typeof jobSchema>>;

export const listQuery = z.object({
  status: z.enum(JOB_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The `nextCursor` of the page before. */
  cursor: z.coerce.number().int().min(1).optional(),
  search: z.string().max(200).optional(),
});

/** A job's number or its uuid. */
export const jobParams = z.object({ id: z.string().max(40) });
export const outputParams = z.object({ id: z.string().max(40), index: z.string().max(10), '*': z.string().max(500) });

/** A job request out of a parsed body. */
export function toJobRequest(
  body: JobBody,
  caller: { readonly projectId: string; readonly idempotencyKey: string | null },
): JobRequest {
  return {
    projectId: caller.projectId,
    api: 'jobs',
    source: body.source,
    outputs: body.outputs,
    priority: body.priority,
    metadata: body.metadata,
    notificationUrl: body.notificationUrl ?? null,
    idempotencyKey: caller.idempotencyKey,
  };
}
