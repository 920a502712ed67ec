// What a channel is wanted to do and what it does: one row a channel. Orders are written by the workflows, facts by whoever holds the lease.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { ChannelJobTable } from '#database/channel-tables.ts';
import type { ChannelRef } from '#database/channels.ts';
import { json } from '#database/columns.ts';
import type { MachineBeat } from '#database/live.ts';
import type { Schema } from '#database/schema.ts';
import {
  type ChannelFigures,
  type ChannelJob,
  type ChannelStatus,
  type LiveInputName,
  type LiveOutputState,
  NO_FIGURES,
} from '#domain/channel.ts';
import type { Failure } from '#domain/error.ts';

export type ChannelJobRef = { readonly projectId: string; readonly jobId: number };

export async function insertChannelJob(db: Kysely<Schema>, { projectId, channelId }: ChannelRef): Promise<number> {
  const row = await db
    .insertInto('channel_job')
    .values({ project_id: projectId, channel_id: channelId })
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

export type ChannelJobFilter = {
  readonly projectId: string | null;
  readonly id?: number;
  readonly channelId?: number;
  readonly machineId?: string;
  readonly limit?: number;
  readonly offset?: number;
};

export async function listChannelJobs(db: Kysely<Schema>, filter: ChannelJobFilter): Promise<ChannelJob[]> {
  const { projectId, id, channelId, machineId, limit, offset } = filter;
  let query = db.selectFrom('channel_job').selectAll().orderBy('id');
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  if (id !== undefined) query = query.where('id', '=', id);
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId);
  if (machineId !== undefined) query = query.where('machine_id', '=', machineId);
  if (limit !== undefined) query = query.limit(limit).offset(offset ?? 0);
  return (await query.execute()).map(toJob);
}

export type RunningFigures = { readonly jobId: number; readonly figures: ChannelFigures };

/** What every channel that is on air, of all projects, said of itself last. */
export async function listRunningFigures(db: Kysely<Schema>): Promise<RunningFigures[]> {
  const rows = await db.selectFrom('channel_job').select(['id', 'figures']).where('status', '=', 'running').execute();
  return rows.map(({ id, figures }) => ({ jobId: id, figures: { ...NO_FIGURES, ...figures } }));
}

export async function findChannelJob(
  db: Kysely<Schema>,
  { projectId, jobId }: { readonly projectId: string | null; readonly jobId: number },
): Promise<ChannelJob | null> {
  const [job] = await listChannelJobs(db, { projectId, id: jobId });
  return job ?? null;
}

