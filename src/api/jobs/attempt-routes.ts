// Every try of every piece of a job: when, how long, on which worker, what came of it. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { failureSchema, problemSchema } from '#api/errors.ts';
import { jobOf } from '#api/jobs/find-job.ts';
import { jobParams } from '#api/jobs/schema.ts';
import { type Attempt, listAttempts } from '#database/attempts.ts';
import { ATTEMPT_OUTCOMES } from '#domain/attempt.ts';
import { TASK_KINDS } from '#domain/plan.ts';

const attemptView = z.object({
  id: z.int(),
  /** `prepare`: fetching, probing and planning the job. */
  kind: z.enum(['prepare', ...TASK_KINDS]),
  /** Of `GET /jobs/{id}/tasks`; null of `prepare`. */
  taskId: z.int().nullable(),
  subject: z.int(),
  index: z.int(),
  /** 1 is the first try of this piece. */
  attempt: z.int(),
  workerId: z.string().nullable(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** Wall-clock seconds; null while it runs. */
  seconds: z.number().nullable(),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  error: failureSchema.nullable(),
});

const attemptQuery = z.object({
  outcome: z.enum(ATTEMPT_OUTCOMES).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The `nextCursor` of the page before. */
  cursor: z.coerce.number().int().min(1).optional(),
});

const viewAttempt = ({ id, task, number, workerId, startedAt, endedAt, ...rest }: Attempt) => ({
  id,
  kind: task?.kind ?? ('prepare' as const),
  taskId: task?.id ?? null,
  subject: task?.subject ?? 0,
  index: task?.index ?? 0,
  attempt: number,
  workerId,
  startedAt: startedAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
  seconds: endedAt && Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000,
  outcome: rest.outcome,
  error: rest.error && { ...rest.error },
});

export function attemptRoutes(app: Api, { platform }: ApiContext): void {
  app.get(
    '/jobs/:id/attempts',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['jobs'],
        summary: 'Every try of every piece of a job, newest first: when, on which worker, and what came of it',
        params: jobParams,
        querystring: attemptQuery,
        response: {
          200: z.object({ attempts: z.array(attemptView), nextCursor: z.string().nullable() }),
          404: problemSchema,
        },
      },
    },
    async (request) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      const { outcome, limit, cursor } = request.query;
      const found = await listAttempts(platform.database.db, {
        projectId,
        jobId: id,
        limit: limit + 1,
        ...(outcome ? { outcome } : {}),
        ...(cursor ? { before: cursor } : {}),
      });
      const attempts = found.slice(0, limit);
      const last = attempts.at(-1);
      return { attempts: attempts.map(viewAttempt), nextCursor: found.length > limit && last ? String(last.id) : null };
    },
  );
}
