// Delivers a finished output to where the job wants it: segments first, playlists after what they name, the master last.
import { link, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PlatformError } from '#domain/error.ts';
import type { Location } from '#domain/location.ts';
import type { OutputPlan } from '#domain/plan.ts';
import type { StoredFile } from '#domain/task.ts';
import type { Package, PackagedTrack } from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist, textPlaylist } from '#media/playlist/hls.ts';
import { joinKey } from '#storage/key.ts';
import type { Store, WriteOptions } from '#storage/store.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const MANIFEST_TYPE = 'application/dash+xml';
/** Segments never change under their name; playlists are read anew. */
const FOREVER = 'public, max-age=31536000, immutable';
const FRESH = 'no-cache';
/** Transfers at once: enough to hide round trips, few enough for any server. */
const PARALLEL = 6;

/** Something to put under a name: an object of managed storage, or a text of ours. */
type Item = { readonly name: string; readonly options: WriteOptions } & (
  | { readonly key: string; readonly size: number }
  | { readonly text: string }
);

/** An adaptive output as files under the destination's path. */
export async function deliverPackage(
  platform: Platform,
  context: TaskContext,
  {
    output,
    destination,
    files,
    whole,
  }: { output: OutputPlan; destination: Location; files: readonly StoredFile[]; whole: Package },
): Promise<void> {
  const timeline = context.plan.timelines[output.timeline];
  if (!timeline) throw new PlatformError('internal', `Output ${output.index} has no timeline`);
  const tracks: PackagedTrack[] = [...whole.video, ...whole.audio];
  const media = [
    ...tracks.flatMap(trackItems),
    ...files.map(fileItem),
    ...whole.texts.map(({ folder, file }) => fileItem({ ...file, name: `${folder}/subtitles.vtt` })),
  ];
  const isDash = output.container === 'dash';
  const lists = isDash
    ? []
    : [
        ...tracks.map((track) => playlist(`${track.folder}/playlist.m3u8`, mediaPlaylist(whole, track))),
        ...whole.texts.map(({ folder }) => playlist(`${folder}/playlist.m3u8`, textPlaylist(whole))),
      ];
  const master: Item = isDash
    ? {
        name: 'manifest.mpd',
        text: dashManifest(whole, timeline) ?? '',
        options: { contentType: MANIFEST_TYPE, cacheControl: FRESH },
      }
    : playlist('master.m3u8', masterPlaylist(whole, timeline) ?? '');
  const { store, key } = await platform.locations.openDestination(destination);
  try {
    const folder = key.replace(/\/+$/, '');
    await sendAll(platform, context, { store, items: media, name: (item) => joinKey(folder, item.name) });
    await sendAll(platform, context, { store, items: lists, name: (item) => joinKey(folder, item.name) });
    await sendAll(platform, context, { store, items: [master], name: (item) => joinKey(folder, item.name) });
  } finally {
    await store.close();
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

const playlist = (name: string, text: string): Item => ({
  name,
  text,
  options: { contentType: PLAYLIST_TYPE, cacheControl: FRESH },
});
const fileItem = (file: StoredFile): Item => ({
  name: file.name,
  key: file.key,
  size: file.size,
  options: { contentType: file.mediaType },
});

function trackItems(track: PackagedTrack): Item[] {
  const inits = new Map(track.segments.flatMap(({ init }) => (init ? [[init.hash, init] as const] : [])));
  const contentType = track.extension === 'ts' ? 'video/mp2t' : 'video/iso.segment';
  return [
    ...[...inits.values()].map(
      (init): Item => ({
        name: `${track.folder}/${init.name}`,
        key: init.key,
        size: init.size,
        options: { contentType: 'video/mp4', cacheControl: FOREVER },
      }),
    ),
    ...track.segments.map(
      (segment): Item => ({
        name: `${track.folder}/${segment.name}`,
        key: segment.key,
        size: segment.size,
        options: { contentType, cacheControl: FOREVER },
      }),
    ),
  ];
}

type Sending = { readonly store: Store; readonly items: readonly Item[]; readonly name: (item: Item) => string };

async function sendAll(platform: Platform, context: TaskContext, { store, items, name }: Sending): Promise<void> {
  let next = 0;
  let sent = 0;
  // An FTP server serves one transfer on one connection.
  const lanes = store.kind === 'ftp' ? 1 : Math.min(PARALLEL, items.length);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = items[next++]; item; item = items[next++]) {
        await send(platform, context, { store, item, name: name(item) });
        sent += 1;
        context.progress(sent / items.length, null);
      }
    }),
  );
}

async function send(
  platform: Platform,
  context: TaskContext,
  { store, item, name }: { store: Store; item: Item; name: string },
): Promise<void> {
  const { signal } = context;
  if ('text' in item) {
    const data = Buffer.from(item.text);
    await store.write(name, data, { ...item.options, size: data.length, signal });
    return;
  }
  const local = store.kind === 'disk' ? platform.storage.localPath(item.key) : null;
  if (local && (await linkInto(local, `${context.scratch}/deliver/${name}`))) {
    await store.adopt(`${context.scratch}/deliver/${name}`, name, { ...item.options, signal });
    return;
  }
  await store.write(name, await platform.storage.read(item.key, { signal }), {
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
