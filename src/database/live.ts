// Machines that run channels, and the moments of channels that can be played. Written by the live supervisor, read by the API.
import { type Kysely, sql } from 'kysely';
import type { LiveMachineTable, LivePart, LiveThumbnail } from '#database/channel-tables.ts';
import { json } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';

export type { LivePart } from '#database/channel-tables.ts';

export type LiveMachine = Pick<LiveMachineTable, 'id' | 'hostname' | 'mark' | 'namespace' | 'cores'> & {
  readonly beatAt: Date;
};

/** A machine and its last sign of life: the database's own time of it, seconds, as exact as that clock. */
export type MachineBeat = { readonly id: string; readonly beat: number };

const beat = sql<number>`extract(epoch from beat_at)::float8`;

/** A sign of life. Answers when it was. */
export async function saveMachine(db: Kysely<Schema>, machine: Omit<LiveMachine, 'beatAt'>): Promise<number> {
  const values = { ...machine, beat_at: sql<Date>`now()` };
  const row = await db
    .insertInto('live_machine')
    .values(values)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .returning(beat.as('beat'))
    .executeTakeFirstOrThrow();
  return row.beat;
}

/** All machines that ever gave a sign of life and were not forgotten since, and how long ago it was by the database's clock, seconds. */
export async function listBeats(db: Kysely<Schema>): Promise<(MachineBeat & { readonly age: number })[]> {
  return db
    .selectFrom('live_machine')
    .select(['id', beat.as('beat'), sql<number>`extract(epoch from now() - beat_at)::float8`.as('age')])
    .orderBy('id')
    .execute();
}

/** Machines that gave a sign of life within so many seconds. */
export async function listMachines(db: Kysely<Schema>, silence: number): Promise<LiveMachine[]> {
  const rows = await db
    .selectFrom('live_machine')
    .select(['id', 'hostname', 'mark', 'namespace', 'cores', 'beat_at'])
    .where(sql<boolean>`beat_at > now() - ${silence} * interval '1 second'`)
    .orderBy('id')
    .execute();
  return rows.map(({ beat_at, ...row }) => ({ ...row, beatAt: beat_at }));
}

/** Forgets a machine; its channels are free from then on. */
export async function deleteMachine(db: Kysely<Schema>, id: string): Promise<void> {
  await db
    .updateTable('channel_job')
    .set({ machine_id: null, ffmpeg_pid: null })
    .where('machine_id', '=', id)
    .execute();
  await db.deleteFrom('live_machine').where('id', '=', id).execute();
}

/** Forgets machines that were not heard of since a time; their channels have gone elsewhere, or wait for one of that name. For the janitor. */
export async function deleteMachinesBefore(db: Kysely<Schema>, before: Date): Promise<number> {
  const result = await db.deleteFrom('live_machine').where('beat_at', '<', before).executeTakeFirst();
  return Number(result.numDeletedRows);
}

export type LiveMoment = {
  readonly sequence: number;
  /** Breaks before it, its own included. */
  readonly discontinuities: number;
  readonly isBreak: boolean;
  readonly startsAt: Date;
  readonly seconds: number;
  readonly parts: readonly LivePart[];
};

export type NewMoment = Omit<LiveMoment, 'sequence' | 'discontinuities'> & {
  readonly projectId: string;
  readonly channelId: number;
  readonly expiresAt: Date;
  /** Seconds of pictures that the playlist shows, holes not counted. */
  readonly windowSeconds: number;
  /** Seconds that a segment stays after it has left the playlist. */
  readonly graceSeconds: number;
  /** Only the holder of the lease publishes. */
  readonly fence: { readonly jobId: number; readonly machineId: string; readonly lease: number };
};

/** Where a moment stands in the playlists of its channel. */
export type MomentPlace = Pick<LiveMoment, 'sequence' | 'discontinuities'>;

/**
 * Publishes a moment under the next number; what the playlist still shows stays, however long ago it was made. The newest said again is
 * the same moment: whoever lost the answer may ask once more. Null where the lease is no longer held.
 */
export async function insertMoment(db: Kysely<Schema>, moment: NewMoment): Promise<MomentPlace | null> {
  const { projectId, channelId, isBreak, startsAt, seconds, parts, expiresAt, fence } = moment;
  const { windowSeconds, graceSeconds } = moment;
  const result = await sql<MomentPlace>`
    with newest as (
      select sequence, discontinuities, parts from live_moment
      where channel_id = ${channelId} order by sequence desc limit 1
    ), known as (
      select sequence, discontinuities from newest where parts->0->>'key' = ${parts[0]?.key ?? ''}
    ), held as (
      select id from channel_job
      where id = ${fence.jobId} and machine_id = ${fence.machineId} and lease = ${fence.lease}
        and not exists (select from known) for share
    ), clock as (
      insert into live_clock (channel_id, next_sequence, discontinuities)
      select ${channelId}::bigint, 1, ${isBreak ? 1 : 0}::int from held
      on conflict (channel_id) do update set
        next_sequence = live_clock.next_sequence + 1,
        discontinuities = live_clock.discontinuities + ${isBreak ? 1 : 0}::int
      returning next_sequence - 1 as sequence, discontinuities
    ), kept as (
      update live_moment set expires_at = now() + ${graceSeconds + seconds} * interval '1 second'
      where channel_id = ${channelId} and expires_at < now() + ${graceSeconds} * interval '1 second'
        and sequence in (
          select sequence from (
            select sequence, sum(seconds) over (order by sequence desc) - seconds as newer
            from live_moment where channel_id = ${channelId}
          ) listed where newer < ${windowSeconds})
        and exists (select from held)
    ), made as (
      insert into live_moment
        (project_id, channel_id, sequence, discontinuities, is_break, starts_at, seconds, parts, expires_at)
      select ${projectId}, ${channelId}::bigint, sequence, discontinuities, ${isBreak}::boolean, ${startsAt}::timestamptz, ${seconds}::float8,
        ${json(parts)}, ${expiresAt}::timestamptz from clock
      returning sequence, discontinuities
    )
    select sequence, discontinuities from made union all select sequence, discontinuities from known`.execute(db);
  return result.rows[0] ?? null;
}

