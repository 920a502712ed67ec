// Puts items under their names at a destination, several at once. Used by deliver.ts and upload.ts.
import { link, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { muxTransport } from '#media/transport-mux.ts';
import type { Store } from '#storage/store.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import type { Item } from '#workflows/tasks/delivery-items.ts';

/** Transfers at once: enough to hide round trips, few enough for any server. */
const PARALLEL = 6;

export type Sending = {
  readonly store: Store;
  readonly items: readonly Item[];
  /** The key an item gets. */
  readonly name: (item: Item) => string;
};
export type SendContext = Pick<TaskContext, 'signal' | 'scratch' | 'progress'>;

/** Answers the bytes of each under its key. */
export async function sendAll(
  platform: Platform,
  context: SendContext,
  { store, items, name }: Sending,
): Promise<ReadonlyMap<string, number>> {
  let next = 0;
  const sent = new Map<string, number>();
  // An FTP server serves one transfer on one connection.
  const lanes = store.kind === 'ftp' ? 1 : Math.min(PARALLEL, items.length);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = items[next++]; item; item = items[next++]) {
        sent.set(name(item), await send(platform, context, { store, item, name: name(item) }));
        context.progress(sent.size / items.length, null);
      }
    }),
  );
  return sent;
}

async function send(
  platform: Platform,
  { signal, scratch }: SendContext,
  { store, item, name }: { store: Store; item: Item; name: string },
): Promise<number> {
  if ('text' in item) {
    const data = Buffer.from(item.text);
    return store.write(name, data, { ...item.options, size: data.length, signal });
  }
  if (item.sound !== undefined) {
    const read = async (key: string) => buffer(await platform.storage.read(key, { signal }));
    const [picture, sound] = await Promise.all([read(item.key), read(item.sound)]);
    const joined = muxTransport(picture, sound);
    return store.write(name, joined, { ...item.options, size: joined.length, signal });
  }
  const local = store.kind === 'disk' ? platform.storage.localPath(item.key) : null;
  if (local && (await linkInto(local, `${scratch}/deliver/${name}`))) {
    return store.adopt(`${scratch}/deliver/${name}`, name, { ...item.options, signal });
  }
  return store.write(name, await platform.storage.read(item.key, { signal }), {
    ...item.options,
    size: item.size,
    signal,
  });
}

/** A second name for a file, so that it is delivered without copying its bytes; false where the file system cannot. */
async function linkInto(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
    return true;
  } catch {
    // Another device, or a file system without links: the caller copies.
    return false;
  }
}