export async function countChannelJobs(db: Kysely<Schema>, projectId: string): Promise<number> {
  const row = await db
    .selectFrom('channel_job')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Its row, held to the end of the transaction. */
export async function lockChannelJob(
  db: Kysely<Schema>,
  { projectId, jobId }: ChannelJobRef,
): Promise<ChannelJob | null> {
  const row = await db
    .selectFrom('channel_job')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .forUpdate()
    .executeTakeFirst();
  return row ? toJob(row) : null;
}

/** An order of the user's. It takes nothing away from whoever runs the channel: that one sees it and acts. */
export type Order = {
  readonly wanted: boolean;
  /** Runs it anew where it runs. */
  readonly anew: boolean;
  readonly status: ChannelStatus;
};

export async function saveOrder(db: Kysely<Schema>, { projectId, jobId }: ChannelJobRef, order: Order): Promise<void> {
  await db
    .updateTable('channel_job')
    .set((eb) => ({
      wanted: order.wanted,
      status: order.status,
      updated_at: new Date(),
      ...(order.anew
        ? {
            generation: eb('generation', '+', 1),
            retries: 0,
            error: null,
            end_time: null,
            start_time: sql<Date>`now()`,
          }
        : {}),
      ...(order.wanted ? {} : { retries: 0 }),
      ...(order.status === 'stopped' ? { end_time: sql<Date>`now()`, ffmpeg_pid: null, running_since: null } : {}),
    }))
    .where('project_id', '=', projectId)
    .where('id', '=', jobId)
    .execute();
}

export type Lease = { readonly jobId: number; readonly machineId: string; readonly lease: number };

/** What the holder of the lease says of its channel; what is left out stays. */
export type ChannelFacts = {
  readonly status?: ChannelStatus;
  /** It ended by itself: nobody wants it any more, unless it was ordered anew since this generation. */
  readonly endsGeneration?: number;
  readonly startTime?: Date | null;
  readonly endTime?: Date | null;
  readonly runningSince?: Date | null;
  readonly ffmpegPid?: number | null;
  readonly error?: Failure | null;
  readonly retries?: number;
  readonly restarts?: number;
  readonly isDown?: boolean;
  readonly input?: LiveInputName;
  readonly figures?: ChannelFigures;
  readonly outputs?: readonly LiveOutputState[];
};

/** The row as it now is; null where the lease is no longer held: then nothing was written. */
export async function saveChannelFacts(
  db: Kysely<Schema>,
  { jobId, machineId, lease }: Lease,
  facts: ChannelFacts,
): Promise<ChannelJob | null> {
  const row = await db
    .updateTable('channel_job')
    .set({
      updated_at: new Date(),
      ...(facts.status === undefined ? {} : { status: facts.status }),
      ...(facts.endsGeneration === undefined
        ? {}
        : { wanted: sql<boolean>`wanted and generation <> ${facts.endsGeneration}` }),
      ...(facts.startTime === undefined ? {} : { start_time: facts.startTime }),
      ...(facts.endTime === undefined ? {} : { end_time: facts.endTime }),
      ...(facts.runningSince === undefined ? {} : { running_since: facts.runningSince }),
      ...(facts.ffmpegPid === undefined ? {} : { ffmpeg_pid: facts.ffmpegPid }),
      ...(facts.error === undefined ? {} : { error: facts.error === null ? null : json(facts.error) }),
      ...(facts.retries === undefined ? {} : { retries: facts.retries }),
      ...(facts.restarts === undefined ? {} : { restarts: facts.restarts }),
      ...(facts.isDown === undefined ? {} : { is_down: facts.isDown }),
      ...(facts.input === undefined ? {} : { input: facts.input }),
      ...(facts.figures === undefined ? {} : { figures: json(facts.figures) }),
      ...(facts.outputs === undefined ? {} : { outputs: json(facts.outputs) }),
    })
    .where('id', '=', jobId)
    .where('machine_id', '=', machineId)
    .where('lease', '=', lease)
    .returningAll()
    .executeTakeFirst();
  return row ? toJob(row) : null;
}

/** Gives a channel back, so that any machine may take it. */
export async function releaseLease(db: Kysely<Schema>, { jobId, machineId, lease }: Lease): Promise<void> {
  await db
    .updateTable('channel_job')
    .set({ machine_id: null, ffmpeg_pid: null })
    .where('id', '=', jobId)
    .where('machine_id', '=', machineId)
    .where('lease', '=', lease)
    .execute();
}

/** Wanted channels that nobody holds, a machine that was forgotten, or one of these, while it is as silent as it was; the longest waiting first. */
export async function listFreeChannelJobs(db: Kysely<Schema>, dead: readonly MachineBeat[]): Promise<ChannelJob[]> {
  const rows = await db
    .selectFrom('channel_job')
    .selectAll()
    .where('wanted', '=', true)
    .where(isFree(dead))
    .orderBy('updated_at')
    .execute();
  return rows.map(toJob);
}

const isFree = (dead: readonly MachineBeat[]) =>
  sql<boolean>`(machine_id is null or not exists (
    select from live_machine holder where holder.id = channel_job.machine_id and not exists (
      select from jsonb_to_recordset(${json(dead)}) as dead (id text, beat float8)
      where dead.id = holder.id and dead.beat = extract(epoch from holder.beat_at)::float8)))`;

/** Takes a free channel. Null where another machine was quicker, its own is heard again, or nobody wants it any more. */
export async function claimChannelJob(
  db: Kysely<Schema>,
  {
    jobId,
    machineId,
    dead,
  }: { readonly jobId: number; readonly machineId: string; readonly dead: readonly MachineBeat[] },
): Promise<ChannelJob | null> {
  const row = await db
    .updateTable('channel_job')
    .set((eb) => ({ machine_id: machineId, lease: eb('lease', '+', 1), ffmpeg_pid: null, updated_at: new Date() }))
    .where('id', '=', jobId)
    .where('wanted', '=', true)
    .where(isFree(dead))
    .returningAll()
    .executeTakeFirst();
  return row ? toJob(row) : null;
}

function toJob(row: Selectable<ChannelJobTable>): ChannelJob {
  return {
    id: row.id,
    projectId: row.project_id,
    channelId: row.channel_id,
    wanted: row.wanted,
    generation: row.generation,
    status: row.status,
    machineId: row.machine_id,
    lease: row.lease,
    startTime: row.start_time,
    endTime: row.end_time,
    runningSince: row.running_since,
    ffmpegPid: row.ffmpeg_pid,
    error: row.error,
    retries: row.retries,
    restarts: row.restarts,
    isDown: row.is_down,
    input: row.input,
    figures: { ...NO_FIGURES, ...row.figures },
    outputs: row.outputs,
  };
}
