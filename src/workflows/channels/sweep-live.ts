// Removes what live channels left in managed storage and no row names: of deleted channels, and of writers that died. Called by janitor.ts.
import { listChannelsWithRows, listLiveKeys } from '#database/live.ts';
import { channelLogKey } from '#domain/channel-log.ts';
import { SILENT_PREFIX } from '#storage/key.ts';
import { livePrefix } from '#workflows/channels/save-channel.ts';
import type { Platform } from '#workflows/platform.ts';

/** @param before what is newer may just be on its way into a row */
export async function sweepLive({ database, storage }: Platform, before: Date): Promise<void> {
  const old = new Map<number, string[]>();
  for await (const { key, modifiedAt } of storage.list('live/')) {
    const id = Number(/^live\/(\d+)\//.exec(key)?.[1]);
    if ((modifiedAt?.getTime() ?? Date.now()) >= before.getTime()) continue;
    // A machine that was missed then is long back, or gone.
    if (key.startsWith(SILENT_PREFIX)) await storage.remove(key);
    if (!Number.isInteger(id)) continue;
    // A day of a channel is hundreds of thousands of keys.
    const keys = old.get(id);
    if (keys) keys.push(key);
    else old.set(id, [key]);
  }
  const known = await listChannelsWithRows(database.db, [...old.keys()]);
  for (const [id, keys] of old) {
    if (!known.has(id)) {
      await storage.removeAll(livePrefix(id));
      continue;
    }
    const owned = await listLiveKeys(database.db, id);
    for (const key of keys) if (!owned.has(key) && key !== channelLogKey(id)) await storage.remove(key);
  }
}
