// Puts a webhook or a callback into the outbox, in the transaction of the state change it tells of. Called by record-event.ts and by the APIs' own workflows.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findOrderedHead, insertDelivery } from '#database/deliveries.ts';
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import type { Job, Output } from '#domain/job.ts';
import { viewJob } from '#domain/view-job.ts';
import type { Platform } from '#workflows/platform.ts';

export type WholeJob = { readonly job: Job; readonly outputs: readonly Output[] };

/** Answers the delivery's id, which is the webhook-id; null where nobody wants to be told. The job's row is as it shall be shown. */
export async function addDelivery(
  platform: Platform,
  db: Kysely<Schema>,
  { type, whole, ...ref }: JobRef & { readonly type: string; readonly whole?: WholeJob },
): Promise<string | null> {
  const { sealer, config, queue } = platform;
  const { job, outputs } = whole ?? (await readWhole(platform, db, ref));
  if (!job?.notificationUrl) return null;
  const base = (config.PUBLIC_URL ?? job.baseUrl ?? '').replace(/\/+$/, '');
  const shown = viewJob(job, outputs, base);
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: { job: shown } });
  const id = uuidv7();
  await insertDelivery(db, { ...ref, id, type, url: job.notificationUrl, body }, sealer);
  const receiver = receiverOf(ref.projectId, job.notificationUrl);
  await queue.send('notify', { deliveryId: id, receiver }, { transaction: db });
  return id;
}

/** What an API of its own tells somebody: in order within the job, to an address that the operator set. */
export type Callback = JobRef & {
  readonly type: string;
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * Puts a callback behind those of its job. The caller holds the job's row. Only the first of them has an entry in the
 * queue; each sends the next when it is settled (deliver-webhook.ts).
 */
export async function addCallback(platform: Platform, db: Kysely<Schema>, callback: Callback): Promise<void> {
  const { sealer, queue } = platform;
  const id = uuidv7();
  const before = await findOrderedHead(db, callback, sealer);
  await insertDelivery(
    db,
    { ...callback, id, body: JSON.stringify(callback.body), isOrdered: true, isOwn: true },
    sealer,
  );
  if (before) return;
  const receiver = receiverOf(callback.projectId, callback.url);
  await queue.send('notify', { deliveryId: id, receiver }, { transaction: db });
}

async function readWhole({ sealer }: Platform, db: Kysely<Schema>, ref: JobRef) {
  return { job: await findJob(db, ref, sealer), outputs: await listOutputs(db, ref, sealer) };
}

/** Deliveries to one server share its slots; projects do not share theirs. */
export function receiverOf(projectId: string, url: string): string {
  const place = `${projectId} ${URL.parse(url)?.origin ?? url}`;
  return createHash('sha256').update(place).digest('base64url').slice(0, 22);
}
