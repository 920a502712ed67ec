// The tasks of a job: the chunk map. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { failureSchema, problemSchema } from '#api/errors.ts';
import { jobOf } from '#api/jobs/find-job.ts';
import { jobParams } from '#api/jobs/schema.ts';
import { listTaskStates, type TaskState } from '#database/task-states.ts';
import { TASK_STATUSES } from '#domain/job.ts';
import { TASK_KINDS } from '#domain/plan.ts';

const taskView = z.object({
  id: z.int(),
  kind: z.enum(TASK_KINDS),
  /** Timeline, or the output's index of `direct` and `output`. */
  subject: z.int(),
  /** Chunk; 0 for the others. */
  index: z.int(),
  status: z.enum(TASK_STATUSES),
  /** 0–100 */
  progress: z.number(),
  speed: z.number().nullable(),
  weight: z.number(),
  attempt: z.int(),
  workerId: z.string().nullable(),
  /** Wall-clock seconds of its FFmpeg; null until done. */
  seconds: z.number().nullable(),
  frames: z.number().nullable(),
  claimedAt: z.iso.datetime().nullable(),
  doneAt: z.iso.datetime().nullable(),
  error: failureSchema.nullable(),
});

/** A worker is told of only while it works on the task. */
const viewTask = ({ claimedAt, doneAt, error, workerId, ...task }: TaskState): z.output<typeof taskView> => ({
  ...task,
  progress: task.status === 'done' ? 100 : Math.round(task.progress * 1000) / 10,
  workerId: task.status === 'pending' ? null : workerId,
  claimedAt: claimedAt?.toISOString() ?? null,
  doneAt: doneAt?.toISOString() ?? null,
  error: error && { ...error },
});

export function taskRoutes(app: Api, { platform }: ApiContext): void {
  app.get(
    '/jobs/:id/tasks',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['jobs'],
        summary: 'The pieces a job is done in: which are done, which run on which worker, which wait',
        params: jobParams,
        response: { 200: z.object({ tasks: z.array(taskView) }), 404: problemSchema },
      },
    },
    async (request) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      return { tasks: (await listTaskStates(platform.database.db, { projectId, jobId: id })).map(viewTask) };
    },
  );
}
