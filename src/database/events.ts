// State changes in the order they happened, for those who follow: `/events`, webhooks, the dashboard.
import { type Kysely, sql } from 'kysely';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';

export type Event = {
  readonly id: number;
  readonly type: string;
  readonly at: Date;
  readonly jobId: number | null;
  readonly data: Readonly<Record<string, unknown>>;
};

export type NewEvent = {
  readonly projectId: string;
  readonly jobId: number | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The notification channel it is told on when the transaction commits: `{projectId, eventId, jobId, type}`. */
  readonly channel: string;
};

/**
 * Adds an event. The last act of a transaction: from here to its end, no other may add one. Numbers are taken when a
 * row is inserted but become visible at commit; without the lock a reader could see 8, go on after it, and never see 7.
 */
export function insertEvent(db: Kysely<Schema>, { channel, ...event }: NewEvent): Promise<void> {
  return insertEvents(db, [event], channel);
}

/** Several, in their order: see insertEvent. */
export async function insertEvents(
  db: Kysely<Schema>,
  events: readonly Omit<NewEvent, 'channel'>[],
  channel: NewEvent['channel'],
): Promise<void> {
  const rows = events.map(({ projectId, jobId, type, data }, place) => ({ place, projectId, jobId, type, data }));
  // One round trip: the lock is held for it and the commit alone. Numbers are taken for rows of `turn`, so after the lock.
  await sql`
    with turn as materialized (select pg_advisory_xact_lock(hashtext('rendition event'))),
    added as (
      insert into event (project_id, job_id, type, data)
      select new."projectId", new."jobId", new.type, new.data
      from turn, jsonb_to_recordset(${json(rows)}) as new (place int, "projectId" text, "jobId" bigint, type text, data jsonb)
      order by new.place
      returning id, project_id, job_id, type
    )
    select pg_notify(${channel}, json_build_object('projectId', project_id, 'eventId', id, 'jobId', job_id, 'type', type)::text)
    from added`.execute(db);
}

/** Events after a number, oldest first; 0 is the beginning. */
export async function listEvents(
  db: Kysely<Schema>,
  {
    projectId,
    after,
    limit,
    jobId,
  }: { readonly projectId: string; readonly after: number; readonly limit: number; readonly jobId?: number },
): Promise<Event[]> {
  const rows = await db
    .selectFrom('event')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '>', after)
    .$if(jobId !== undefined, (query) => query.where('job_id', '=', jobId ?? 0))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id, type, at, job_id, data }) => ({ id, type, at, jobId: job_id, data }));
}

/** What became of a live channel, newest first. */
export async function listChannelEvents(
  db: Kysely<Schema>,
  { projectId, channelId, limit }: { readonly projectId: string; readonly channelId: number; readonly limit: number },
): Promise<Event[]> {
  const rows = await db
    .selectFrom('event')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('type', 'like', 'channel.%')
    .where(sql<boolean>`data->>'channel' = ${String(channelId)}`)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ id, type, at, job_id, data }) => ({ id, type, at, jobId: job_id, data }));
}

/** Number of the newest event of a project; 0 where there is none. What comes later has a greater one. */
export async function findLastEventId(db: Kysely<Schema>, projectId: string): Promise<number> {
  const row = await db
    .selectFrom('event')
    .select('id')
    .where('project_id', '=', projectId)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? 0;
}

/** Events older than a time are forgotten: for the janitor. */
export async function deleteEventsBefore(db: Kysely<Schema>, before: Date): Promise<number> {
  const result = await db.deleteFrom('event').where('at', '<', before).executeTakeFirst();
  return Number(result.numDeletedRows);
}
