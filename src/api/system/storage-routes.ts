// What is kept how long, what lies in storage, and the sweep that deletes what is due, now instead of within the hour. Wired by server.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { countKeptJobs, countKeptOperations, countKeptUploads, countVideos, type Kept } from '#database/retention.ts';
import { listStorageUsage } from '#database/storage-usage.ts';
import { EVENT_DAYS, STORAGE_KINDS, SWEEP_SECONDS } from '#domain/retention.ts';
import { hideSecrets } from '#domain/view-location.ts';
import { orderCount } from '#workflows/count-storage.ts';
import { orderSweep } from '#workflows/janitor.ts';

const tags = ['system'];
const admin = { scope: 'admin' as const };
const HOUR = 3_600_000;
const count = z.int();
const RULES = ['jobs', 'operations', 'uploads', 'videos', 'events'] as const;

const storageSchema = z.object({
  place: z.object({ kind: z.enum(['disk', 's3']), location: z.string() }),
  /** As it was counted last, of the whole installation; old figures are counted anew by a worker. */
  usage: z.object({
    countedAt: z.iso.datetime().nullable(),
    kinds: z.array(z.object({ kind: z.enum(STORAGE_KINDS), objects: count, bytes: z.number() })),
  }),
  /** What becomes of a project's things by their age. */
  rules: z.array(
    z.object({
      kind: z.enum(RULES),
      /** The setting that says it; null where none does. */
      setting: z.string().nullable(),
      /** Hours after their end; null: until somebody deletes them. */
      hours: z.number().nullable(),
      kept: count.nullable(),
      /** What the next sweep deletes. */
      due: count,
      dueBytes: z.number(),
      dueWithinDay: count,
    }),
  ),
  /** Seconds between two sweeps. */
  sweepEvery: count,
});
type Storage = z.output<typeof storageSchema>;
type Rule = Storage['rules'][number];

const ruleOf = (kind: Rule['kind'], { setting, hours }: Pick<Rule, 'setting' | 'hours'>, kept: Kept | null): Rule => ({
  kind,
  setting,
  hours,
  kept: kept?.kept ?? null,
  due: kept?.due ?? 0,
  dueBytes: kept?.dueBytes ?? 0,
  dueWithinDay: kept?.dueSoon ?? 0,
});

export function storageRoutes(app: Api, { platform }: ApiContext): void {
  const { config } = platform;
  const { db } = platform.database;
  const before = (hours: number | null) => (hours === null ? null : new Date(Date.now() - hours * HOUR));
  const rules = async (projectId: string): Promise<Rule[]> => {
    const [jobs, operations, uploads, videos] = await Promise.all([
      countKeptJobs(db, { projectId, before: before(config.RETENTION_HOURS) }),
      countKeptOperations(db, { projectId, before: before(config.OPERATION_EXPIRY_HOURS) }),
      countKeptUploads(db, { projectId, before: new Date() }),
      countVideos(db, projectId),
    ]);
    const kept = { kept: videos, due: 0, dueBytes: 0, dueSoon: 0 };
    return [
      ruleOf('jobs', { setting: 'RETENTION_HOURS', hours: config.RETENTION_HOURS }, jobs),
      ruleOf('operations', { setting: 'OPERATION_EXPIRY_HOURS', hours: config.OPERATION_EXPIRY_HOURS }, operations),
      ruleOf('uploads', { setting: 'UPLOAD_EXPIRY_HOURS', hours: config.UPLOAD_EXPIRY_HOURS }, uploads),
      ruleOf('videos', { setting: null, hours: null }, kept),
      ruleOf('events', { setting: null, hours: EVENT_DAYS * 24 }, null),
    ];
  };
  const show = async (projectId: string): Promise<Storage> => {
    const last = await listStorageUsage(db);
    const { countedAt, kinds } = last;
    await orderCount(platform, last);
    const location = config.STORAGE_URL ?? `${config.DATA_DIR}/storage`;
    return {
      place: { kind: location.startsWith('s3://') ? 's3' : 'disk', location: hideSecrets(location) },
      usage: { countedAt: countedAt?.toISOString() ?? null, kinds: [...kinds] },
      rules: await rules(projectId),
      sweepEvery: SWEEP_SECONDS,
    };
  };
  app.get(
    '/admin/storage',
    {
      config: admin,
      schema: {
        tags,
        summary: 'What lies in storage, what is kept how long, and what the next sweep deletes',
        response: { 200: storageSchema },
      },
    },
    (request) => show(callerOf(request).projectId),
  );
  app.post(
    '/admin/storage/sweep',
    {
      config: { ...admin, shared: true },
      schema: {
        tags,
        summary: 'Delete what is due now, as the hourly sweep does; a worker begins with it at once',
        response: { 202: storageSchema },
      },
    },
    async (request, reply) => {
      // Read first: whoever waits for the sweep knows its end by a later count than this one.
      const shown = await show(callerOf(request).projectId);
      await orderSweep(platform);
      return reply.code(202).send(shown);
    },
  );
}
