// The rows of webhook deliveries: the outbox. Inserted with the event they tell of, listed by the API, ended where a receiver wants no more. Their tries stand in due-deliveries.ts.
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { DeliveryTable } from '#database/job-tables.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { openUrl, type Sealer, sealUrl } from '#database/sealed-location.ts';
import type { DeliveryAttempt, DeliveryStatus } from '#domain/webhook.ts';

export type Delivery = {
  readonly id: string;
  readonly type: string;
  readonly url: string;
  readonly status: DeliveryStatus;
  readonly attempts: readonly DeliveryAttempt[];
  readonly nextAttemptAt: Date | null;
};

/** What deliveries tell of: one of the three, or none where it is gone. */
export type DeliverySubject = {
  readonly projectId: string;
  readonly jobId?: number | null;
  readonly channelId?: number | null;
  readonly videoId?: string | null;
};

export type NewDelivery = DeliverySubject & {
  readonly id: string;
  readonly type: string;
  readonly url: string;
  readonly body: string;
  /** Of its own, beside those every delivery has: stored sealed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent only when the earlier ordered ones of its job are settled. */
  readonly isOrdered?: boolean;
  /** To an address that the operator set, which may be private. */
  readonly isOwn?: boolean;
};

export async function insertDeliveries(
  db: Kysely<Schema>,
  deliveries: readonly NewDelivery[],
  sealer: Sealer,
): Promise<void> {
  await db
    .insertInto('delivery')
    .values(
      deliveries.map(({ id, type, url, body, headers, isOrdered = false, isOwn = false, ...subject }) => ({
        id,
        project_id: subject.projectId,
        job_id: subject.jobId ?? null,
        channel_id: subject.channelId ?? null,
        video_id: subject.videoId ?? null,
        type,
        url: sealUrl(url, sealer),
        body: sealer.seal(body),
        status: 'pending' as const,
        attempts: json([]),
        next_attempt_at: sql<Date>`now()`,
        headers: headers ? sealer.seal(JSON.stringify(headers)) : null,
        is_ordered: isOrdered,
        is_own: isOwn,
      })),
    )
    .execute();
}

/** Those that tell of one thing. */
const about =
  ({ projectId, jobId = null, channelId = null, videoId = null }: DeliverySubject) =>
  ({ and, eb }: ExpressionBuilder<Schema, 'delivery'>) => {
    const subject =
      jobId !== null
        ? eb('delivery.job_id', '=', jobId)
        : channelId !== null
          ? eb('delivery.channel_id', '=', channelId)
          : eb('delivery.video_id', '=', videoId);
    return and([eb('delivery.project_id', '=', projectId), subject]);
  };

/** The first ordered delivery of a job that is not settled: the only one that may be sent. Ask with the job's row locked. */
export async function findOrderedHead(
  db: Kysely<Schema>,
  job: JobRef,
  sealer: Sealer,
): Promise<{ readonly id: string; readonly url: string } | null> {
  const row = await db
    .selectFrom('delivery')
    .select(['id', 'url'])
    .where(about(job))
    .where('is_ordered', '=', true)
    .where('status', '=', 'pending')
    .orderBy('number')
    .limit(1)
    .executeTakeFirst();
  return row ? { id: row.id, url: openUrl(row.url, sealer) } : null;
}

/** Ordered deliveries of a job that are not settled. */
export async function countOrdered(db: Kysely<Schema>, job: JobRef): Promise<number> {
  const row = await db
    .selectFrom('delivery')
    .select(sql<number>`count(*)::int`.as('count'))
    .where(about(job))
    .where('is_ordered', '=', true)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  return row?.count ?? 0;
}

