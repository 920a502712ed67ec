// The bodies and queries of the jobs API: zod schemas that give domain values. Used by its routes and by the CLI.
import { z } from 'zod';
import { sourceSchema } from '#api/jobs/location-schema.ts';
import { outputSchema, type SchemaLimits } from '#api/jobs/output-schema.ts';
import { notificationUrl } from '#api/notification-url.ts';
import { JOB_STATUSES, type JobRequest, USUAL_PRIORITY } from '#domain/job.ts';

/** Characters of metadata, written as JSON. */
const MOST_METADATA = 65_536;

const outputsSchema = (config: SchemaLimits) =>
  z
    .array(outputSchema(config))
    .min(1, { error: 'at least one output' })
    .max(config.MAX_OUTPUTS, { error: `at most ${config.MAX_OUTPUTS} outputs (MAX_OUTPUTS)` });

/** Objects and lists inside of each other. */
const DEEPEST_METADATA = 100;
const STORABLE = 'text, names too, without U+0000 and without halves of surrogate pairs';

/** What of metadata could not be stored as it is: jsonb knows no U+0000 and no half of a surrogate pair. Not recursive: JSON can be deeper than the stack. */
function* unstorable(metadata: object): Generator<readonly [path: string[], message: string]> {
  const open: [path: string[], value: unknown][] = [[[], metadata]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [path, value] = next;
    if (typeof value === 'string' && !isStorable(value)) yield [path, STORABLE];
    if (typeof value !== 'object' || value === null) continue;
    if (path.length >= DEEPEST_METADATA) yield [path.slice(0, 1), `at most ${DEEPEST_METADATA} levels deep`];
    else
      for (const [name, inner] of Object.entries(value)) {
        if (isStorable(name)) open.push([[...path, name], inner]);
        else yield [path, STORABLE];
      }
  }
}

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** `POST /jobs`, and `POST /plan`, to which only source and outputs matter. */
export const jobSchema = (config: SchemaLimits) =>
  z.strictObject({
    source: sourceSchema(config.MAX_INLINE_BYTES),
    outputs: outputsSchema(config),
    priority: z.int().min(0).max(100).default(USUAL_PRIORITY),
    notificationUrl: notificationUrl.nullish(),
    metadata: z
      .record(z.string(), z.unknown())
      .default({})
      .superRefine((value, context) => {
        const [found] = unstorable(value);
        if (found) context.addIssue({ code: 'custom', path: found[0], message: found[1], continue: false });
      })
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
