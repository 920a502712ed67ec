// Starts, stops and restarts channels: writes what is wanted and answers at once; the supervisor makes it so. Called by the API and by schedules.
import type { Kysely } from 'kysely';
import {
  type ChannelJobRef,
  findChannelJob,
  listChannelJobs,
  lockChannelJob,
  saveOrder,
} from '#database/channel-jobs.ts';
import { findChannel, listChannels, lockChannels } from '#database/channels.ts';
import { listMachines } from '#database/live.ts';
import type { Schema } from '#database/schema.ts';
import type { Channel, ChannelJob } from '#domain/channel.ts';
import { channelCost } from '#domain/channel-cost.ts';
import { PlatformError } from '#domain/error.ts';
import { recordChannelEvent } from '#workflows/channels/channel-event.ts';
import { announce, LIVE_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** Seconds without a sign of life after which a machine is dead and its channels are taken over. */
const MACHINE_SILENCE = 10;

type Target = { readonly channel: Channel; readonly job: ChannelJob };

/** @throws PlatformError `not_found`; `conflict` where it is started already; `limit_exceeded` where it does not fit */
export function startChannel(platform: Platform, ref: ChannelJobRef): Promise<ChannelJob> {
  return change(platform, ref, async (db, target) => {
    if (target.job.wanted) throw new PlatformError('conflict', `Channel ${target.channel.name} is started already`);
    await orderStart(platform, db, target);
  });
}

/** @throws PlatformError `not_found`; `conflict` where it is stopped already */
export function stopChannel(platform: Platform, ref: ChannelJobRef): Promise<ChannelJob> {
  return change(platform, ref, async (db, target) => {
    const { job, channel } = target;
    if (!job.wanted && job.status === 'stopped')
      throw new PlatformError('conflict', `Channel ${channel.name} is stopped already`);
    if (!job.wanted && job.machineId !== null && job.status !== 'error')
      throw new PlatformError('conflict', `Channel ${channel.name} is stopping already`);
    // Where nobody runs it, it is stopped with this very line.
    const status = job.machineId === null || job.status === 'error' ? 'stopped' : job.status;
    await saveOrder(db, ref, { wanted: false, anew: false, status });
    if (status === 'stopped')
      await recordChannelEvent(platform, db, { type: 'channel.stopped', channel, job: { ...job, status } });
  });
}

/** Starts it where it is stopped. @throws PlatformError `not_found`, `limit_exceeded` */
export function restartChannel(platform: Platform, ref: ChannelJobRef): Promise<ChannelJob> {
  return change(platform, ref, async (db, target) => {
    if (target.job.wanted) await saveOrder(db, ref, { wanted: true, anew: true, status: 'pending' });
    else await orderStart(platform, db, target);
  });
}

export async function orderStart(platform: Platform, db: Kysely<Schema>, { channel, job }: Target): Promise<void> {
  await requireRoom(platform, db, { channel, job });
  await saveOrder(db, { projectId: job.projectId, jobId: job.id }, { wanted: true, anew: true, status: 'pending' });
  await recordChannelEvent(platform, db, {
    type: 'channel.pending',
    channel,
    job: { ...job, status: 'pending', error: null },
  });
}

async function change(
  platform: Platform,
  ref: ChannelJobRef,
  act: (db: Kysely<Schema>, target: Target) => Promise<void>,
): Promise<ChannelJob> {
  return platform.database.db.transaction().execute(async (db) => {
    const job = await lockChannelJob(db, ref);
    const channel =
      job && (await findChannel(db, { projectId: ref.projectId, channelId: job.channelId }, platform.showing));
    if (!job || !channel) throw new PlatformError('not_found', `There is no channel job ${ref.jobId}`);
    await act(db, { channel, job });
    await announce(db, LIVE_CONTROL, { channelId: channel.id });
    const after = await findChannelJob(db, ref);
    return after ?? job;
  });
}

/** Whether its codec can be encoded by hardware that was found here. */
export const hasHardware = ({ tool }: Platform, { spec }: Pick<Channel, 'spec'>): boolean =>
  spec.hwaccel !== 'none' && tool.hardware.some(({ kind }) => spec.hwaccel === 'auto' || spec.hwaccel === kind);

/** The same for a change of a channel that runs, where it makes it costlier. @throws PlatformError `limit_exceeded` */
export async function requireRoomToGrow(
  platform: Platform,
  db: Kysely<Schema>,
  { before, ...target }: Target & { readonly before: Channel },
): Promise<void> {
  const cost = (channel: Channel): number => channelCost(channel, hasHardware(platform, channel));
  if (target.job.wanted && cost(target.channel) > cost(before)) await requireRoom(platform, db, target);
}

/** Refuses what would slow all others down. Where no machine is known it waits for one. */
async function requireRoom(platform: Platform, db: Kysely<Schema>, { channel, job }: Target): Promise<void> {
  const share = platform.config.LIVE_CPU_PERCENT / 100;
  // One after the other: two that are started at once would both see the room that is there for one.
  await lockChannels(db);
  const machines = await listMachines(db, MACHINE_SILENCE);
  const fitting = machines.filter(({ hostname }) => (channel.spec.pinnedTo ?? hostname) === hostname);
  if (share === 0 || fitting.length === 0) return;
  const [jobs, channels] = await Promise.all([
    listChannelJobs(db, { projectId: null }),
    listChannels(db, { projectId: null }, platform.showing),
  ]);
  const costOf = (id: number): number => {
    const found = channels.find((one) => one.id === id);
    return found ? channelCost(found, hasHardware(platform, found)) : 0;
  };
  const cost = channelCost(channel, hasHardware(platform, channel));
  const cores = fitting.reduce((sum, machine) => sum + machine.cores, 0);
  const used = jobs
    .filter((one) => one.wanted && one.id !== job.id)
    .reduce((sum, one) => sum + costOf(one.channelId), 0);
  const largest = Math.max(...fitting.map((machine) => machine.cores));
  if (cost <= largest * share && used + cost <= cores * share) return;
  const free = Math.max(0, cores * share - used);
  throw new PlatformError(
    'limit_exceeded',
    `Channel ${channel.name} needs about ${cost.toFixed(1)} cores; ${free.toFixed(1)} of ${cores} are free for channels (LIVE_CPU_PERCENT=${platform.config.LIVE_CPU_PERCENT}). Make it smaller or faster (preset, resolution, frame_rate), stop another, or add a machine with "rendition live"`,
  );
}
