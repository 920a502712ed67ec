// The webhooks of a job: what was sent, what came of it, and sending it again. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { problemSchema, problems } from '#api/errors.ts';
import { jobOf } from '#api/jobs/find-job.ts';
import { jobParams } from '#api/jobs/schema.ts';
import { type Delivery, listDeliveries } from '#database/deliveries.ts';
import { PlatformError } from '#domain/error.ts';
import { isUuid } from '#domain/uuid.ts';
import { hideSecrets } from '#domain/view-location.ts';
import { DELIVERY_STATUSES } from '#domain/webhook.ts';
import { resendDelivery } from '#workflows/resend-delivery.ts';

const deliverySchema = z.object({
  /** The `webhook-id` of every try. */
  id: z.string(),
  type: z.string(),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.array(
    z.object({ at: z.iso.datetime(), statusCode: z.int().nullable(), error: z.string().nullable(), ms: z.int() }),
  ),
  nextAttemptAt: z.iso.datetime().nullable(),
});
const params = jobParams.extend({ deliveryId: z.string().max(40) });
const tags = ['jobs'];

const viewDelivery = ({ url, attempts, nextAttemptAt, ...rest }: Delivery): z.output<typeof deliverySchema> => ({
  ...rest,
  url: hideSecrets(url),
  attempts: attempts.map((attempt) => ({ ...attempt })),
  nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
});

export function deliveryRoutes(app: Api, { platform }: ApiContext): void {
  app.get(
    '/jobs/:id/deliveries',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The webhooks of a job, oldest first, with every try',
        params: jobParams,
        response: { 200: z.object({ deliveries: z.array(deliverySchema) }), 404: problemSchema },
      },
    },
    async (request) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      const deliveries = await listDeliveries(platform.database.db, { projectId, jobId: id }, platform.showing);
      return { deliveries: deliveries.map(viewDelivery) };
    },
  );
  app.post(
    '/jobs/:id/deliveries/:deliveryId/resend',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Send a webhook again, now, under its own id',
        params,
        response: { 202: deliverySchema, ...problems(404, 409) },
      },
    },
    async (request, reply) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      const { deliveryId } = request.params;
      if (!isUuid(deliveryId))
        throw new PlatformError('not_found', `Job ${id} has no delivery ${JSON.stringify(deliveryId)}`);
      const delivery = await resendDelivery(platform, { projectId, jobId: id, id: deliveryId.toLowerCase() });
      return reply.code(202).send(viewDelivery(delivery));
    },
  );
}