/** The newest moments that make up so many seconds of pictures (holes do not count), in order. */
export async function listMoments(
  db: Kysely<Schema>,
  { channelId, seconds }: { readonly channelId: number; readonly seconds: number },
): Promise<LiveMoment[]> {
  const rows = await db
    .selectFrom((from) =>
      from
        .selectFrom('live_moment')
        .selectAll()
        .select(sql<number>`sum(seconds) over (order by sequence desc) - seconds`.as('newer'))
        .where('channel_id', '=', channelId)
        .as('moment'),
    )
    .selectAll()
    .where('newer', '<', seconds)
    .orderBy('sequence')
    .execute();
  return rows.map(toMoment);
}

/** Also one that has left the playlist already: a slow player may still ask for it. */
export async function findMoment(
  db: Kysely<Schema>,
  { channelId, sequence }: { readonly channelId: number; readonly sequence: number },
): Promise<LiveMoment | null> {
  const row = await db
    .selectFrom('live_moment')
    .selectAll()
    .where('channel_id', '=', channelId)
    .where('sequence', '=', sequence)
    .executeTakeFirst();
  return row ? toMoment(row) : null;
}

export type ExpiredMoment = {
  readonly channelId: number;
  readonly sequence: number;
  /** Of its segments. */
  readonly keys: readonly string[];
};

/** What nobody can ask for any longer. Nobody else is given it for half a minute: whoever was takes its segments away, then it. */
export async function takeExpiredMoments(db: Kysely<Schema>, limit: number): Promise<ExpiredMoment[]> {
  const rows = await db
    .updateTable('live_moment')
    .set({ expires_at: sql<Date>`now() + interval '30 seconds'` })
    .where(
      sql<boolean>`(channel_id, sequence) in (
        select channel_id, sequence from live_moment where expires_at < now() limit ${limit} for update skip locked)`,
    )
    .returning(['channel_id', 'sequence', 'parts'])
    .execute();
  return rows.map((row) => ({
    channelId: row.channel_id,
    sequence: row.sequence,
    keys: row.parts.map(({ key }) => key),
  }));
}

export async function deleteMoment(db: Kysely<Schema>, { channelId, sequence }: ExpiredMoment): Promise<void> {
  await db.deleteFrom('live_moment').where('channel_id', '=', channelId).where('sequence', '=', sequence).execute();
}

/**
 * Puts the newest picture in the place of the one before. Answers the key that nobody names from now on: that one's, null where there was
 * none, or the new one's own where the lease is no longer held.
 */
export async function saveThumbnail(
  db: Kysely<Schema>,
  { channelId, fence, thumbnail }: Pick<NewMoment, 'channelId' | 'fence'> & { readonly thumbnail: LiveThumbnail },
): Promise<string | null> {
  const before = await findThumbnail(db, channelId);
  const { numAffectedRows } = await sql`
    insert into live_clock (channel_id, thumbnail)
    select channel_id, ${json(thumbnail)} from channel_job
    where id = ${fence.jobId} and machine_id = ${fence.machineId} and lease = ${fence.lease} for share
    on conflict (channel_id) do update set thumbnail = excluded.thumbnail`.execute(db);
  return numAffectedRows ? (before?.key ?? null) : thumbnail.key;
}

export async function findThumbnail(db: Kysely<Schema>, channelId: number): Promise<LiveThumbnail | null> {
  const row = await db
    .selectFrom('live_clock')
    .select('thumbnail')
    .where('channel_id', '=', channelId)
    .executeTakeFirst();
  return row?.thumbnail ?? null;
}

/** Keys of everything of a channel that can be asked for: for the janitor. */
export async function listLiveKeys(db: Kysely<Schema>, channelId: number): Promise<ReadonlySet<string>> {
  const [rows, thumbnail] = await Promise.all([
    db.selectFrom('live_moment').select('parts').where('channel_id', '=', channelId).execute(),
    findThumbnail(db, channelId),
  ]);
  const keys = rows.flatMap(({ parts }) => parts.map(({ key }) => key));
  return new Set(thumbnail ? [...keys, thumbnail.key] : keys);
}

/** Which of these channels exist: for the janitor. */
export async function listChannelsWithRows(db: Kysely<Schema>, ids: readonly number[]): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('channel')
    .select('id')
    .where('id', 'in', [...ids])
    .execute();
  return new Set(rows.map(({ id }) => id));
}

const toMoment = (row: {
  readonly sequence: number;
  readonly discontinuities: number;
  readonly is_break: boolean;
  readonly starts_at: Date;
  readonly seconds: number;
  readonly parts: readonly LivePart[];
}): LiveMoment => ({
  sequence: row.sequence,
  discontinuities: row.discontinuities,
  isBreak: row.is_break,
  startsAt: row.starts_at,
  seconds: row.seconds,
  parts: row.parts,
});
