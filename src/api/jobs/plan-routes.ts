// `POST /plan`: what would be done with a source and why, without doing it. Wired by server.ts.
import { z } from 'zod';
import { untilGone } from '#api/client-gone.ts';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problems } from '#api/errors.ts';
import { inlineBodyLimit } from '#api/inline-body.ts';
import { viewPlan } from '#api/jobs/plan-view.ts';
import { jobSchema } from '#api/jobs/schema.ts';
import { planJob } from '#workflows/plan-job.ts';
import { requireUploads } from '#workflows/store-sources.ts';

const answer = z.record(z.string(), z.unknown());

export function planRoutes(app: Api, { platform }: ApiContext): void {
  app.post(
    '/plan',
    {
      config: { scope: 'write' },
      bodyLimit: inlineBodyLimit(platform.config),
      schema: {
        tags: ['jobs'],
        summary: 'What would be done, why, and what it would cost; nothing is done',
        body: jobSchema(platform.config),
        response: { 200: answer, ...problems(404, 409, 422, 507) },
      },
    },
    async (request, reply) => {
      const { source, outputs } = request.body;
      const { projectId } = callerOf(request);
      // Ids of uploads are looked up without their project further down.
      await requireUploads(platform, { projectId, source, outputs });
      // A probe of a large source takes a while.
      const { facts, plan } = await planJob(platform, { source, outputs, signal: untilGone(reply) });
      return viewPlan(facts, plan);
    },
  );
}
