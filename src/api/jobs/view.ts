// The shape of a job as the jobs API shows it, for validation and the OpenAPI document; domain/view-job.ts fills it. Used by the routes.
import { z } from 'zod';
import { failureSchema } from '#api/errors.ts';
import { JOB_STATUSES, OUTPUT_STATUSES } from '#domain/job.ts';

const anything = z.record(z.string(), z.unknown());
const outputView = z.object({
  id: z.int(),
  index: z.int(),
  status: z.enum(OUTPUT_STATUSES),
  progress: z.number(),
  spec: anything,
  result: anything.nullable(),
  error: failureSchema.nullable(),
});
export const jobView = z.object({
  id: z.int(),
  uuid: z.string(),
  name: z.string().nullable(),
  status: z.enum(JOB_STATUSES),
  progress: z.number(),
  speed: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  priority: z.int(),
  source: anything,
  outputs: z.array(outputView),
  notificationUrl: z.string().nullable(),
  metadata: anything,
  attempts: z.int(),
  findings: z.array(z.object({ code: z.string(), severity: z.string(), detail: z.string(), action: z.string() })),
  plan: anything.nullable(),
  error: failureSchema.nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  completedAt: z.iso.datetime().nullable(),
});
export type JobView = z.output<typeof jobView>;
