// What the first page shows: figures of the last day, the disk, this machine's load, who is asking. Wired by server.ts.
import { statfs } from 'node:fs/promises';
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { countJobs } from '#database/jobs.ts';
import { countDeliveries, listThroughput } from '#database/overview.ts';
import { SCOPES } from '#domain/access.ts';
import { JOB_STATUSES } from '#domain/job.ts';
import { DELIVERY_STATUSES } from '#domain/webhook.ts';
import { LOAD_INTERVAL, startLoadSampler } from '#workflows/sample-load.ts';

const tags = ['system'];
const count = z.int();
const overviewSchema = z.object({
  /** Jobs by status, all that are kept. */
  jobs: z.record(z.enum(JOB_STATUSES), count),
  /** By the hour, the last 24, oldest first. */
  throughput: z.array(
    z.object({
      hour: z.iso.datetime(),
      completed: count,
      failed: count,
      bytes: z.number(),
      mediaSeconds: z.number(),
    }),
  ),
  /** Webhooks of the last day by status. */
  deliveries: z.record(z.enum(DELIVERY_STATUSES), count),
  /** The disk of DATA_DIR, bytes. */
  disk: z.object({ size: z.number(), free: z.number() }),
});
const loadSchema = z.object({
  hostname: z.string(),
  cores: count,
  memoryTotal: z.number(),
  /** Seconds between two samples. */
  interval: z.number(),
  samples: z.array(
    z.object({
      at: z.iso.datetime(),
      cpu: z.number(),
      memoryUsed: z.number(),
      received: z.number().nullable(),
      sent: z.number().nullable(),
    }),
  ),
});
const sessionSchema = z.object({
  project: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  /** Id of the key that asks; null for ADMIN_KEY, and where none is needed. */
  keyId: z.string().nullable(),
  apis: z.array(z.string()),
});
const loadQuery = z.object({ after: z.iso.datetime().optional() });

export function overviewRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
  const sampler = startLoadSampler();
  app.addHook('onClose', async () => sampler.stop());
  app.get(
    '/overview',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'What the last day gave, and what there is', response: { 200: overviewSchema } },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const [jobs, throughput, deliveries, disk] = await Promise.all([
        countJobs(db, projectId),
        listThroughput(db, projectId),
        countDeliveries(db, projectId),
        statfs(platform.config.DATA_DIR),
      ]);
      const every = <T extends string>(names: readonly T[], found: Partial<Record<T, number>>) =>
        Object.fromEntries(names.map((name) => [name, found[name] ?? 0])) as Record<T, number>;
      return {
        jobs: every(JOB_STATUSES, jobs),
        throughput: throughput.map(({ hour, ...figures }) => ({ ...figures, hour: hour.toISOString() })),
        deliveries: every(DELIVERY_STATUSES, deliveries),
        disk: { size: disk.blocks * disk.bsize, free: disk.bavail * disk.bsize },
      };
    },
  );
  app.get(
    '/system/load',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary:
          'Processor, memory and network of the machine that answers: the last hour, or what is newer than `after`',
        querystring: loadQuery,
        response: { 200: loadSchema },
      },
    },
    async (request) => {
      const after = request.query.after === undefined ? 0 : Date.parse(request.query.after);
      const samples = sampler.samples().filter(({ at }) => at.getTime() > after);
      return {
        hostname: sampler.hostname,
        cores: sampler.cores,
        memoryTotal: sampler.memoryTotal,
        interval: LOAD_INTERVAL,
        samples: samples.map((sample) => ({ ...sample, at: sample.at.toISOString() })),
      };
    },
  );
  app.get(
    '/session',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Who is asking, and what the key may do', response: { 200: sessionSchema } },
    },
    async (request) => {
      const { projectId, scopes, keyId } = callerOf(request);
      return { project: projectId, scopes: [...scopes], keyId, apis: [...platform.config.APIS] };
    },
  );
}
