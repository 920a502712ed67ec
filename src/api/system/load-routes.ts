// How busy every machine of the cluster is. Wired by server.ts.
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { countLoadedMachines, listMachineLoad } from '#database/machine-load.ts';
import { LOAD_INTERVAL, LOAD_KEPT } from '#workflows/sample-load.ts';

/** Figures of one answer at the most: with more machines, each one stands for more seconds. */
const MOST_SAMPLES = 7200;

const loadSchema = z.object({
  /** Seconds that one sample stands for. */
  interval: z.int(),
  machines: z.array(
    z.object({
      hostname: z.string(),
      cores: z.int(),
      memoryTotal: z.number(),
      samples: z.array(
        z.object({
          at: z.iso.datetime(),
          cpu: z.number(),
          memoryUsed: z.number(),
          received: z.number().nullable(),
          sent: z.number().nullable(),
        }),
      ),
    }),
  ),
});
const loadQuery = z.object({ after: z.iso.datetime().optional() });

/** Seconds that one of so many machines' samples stands for. */
export const loadInterval = (machines: number): number =>
  LOAD_INTERVAL * Math.max(1, Math.ceil((machines * LOAD_KEPT) / LOAD_INTERVAL / MOST_SAMPLES));

export function loadRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
  app.get(
    '/system/load',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['system'],
        summary: 'Processor, memory and network of every machine: the last hour, or what is newer than `after`',
        querystring: loadQuery,
        response: { 200: loadSchema },
      },
    },
    async (request) => {
      const begin = Date.now() - LOAD_KEPT * 1000;
      const interval = loadInterval(await countLoadedMachines(db, new Date(begin)));
      const after = request.query.after === undefined ? begin : Date.parse(request.query.after);
      // The next time that begins after it: else its first figure would be the mean of half of its samples.
      const next = (Math.floor(after / 1000 / interval) + 1) * interval * 1000;
      // A time that is not over yet would be told of by half of its samples.
      const now =
        interval === LOAD_INTERVAL ? Date.now() + 1 : Math.floor(Date.now() / 1000 / interval) * interval * 1000;
      const machines = await listMachineLoad(db, {
        after: new Date(Math.max(begin, next - 1)),
        before: new Date(now),
        interval,
      });
      return {
        interval,
        machines: machines.map(({ samples, ...machine }) => ({
          ...machine,
          samples: samples.map((sample) => ({ ...sample, at: sample.at.toISOString() })),
        })),
      };
    },
  );
}
