// The figures of a channel over the last quarter of an hour. Wired by api.ts.
import { z } from 'zod';
import { FIGURE_INTERVAL, keepFigures } from '#api/channels/figure-history.ts';
import { jobAndChannel } from '#api/channels/find-job.ts';
import { jobParams } from '#api/channels/schema.ts';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';

const figuresView = z.object({
  /** Seconds between two samples. */
  interval: z.int(),
  samples: z.array(
    z.object({
      at: z.iso.datetime(),
      fps: z.number().nullable(),
      bitrate: z.number().nullable(),
      speed: z.number().nullable(),
      cpu_percent: z.number().nullable(),
    }),
  ),
});

export function channelFigureRoute(app: Api, { platform }: ApiContext): void {
  const history = keepFigures(app, platform);
  app.get(
    '/api/job/:id/figures',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['channels'],
        summary:
          'Frames, bits, speed and CPU of the channel while it was on air, oldest first: a quarter of an hour, from the start of this server on',
        params: jobParams,
        response: { 200: figuresView, 404: problemSchema },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { job } = await jobAndChannel(platform, { projectId, jobId: request.params.id });
      const samples = history.of(job.id).map(({ at, fps, bitrate, speed, cpuPercent }) => ({
        at: new Date(at).toISOString(),
        ...{ fps, bitrate, speed },
        cpu_percent: cpuPercent,
      }));
      return { interval: FIGURE_INTERVAL, samples };
    },
  );
}