/** Whether an ordered delivery of the job that came after this one has arrived: then it is too late for this one. */
export async function findOvertaken(
  db: Kysely<Schema>,
  { projectId, jobId, id }: JobRef & { readonly id: string },
): Promise<boolean> {
  const row = await db
    .selectFrom('delivery')
    .innerJoin('delivery as later', 'later.job_id', 'delivery.job_id')
    .select('later.id')
    .where('delivery.project_id', '=', projectId)
    .where('delivery.job_id', '=', jobId)
    .where('delivery.id', '=', id)
    .where('delivery.is_ordered', '=', true)
    .where('later.is_ordered', '=', true)
    .where('later.status', '=', 'delivered')
    .whereRef('later.number', '>', 'delivery.number')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

const SHOWN = ['id', 'type', 'url', 'status', 'attempts', 'next_attempt_at'] as const;
type ShownRow = Pick<Selectable<DeliveryTable>, (typeof SHOWN)[number]>;

const toDelivery = ({ id, type, url, status, attempts, next_attempt_at }: ShownRow, sealer: Sealer): Delivery => ({
  id,
  type,
  url: openUrl(url, sealer),
  status,
  attempts,
  nextAttemptAt: next_attempt_at,
});

/** Of one job, oldest first. */
export async function listDeliveries(db: Kysely<Schema>, job: JobRef, sealer: Sealer): Promise<Delivery[]> {
  const rows = await db.selectFrom('delivery').select(SHOWN).where(about(job)).orderBy('number').execute();
  return rows.map((row) => toDelivery(row, sealer));
}

export type RecentDelivery = Delivery & { readonly jobId: number | null; readonly createdAt: Date };

/** Of a whole project, newest first. */
export async function listRecentDeliveries(
  db: Kysely<Schema>,
  { projectId, limit }: { readonly projectId: string; readonly limit: number },
  sealer: Sealer,
): Promise<RecentDelivery[]> {
  const rows = await db
    .selectFrom('delivery')
    .select([...SHOWN, 'job_id', 'created_at'])
    .where('project_id', '=', projectId)
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...toDelivery(row, sealer), jobId: row.job_id, createdAt: row.created_at }));
}

/** Ids of what waits of one job. */
export async function listPendingDeliveries(db: Kysely<Schema>, job: JobRef): Promise<string[]> {
  const rows = await db.selectFrom('delivery').select('id').where(about(job)).where('status', '=', 'pending').execute();
  return rows.map(({ id }) => id);
}

/** Ends what waits of something whose receiver wants no more; of a job, what will come as well. */
export async function disableDeliveries(db: Kysely<Schema>, subject: DeliverySubject): Promise<void> {
  const { projectId, jobId = null } = subject;
  if (jobId !== null) await setNotificationsOff(db, { projectId, jobId }, true);
  await db
    .updateTable('delivery')
    .set({ status: 'disabled', next_attempt_at: null })
    .where(about(subject))
    .where('status', '=', 'pending')
    .execute();
}

async function setNotificationsOff(db: Kysely<Schema>, { projectId, jobId }: JobRef, off: boolean): Promise<void> {
  await db
    .updateTable('job')
    .set({ notifications_off: off })
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .execute();
}

/**
 * Whether the receiver of a channel or a video wants no more. A change of the channel may name another: then it is asked again.
 * A video keeps its own.
 */
export async function findUnwanted(db: Kysely<Schema>, subject: DeliverySubject): Promise<boolean> {
  const row = await db
    .selectFrom('delivery')
    .leftJoin('channel', 'channel.id', 'delivery.channel_id')
    .select('delivery.id')
    .where(about(subject))
    .where('delivery.status', '=', 'disabled')
    .where(({ or, eb, ref }) =>
      or([eb('channel.id', 'is', null), eb('delivery.created_at', '>=', ref('channel.updated_at'))]),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Asks for a delivery anew, with all its tries, and lets the job tell again. Null where there is none such. */
export async function reopenDelivery(
  db: Kysely<Schema>,
  { id, ...job }: JobRef & { readonly id: string },
  sealer: Sealer,
): Promise<Delivery | null> {
  const row = await db
    .updateTable('delivery')
    .set({ status: 'pending', tries: 0, next_attempt_at: sql<Date>`now()` })
    .where(about(job))
    .where('id', '=', id)
    .returning(SHOWN)
    .executeTakeFirst();
  if (!row) return null;
  await setNotificationsOff(db, job, false);
  return toDelivery(row, sealer);
}

/**
 * Deliveries that no job takes along when it goes, of videos and channels, settled and older than a time. A refusal for good stays:
 * it is what keeps the receiver from being asked again.
 */
export async function deleteLooseDeliveriesBefore(db: Kysely<Schema>, before: Date): Promise<void> {
  await db
    .deleteFrom('delivery')
    .where('job_id', 'is', null)
    .where('status', 'in', ['delivered', 'failed'])
    .where('created_at', '<', before)
    .execute();
}
