// Deliveries whose time has come: what a try needs, and what came of it. Used by deliver-webhook.ts.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';
import { openUrl, type Sealer } from '#database/sealed-location.ts';
import type { DeliveryAttempt, DeliveryStatus } from '#domain/webhook.ts';

/** Attempts kept of one delivery: the last ones. */
const MOST_ATTEMPTS = 50;

/** A delivery that is to be tried now. `made` is the fence of its settlement. */
export type DueDelivery = {
  readonly projectId: string;
  /** Of the three, one at the most is not null: what is told of, where that is not gone. */
  readonly jobId: number | null;
  readonly channelId: number | null;
  readonly videoId: string | null;
  readonly id: string;
  readonly url: string;
  readonly body: string;
  readonly tries: number;
  readonly made: number;
  /** The receiver wants no more of this job. */
  readonly isUnwanted: boolean;
  /** An earlier one of the same job was not tried yet; of an ordered one: is not settled. */
  readonly isEarly: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly isOrdered: boolean;
  readonly isOwn: boolean;
  readonly createdAt: Date;
};

/** Null where it is not to be tried: settled, deleted with its job, or another entry brings it later. */
export async function findDueDelivery(db: Kysely<Schema>, id: string, sealer: Sealer): Promise<DueDelivery | null> {
  const row = await db
    .selectFrom('delivery')
    .leftJoin('job', 'job.id', 'delivery.job_id')
    .select([
      'delivery.project_id',
      'delivery.job_id',
      'delivery.channel_id',
      'delivery.video_id',
      'url',
      'body',
      'delivery.tries',
      'made',
      'job.notifications_off',
      'delivery.headers',
      'delivery.is_ordered',
      'delivery.is_own',
      'delivery.created_at',
    ])
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('delivery as earlier')
          .select('earlier.id')
          .where((either) =>
            either.or([
              either('earlier.job_id', '=', either.ref('delivery.job_id')),
              either('earlier.channel_id', '=', either.ref('delivery.channel_id')),
              either('earlier.video_id', '=', either.ref('delivery.video_id')),
            ]),
          )
          .whereRef('earlier.number', '<', 'delivery.number')
          .where('earlier.status', '=', 'pending')
          .whereRef('earlier.is_ordered', '=', 'delivery.is_ordered')
          .where(({ or, eb }) => or([eb('earlier.is_ordered', '=', true), eb('earlier.made', '=', 0)])),
      ).as('is_early'),
    )
    .where('delivery.id', '=', id)
    .where('delivery.status', '=', 'pending')
    .where('next_attempt_at', '<=', sql<Date>`now()`)
    .executeTakeFirst();
  if (!row) return null;
  return {
    id,
    projectId: row.project_id,
    jobId: row.job_id,
    channelId: row.channel_id,
    videoId: row.video_id,
    url: openUrl(row.url, sealer),
    body: sealer.unseal(row.body),
    tries: row.tries,
    made: row.made,
    isUnwanted: row.notifications_off === true,
    isEarly: Boolean(row.is_early),
    headers: row.headers === null ? {} : (JSON.parse(sealer.unseal(row.headers)) as Record<string, string>),
    isOrdered: row.is_ordered,
    isOwn: row.is_own,
    createdAt: row.created_at,
  };
}

export type DeliveryOutcome = {
  readonly attempt: DeliveryAttempt;
  readonly status: DeliveryStatus;
  /** Seconds until the next try; null where there is none. */
  readonly delay: number | null;
};

/**
 * Records a try and what follows from it. False where another one settled meanwhile, or where it was asked for anew:
 * then the try is recorded and decides nothing, unless it delivered.
 */
export async function settleDelivery(
  db: Kysely<Schema>,
  { projectId, id, made }: Pick<DueDelivery, 'projectId' | 'id' | 'made'>,
  { attempt, status, delay }: DeliveryOutcome,
): Promise<boolean> {
  const change = {
    made: sql<number>`made + 1`,
    attempts: sql<
      DeliveryAttempt[]
    >`(case when jsonb_array_length(attempts) < ${MOST_ATTEMPTS}::int then attempts else attempts - 0 end) || ${json([attempt])}`,
  };
  const settled = await db
    .updateTable('delivery')
    .set((eb) => ({
      ...change,
      status,
      tries: eb('tries', '+', 1),
      next_attempt_at: delay === null ? null : sql<Date>`now() + ${delay} * interval '1 second'`,
    }))
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .where('made', '=', made)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  if (settled.numUpdatedRows > 0n) return true;
  await db
    .updateTable('delivery')
    .set({ ...change, ...(status === 'delivered' ? { status, next_attempt_at: null } : {}) })
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .execute();
  return false;
}
