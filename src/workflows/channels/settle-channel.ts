// Writes what the holder of a channel says of it, with the events and alarms that follow, in one transaction. Called by the live supervisor.
import { type ChannelFacts, type Lease, saveChannelFacts } from '#database/channel-jobs.ts';
import { findChannel } from '#database/channels.ts';
import type { ChannelJob } from '#domain/channel.ts';
import { type ChannelEventType, recordChannelEvent } from '#workflows/channels/channel-event.ts';
import type { Platform } from '#workflows/platform.ts';

export type Settlement = {
  readonly facts: ChannelFacts;
  readonly events?: readonly { readonly type: ChannelEventType; readonly more?: Readonly<Record<string, unknown>> }[];
};

/** The row as it now is; null where the lease was lost: then nothing was written. */
export async function settleChannel(
  platform: Platform,
  lease: Lease,
  { facts, events = [] }: Settlement,
): Promise<ChannelJob | null> {
  const { database, showing } = platform;
  if (events.length === 0) return saveChannelFacts(database.db, lease, facts);
  return database.db.transaction().execute(async (db) => {
    const job = await saveChannelFacts(db, lease, facts);
    const channel = job && (await findChannel(db, { projectId: job.projectId, channelId: job.channelId }, showing));
    if (!job || !channel) return null;
    for (const { type, more } of events)
      await recordChannelEvent(platform, db, { type, channel, job, ...(more ? { more } : {}) });
    return job;
  });
}
