// Delivers a finished output to where the job wants it: segments first, playlists after what they name, the master last.
import { PlatformError } from '#domain/error.ts';
import type { Location } from '#domain/location.ts';
import type { OutputPlan } from '#domain/plan.ts';
import type { StoredFile } from '#domain/task.ts';
import type { Package } from '#media/package.ts';
import { joinKey } from '#storage/key.ts';
import type { Store } from '#storage/store.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import {
  entryItem,
  fileItem,
  type Item,
  listItems,
  mediaItems,
  OUR_NAMES,
  type StoredItem,
} from '#workflows/tasks/delivery-items.ts';
import { sendAll } from '#workflows/tasks/send-items.ts';

type Delivery = {
  readonly output: OutputPlan;
  readonly destination: Location;
  readonly files: readonly StoredFile[];
  readonly whole: Package;
};

/**
 * An adaptive output as files under the destination's path. What uploads have brought there already is not sent again.
 * Answers the bytes of its media there.
 */
export async function deliverPackage(platform: Platform, context: TaskContext, delivery: Delivery): Promise<number> {
  const { output, destination, files, whole } = delivery;
  const timeline = context.plan.timelines[output.timeline];
  const entry = timeline ? entryItem(output, whole, timeline) : null;
  if (!entry) throw new PlatformError('internal', `Output ${output.index} has nothing to play`);
  const { store, key } = await platform.locations.openDestination(destination);
  try {
    const folder = key.replace(/\/+$/, '');
    const name = (item: Item): string => joinKey(folder, item.name);
    const media = mediaItems(output, whole, files);
    const lists = listItems(output, whole);
    const there = await findDelivered(context, { store, folder, output });
    const isThere = (item: StoredItem): boolean =>
      item.sound === undefined ? there.get(name(item)) === item.size : there.has(name(item));
    const missing = media.filter((item) => !isThere(item));
    const sent = await sendAll(platform, context, { store, items: missing, name });
    for (const items of [lists, [entry]]) await sendAll(platform, context, { store, items, name });
    const owns = context.outputs.find(({ index }) => index === output.index)?.spec.ownsFolder ?? false;
    if (owns) await removeOthers(store, folder, new Set([...media, ...lists, entry].map(name)));
    return media.reduce((sum, item) => sum + (sent.get(name(item)) ?? there.get(name(item)) ?? 0), 0);
  } finally {
    await store.close();
  }
}

type Folder = { readonly store: Store; readonly folder: string; readonly output: OutputPlan };

/** Sizes by key of what uploads of this job have sent and what is there now; where a server lists nothing, what was sent. */
async function findDelivered(
  context: TaskContext,
  { store, folder, output }: Folder,
): Promise<ReadonlyMap<string, number>> {
  const uploads = context.done.filter(({ kind, subject }) => kind === 'upload' && subject === output.index);
  const sent = new Map(
    uploads.flatMap(({ result }) => result?.files ?? []).map(({ name, size }) => [joinKey(folder, name), size]),
  );
  if (sent.size === 0 || !store.abilities.list) return sent;
  const there = new Map<string, number>();
  // Only what has the size it was sent with: a loser that was slow, or a removal after a failure, may have changed them since.
  for await (const { key, size } of store.list(folder === '' ? '' : `${folder}/`))
    if (size !== null && sent.get(key) === size) there.set(key, size);
  return there;
}

/** What an earlier output left in the folder under names that only ours have. */
async function removeOthers(store: Store, folder: string, kept: ReadonlySet<string>): Promise<void> {
  if (!store.abilities.list || !store.abilities.remove || folder === '') return;
  for await (const { key } of store.list(`${folder}/`)) {
    if (!kept.has(key) && OUR_NAMES.test(key.slice(folder.length + 1))) await store.remove(key);
  }
}

/** A file output: the first file goes to the very path, the others beside it. */
export async function deliverFiles(
  platform: Platform,
  context: TaskContext,
  { destination, files }: { destination: Location; files: readonly StoredFile[] },
): Promise<void> {
  const { store, key } = await platform.locations.openDestination(destination);
  try {
    const [main] = files;
    const slash = key.lastIndexOf('/');
    const folder = slash < 0 ? '' : key.slice(0, slash);
    await sendAll(platform, context, {
      store,
      items: files.map(fileItem),
      name: (item) => (item.name === main?.name ? key : joinKey(folder, item.name)),
    });
  } finally {
    await store.close();
  }
}
