// Puts a webhook or a callback into the outbox, in the transaction of the state change it tells of. Called by record-event.ts and by the APIs' own workflows.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { countOrdered, findOrderedHead, insertDeliveries, type NewDelivery } from '#database/deliveries.ts';
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { CLOSED } from '#database/sealed-location.ts';
import type { Job, Output } from '#domain/job.ts';
import { viewJob } from '#domain/view-job.ts';
import type { Platform } from '#workflows/platform.ts';

export type WholeJob = { readonly job: Job; readonly outputs: readonly Output[] };

/** What a webhook tells; without `whole` it is read. The job's row is as it shall be shown. */
export type Telling = JobRef & { readonly type: string; readonly whole?: WholeJob };

/** Answers each delivery's id, which is the webhook-id, by its telling; none where nobody wants to be told. */
export async function addDeliveries(
  platform: Platform,
  db: Kysely<Schema>,
  tellings: readonly Telling[],
): Promise<ReadonlyMap<Telling, string>> {
  const ids = new Map<Telling, string>();
  const deliveries: NewDelivery[] = [];
  for (const telling of tellings) {
    const { type, whole, projectId, jobId } = telling;
    const { job, outputs } = whole ?? (await readWhole(platform, db, telling));
    if (!job?.notificationUrl || job.notificationUrl === CLOSED) continue;
    const base = (platform.config.PUBLIC_URL ?? job.baseUrl ?? '').replace(/\/+$/, '');
    const shown = viewJob(job, outputs, base);
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: { job: shown } });
    const id = uuidv7();
    ids.set(telling, id);
    deliveries.push({ projectId, jobId, id, type, url: job.notificationUrl, body });
  }
  if (deliveries.length > 0) await putOut(platform, db, deliveries);
  return ids;
}

/** Into the outbox, and into the queue that empties it. */
export async function putOut(
  { sealer, queue }: Platform,
  db: Kysely<Schema>,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  await insertDeliveries(db, deliveries, sealer);
  const entries = deliveries.map(({ id, projectId, url }) => ({
    data: { deliveryId: id, receiver: receiverOf(projectId, url) },
    priority: 0,
  }));
  await queue.sendAll('notify', entries, { transaction: db });
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
  await insertDeliveries(
    db,
    [{ ...callback, id, body: JSON.stringify(callback.body), isOrdered: true, isOwn: true }],
    sealer,
  );
  if (before) return;
  const receiver = receiverOf(callback.projectId, callback.url);
  await queue.send('notify', { deliveryId: id, receiver }, { transaction: db });
}

/** Seconds after which a try of an earlier one that is on its way has ended: see DELIVERY_POLICY. */
const LAST_TRY = 20;

/**
 * The last word of a job that is about to be deleted: it outlives the job. Those before it go with the job, and one of them that is just
 * being sent has arrived or failed before this one is. The caller holds the job's row.
 */
export async function addLastCallback(platform: Platform, db: Kysely<Schema>, callback: Callback): Promise<void> {
  const { sealer, queue } = platform;
  const id = uuidv7();
  const isOneOnItsWay = (await countOrdered(db, callback)) > 0;
  const body = JSON.stringify(callback.body);
  await insertDeliveries(db, [{ ...callback, jobId: null, id, body, isOrdered: true, isOwn: true }], sealer);
  const receiver = receiverOf(callback.projectId, callback.url);
  const startAfter = isOneOnItsWay ? LAST_TRY : 0;
  await queue.send('notify', { deliveryId: id, receiver }, { transaction: db, startAfter });
}

async function readWhole({ showing }: Platform, db: Kysely<Schema>, ref: JobRef) {
  return { job: await findJob(db, ref, showing), outputs: await listOutputs(db, ref, showing) };
}

/** Deliveries to one server share its slots; projects do not share theirs. */
export function receiverOf(projectId: string, url: string): string {
  const place = `${projectId} ${URL.parse(url)?.origin ?? url}`;
  return createHash('sha256').update(place).digest('base64url').slice(0, 22);
}
