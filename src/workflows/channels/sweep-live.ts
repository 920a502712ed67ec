// Removes what live channels left in managed storage and no row names: of deleted channels, and of writers that died. Called by janitor.ts.
import { listChannelsWithRows, listLiveKeys } from '#database/live.ts';
import { channelLogKey } from '#domain/channel-log.ts';
import { SILENT_PREFIX } from '#storage/key.ts';
import { livePrefix } from '#workflows/channels/save-channel.ts';
import type { Platform } from '#workflows/platform.ts';

/**
 * One channel after the other: a day of one is hundreds of thousands of keys.
 * @param before what is newer may just be on its way into a row
 */
export async function sweepLive(platform: Platform, before: Date): Promise<void> {
  const { storage } = platform;
  let channelId: number | null = null;
  let old: string[] = [];
  for await (const { key, modifiedAt } of storage.list('live/')) {
    if ((modifiedAt?.getTime() ?? Date.now()) >= before.getTime()) continue;
    // A machine that was missed then is long back, or gone.
    if (key.startsWith(SILENT_PREFIX)) await storage.remove(key);
    const id = Number(/^live\/(\d+)\//.exec(key)?.[1]);
    if (!Number.isInteger(id)) continue;
    if (id !== channelId && channelId !== null) await sweepChannel(platform, { id: channelId, old });
    if (id !== channelId) old = [];
    channelId = id;
    old.push(key);
  }
  if (channelId !== null) await sweepChannel(platform, { id: channelId, old });
}

async function sweepChannel(
  { database, storage }: Platform,
  { id, old }: { readonly id: number; readonly old: readonly string[] },
): Promise<void> {
  if (!(await listChannelsWithRows(database.db, [id])).has(id)) return storage.removeAll(livePrefix(id));
  const owned = await listLiveKeys(database.db, id);
  for (const key of old) if (!owned.has(key) && key !== channelLogKey(id)) await storage.remove(key);
}
