// For those who run it: API keys, what is configured, how webhooks fare. Wired by server.ts.
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { type ApiKey, listApiKeys } from '#database/api-keys.ts';
import { listRecentDeliveries, type RecentDelivery } from '#database/deliveries.ts';
import { SCOPES } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import { hideSecrets } from '#domain/view-location.ts';
import { DELIVERY_STATUSES, type DeliveryStatus } from '#domain/webhook.ts';
import { makeKey } from '#workflows/create-key.ts';
import { revokeKey } from '#workflows/revoke-key.ts';

const tags = ['system'];
const admin = { scope: 'admin' as const };
/** Deliveries that the health of receivers is judged by. */
const LOOKED_AT = 1000;
const SHOWN = 100;

const time = z.iso.datetime();
const keyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: time,
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
});
const keyWish = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
});
const settingView = z.object({
  name: z.string(),
  group: z.string(),
  about: z.string(),
  value: z.string().nullable(),
  isSecret: z.boolean(),
  isSet: z.boolean(),
  origin: z.enum(['environment', '.env', 'default']),
});
const receiverView = z.object({
  origin: z.string(),
  counts: z.record(z.enum(DELIVERY_STATUSES), z.int()),
  lastAttemptAt: time.nullable(),
  lastError: z.string().nullable(),
});
const deliveryView = z.object({
  id: z.string(),
  jobId: z.int().nullable(),
  type: z.string(),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int(),
  lastError: z.string().nullable(),
  createdAt: time,
  nextAttemptAt: time.nullable(),
});

const viewKey = ({ id, name, scopes, createdAt, lastUsedAt, revokedAt }: ApiKey): z.output<typeof keyView> => ({
  id,
  name,
  scopes: [...scopes],
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
  revokedAt: revokedAt?.toISOString() ?? null,
});

export function adminRoutes(app: Api, context: ApiContext): void {
  keyRoutes(app, context);
  const { platform } = context;
  app.get(
    '/admin/settings',
    {
      config: admin,
      schema: {
        tags,
        summary: 'What is configured and where it came from; secrets are never shown',
        response: { 200: z.object({ settings: z.array(settingView), storage: z.string() }) },
      },
    },
    async () => ({
      settings: platform.settings.map((setting) => ({
        ...setting,
        value: setting.value === null ? null : hideSecrets(setting.value),
      })),
      storage: platform.config.STORAGE_URL?.startsWith('s3://') ? 's3' : 'disk',
    }),
  );
  app.get(
    '/admin/webhooks',
    {
      config: admin,
      schema: {
        tags,
        summary: `The last ${LOOKED_AT} webhooks by receiver, and the newest ${SHOWN} of them`,
        response: { 200: z.object({ receivers: z.array(receiverView), deliveries: z.array(deliveryView) }) },
      },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const listing = { projectId, limit: LOOKED_AT };
      const found = await listRecentDeliveries(platform.database.db, listing, platform.showing);
      return { receivers: receiversOf(found), deliveries: found.slice(0, SHOWN).map(viewDelivery) };
    },
  );
}

function keyRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
  app.get(
    '/admin/keys',
    {
      config: admin,
      schema: {
        tags,
        summary: "The project's API keys, revoked ones too",
        response: { 200: z.object({ keys: z.array(keyView) }) },
      },
    },
    async (request) => ({ keys: (await listApiKeys(db, callerOf(request).projectId)).map(viewKey) }),
  );
  app.post(
    '/admin/keys',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Make an API key; this answer is the only place it is ever shown',
        body: keyWish,
        response: { 201: z.object({ id: z.string(), key: z.string() }), 400: problemSchema },
      },
    },
    async (request, reply) => {
      const { projectId } = callerOf(request);
      const made = await makeKey(platform, { ...request.body, projectId });
      return reply.code(201).header('Cache-Control', 'no-store').send(made);
    },
  );
  app.delete(
    '/admin/keys/:id',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Revoke an API key; servers notice within five seconds',
        params: z.object({ id: z.string().max(40) }),
        response: { 204: z.null(), 404: problemSchema, 409: problemSchema },
      },
    },
    async (request, reply) => {
      const { projectId, keyId } = callerOf(request);
      const { id } = request.params;
      if (id.toLowerCase() === keyId)
        throw new PlatformError('conflict', 'This request was made with that very key: revoke it with another one');
      await revokeKey(platform, { id, projectId });
      return reply.code(204).send(null);
    },
  );
}

function receiversOf(found: readonly RecentDelivery[]): z.output<typeof receiverView>[] {
  const byOrigin = Map.groupBy(found, ({ url }) => (URL.canParse(url) ? new URL(url).origin : url));
  return [...byOrigin].map(([origin, deliveries]) => {
    const counts = Object.fromEntries(
      DELIVERY_STATUSES.map((status) => [status, deliveries.filter((one) => one.status === status).length]),
    ) as Record<DeliveryStatus, number>;
    const last = deliveries.map(({ attempts }) => attempts.at(-1)).find((attempt) => attempt !== undefined);
    return { origin, counts, lastAttemptAt: last?.at ?? null, lastError: last?.error ?? null };
  });
}

const viewDelivery = (delivery: RecentDelivery): z.output<typeof deliveryView> => ({
  id: delivery.id,
  jobId: delivery.jobId,
  type: delivery.type,
  url: hideSecrets(delivery.url),
  status: delivery.status,
  attempts: delivery.attempts.length,
  lastError: delivery.attempts.at(-1)?.error ?? null,
  createdAt: delivery.createdAt.toISOString(),
  nextAttemptAt: delivery.nextAttemptAt?.toISOString() ?? null,
});
