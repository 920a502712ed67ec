// Figures of a project at a glance: what its last day gave, hour by hour. Read by GET /overview.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { DeliveryStatus } from '#domain/webhook.ts';

export type HourFigures = {
  readonly hour: Date;
  readonly completed: number;
  readonly failed: number;
  /** bytes of the outputs of completed jobs */
  readonly bytes: number;
  /** seconds of media that came out, all outputs together */
  readonly mediaSeconds: number;
};

/** The last 24 hours, oldest first; an hour in which nothing ended is there as well. */
export async function listThroughput(db: Kysely<Schema>, projectId: string): Promise<HourFigures[]> {
  const { rows } = await sql<{ hour: Date; completed: number; failed: number; bytes: number; media_seconds: number }>`
    with ended as (
      select job.id, job.status, date_trunc('hour', job.completed_at) as hour from job
      where job.project_id = ${projectId} and job.completed_at >= date_trunc('hour', now()) - interval '23 hours'
    ), made as (
      select ended.hour, sum((output.result->>'size')::float8) as bytes, sum((output.result->>'duration')::float8) as media_seconds
      from ended join output on output.job_id = ended.id and output.result is not null
      where ended.status = 'completed' group by ended.hour
    )
    select hours.hour, count(ended.id) filter (where ended.status = 'completed')::int as completed,
      count(ended.id) filter (where ended.status = 'failed')::int as failed,
      coalesce(max(made.bytes), 0) as bytes, coalesce(max(made.media_seconds), 0) as media_seconds
    from generate_series(date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()), interval '1 hour') as hours (hour)
    left join ended on ended.hour = hours.hour
    left join made on made.hour = hours.hour
    group by hours.hour order by hours.hour`.execute(db);
  return rows.map(({ hour, completed, failed, bytes, media_seconds }) => ({
    hour,
    completed,
    failed,
    bytes,
    mediaSeconds: media_seconds,
  }));
}

/** Webhooks made in the last day, by what became of them. */
export async function countDeliveries(
  db: Kysely<Schema>,
  projectId: string,
): Promise<Partial<Record<DeliveryStatus, number>>> {
  const rows = await db
    .selectFrom('delivery')
    .select(['status', sql<number>`count(*)::int`.as('count')])
    .where('project_id', '=', projectId)
    .where('created_at', '>', sql<Date>`now() - interval '1 day'`)
    .groupBy('status')
    .execute();
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}
