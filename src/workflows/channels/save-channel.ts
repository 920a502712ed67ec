// Makes, changes and deletes channels. A change of a running one is taken over by its supervisor at once. Called by the channels API.
import type { Kysely } from 'kysely';
import { findChannelJob, insertChannelJob, listChannelJobs } from '#database/channel-jobs.ts';
import {
  type ChannelRef,
  deleteChannel as deleteRow,
  findChannel,
  insertChannel,
  listChannels,
  lockChannels,
  replaceProfiles,
  updateChannel as updateRow,
} from '#database/channels.ts';
import type { Schema } from '#database/schema.ts';
import type { Sealer } from '#database/sealed-location.ts';
import { type Channel, type ChannelJob, type ChannelSpec, type NewAbrProfile, slugOf } from '#domain/channel.ts';
import { hideLiveSecrets } from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import { recordChannelEvent } from '#workflows/channels/channel-event.ts';
import { moveLogs } from '#workflows/channels/channel-logs.ts';
import { checkSpec, refuse, refuseLoop, requireOwnUploads } from '#workflows/channels/check-channel.ts';
import { orderStart, requireRoomToGrow } from '#workflows/channels/order-channel.ts';
import { announce, LIVE_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

export type NewChannel = {
  readonly projectId: string;
  readonly name: string;
  readonly spec: ChannelSpec;
  readonly abr: readonly NewAbrProfile[];
};

/** All that a channel has in managed storage lies below. */
export const livePrefix = (channelId: number): string => `live/${channelId}/`;

/** Creates it with its job; `auto_start` starts it. @throws PlatformError `invalid_request` */
export async function createChannel(platform: Platform, asked: NewChannel): Promise<Channel> {
  const { projectId, name, spec, abr } = asked;
  checkSpec(platform, spec, abr);
  return platform.database.db.transaction().execute(async (db) => {
    await lockChannels(db);
    await requireOwnUploads(db, { projectId, spec, before: null });
    await refuseName(platform, db, { ...asked, id: null });
    const slug = await freeSlug(platform, db, { name, id: null });
    await refuseLoop(platform, db, { id: 0, name, slug, spec, abr: numbered(abr) });
    const channelId = await insertChannel(db, { projectId, name, slug, spec }, platform.sealer);
    await replaceProfiles(db, { projectId, channelId, profiles: abr }, platform.sealer);
    const jobId = await insertChannelJob(db, { projectId, channelId });
    const channel = await need(platform.sealer, db, { projectId, channelId });
    await recordChannelEvent(platform, db, { type: 'channel.created', channel, job: null });
    const job = await findChannelJob(db, { projectId, jobId });
    if (spec.autoStart && job) await orderStart(platform, db, { channel, job });
    await announce(db, LIVE_CONTROL, { channelId });
    // What lies there under its name was another's.
    await moveLogs(platform.config, slug, null);
    return channel;
  });
}

export type ChannelChange = ChannelRef & { readonly change: (channel: Channel) => Omit<NewChannel, 'projectId'> };

/**
 * @param change what it shall be, from what it is. An address that comes back as it was shown, with its secrets hidden, stays.
 * @throws PlatformError `not_found`, `invalid_request`, `limit_exceeded`
 */
export async function updateChannel(platform: Platform, { change, ...ref }: ChannelChange): Promise<Channel> {
  return platform.database.db.transaction().execute(async (db) => {
    await lockChannels(db);
    const before = await need(platform.sealer, db, ref);
    const asked = keepSecrets(before, change(before));
    checkSpec(platform, asked.spec, asked.abr);
    const { projectId, channelId: id } = ref;
    await requireOwnUploads(db, { projectId, spec: asked.spec, before: before.spec });
    await refuseName(platform, db, { ...asked, projectId, id });
    const slug =
      slugOf(asked.name) === slugOf(before.name) ? before.slug : await freeSlug(platform, db, { name: asked.name, id });
    await refuseLoop(platform, db, { id, name: asked.name, slug, spec: asked.spec, abr: numbered(asked.abr) });
    await updateRow(db, { id, projectId, name: asked.name, slug, spec: asked.spec }, platform.sealer);
    await replaceProfiles(db, { ...ref, profiles: asked.abr }, platform.sealer);
    const channel = await need(platform.sealer, db, ref);
    const [job] = await listChannelJobs(db, ref);
    if (job) await requireRoomToGrow(platform, db, { before, channel, job });
    await recordChannelEvent(platform, db, { type: 'channel.updated', channel, job: null });
    await announce(db, LIVE_CONTROL, { channelId: id });
    if (slug !== before.slug && isFree(job)) await moveLogs(platform.config, before.slug, slug);
    return channel;
  });
}

/** Its FFmpeg ends, its rows and its segments go. Recordings stay. @throws PlatformError `not_found` */
export async function deleteChannel(platform: Platform, ref: ChannelRef): Promise<void> {
  await platform.database.db.transaction().execute(async (db) => {
    const channel = await need(platform.showing, db, ref);
    const [job] = await listChannelJobs(db, ref);
    await deleteRow(db, ref);
    await announce(db, LIVE_CONTROL, { channelId: ref.channelId });
    await recordChannelEvent(platform, db, { type: 'channel.deleted', channel, job: null });
    if (isFree(job)) await moveLogs(platform.config, channel.slug, null);
  });
  await platform.storage.removeAll(livePrefix(ref.channelId));
}

/** Nobody runs it: else its log is written to, and its machine moves it. */
const isFree = (job: ChannelJob | undefined): boolean => job === undefined || job.machineId === null;

/** The job of a channel. @throws PlatformError `not_found` */
export async function jobOfChannel({ database }: Platform, { projectId, channelId }: ChannelRef) {
  const [job] = await listChannelJobs(database.db, { projectId, channelId });
  if (!job) throw new PlatformError('not_found', `There is no channel ${channelId}`);
  return job;
}

async function need(sealer: Sealer, db: Kysely<Schema>, { projectId, channelId }: ChannelRef): Promise<Channel> {
  const channel = await findChannel(db, { projectId, channelId }, sealer);
  if (!channel) throw new PlatformError('not_found', `There is no channel ${channelId}`);
  return channel;
}

async function refuseName(
  { showing }: Platform,
  db: Kysely<Schema>,
  { projectId, name, id }: { readonly projectId: string; readonly name: string; readonly id: number | null },
): Promise<void> {
  const named = await listChannels(db, { projectId, name }, showing);
  if (named.some((other) => other.id !== id))
    refuse([{ path: 'name', message: `there is a channel of the name ${JSON.stringify(name)} already` }]);
}

async function freeSlug(
  { showing }: Platform,
  db: Kysely<Schema>,
  { name, id }: { readonly name: string; readonly id: number | null },
): Promise<string> {
  const wanted = slugOf(name);
  for (let number = 1; ; number++) {
    const slug = number === 1 ? wanted : `${wanted}-${number}`;
    const taken = await listChannels(db, { projectId: null, slug }, showing);
    if (taken.every((other) => other.id === id)) return slug;
  }
}

const numbered = (abr: readonly NewAbrProfile[]) => abr.map((profile, i) => ({ ...profile, id: profile.id ?? -i - 1 }));

function keepSecrets(before: Channel, asked: Omit<NewChannel, 'projectId'>): Omit<NewChannel, 'projectId'> {
  const { spec } = before;
  const kept = (sent: string | null, stored: string | null | undefined): string | null => {
    if (sent === null || stored === null || stored === undefined) return sent;
    const shown = [true, false].map((keepsKey) => hideLiveSecrets(stored, { keepsKey }));
    return shown.includes(sent) ? stored : sent;
  };
  const fallback = asked.spec.fallbackInput;
  return {
    ...asked,
    spec: {
      ...asked.spec,
      inputUrl: kept(asked.spec.inputUrl, spec.inputUrl),
      outputUrl: kept(asked.spec.outputUrl, spec.outputUrl),
      notificationUrl: kept(asked.spec.notificationUrl, spec.notificationUrl),
      fallbackInput: fallback && { ...fallback, inputUrl: kept(fallback.inputUrl, spec.fallbackInput?.inputUrl) },
    },
    abr: asked.abr.map((profile, i) => {
      const old = before.abr.find(({ id }) => id === profile.id) ?? before.abr[i];
      return { ...profile, outputUrl: kept(profile.outputUrl, old?.outputUrl) };
    }),
  };
}
