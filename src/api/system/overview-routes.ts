// What the first page shows: figures of the last day, the disk, who is asking. Wired by server.ts.
import { statfs } from 'node:fs/promises';
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { countJobs } from '#database/jobs.ts';
import { countDeliveries, listThroughput } from '#database/overview.ts';
import { SCOPES } from '#domain/access.ts';
import { JOB_STATUSES } from '#domain/job.ts';
import { DELIVERY_STATUSES } from '#domain/webhook.ts';

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
const sessionSchema = z.object({
  project: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  /** Id of the key that asks; null for ADMIN_KEY, and where none is needed. */
  keyId: z.string().nullable(),
  apis: z.array(z.string()),
});

export function overviewRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
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
