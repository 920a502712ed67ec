// Joins an output's tracks to one file by stream copy: segments flow from storage through pipes, nothing is decoded or written twice.
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OutputPlan } from '#domain/plan.ts';
import { joinCommand } from '#media/command/file.ts';
import type { Package, PackagedTrack } from '#media/package.ts';
import type { Store } from '#storage/store.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { runCommand } from '#workflows/tasks/run-command.ts';

export type JoinWish = { readonly output: OutputPlan; readonly whole: Package; readonly path: string };

export async function joinTracks(
  platform: Platform,
  context: TaskContext,
  { output, whole, path }: JoinWish,
): Promise<void> {
  const tracks: PackagedTrack[] = [...whole.video, ...whole.audio];
  const subtitles = await Promise.all(
    whole.texts.map(async ({ track, file }) => ({
      path: await localCopy(platform.storage, file.key, `${context.scratch}/${file.name}`),
      language: track.language,
      name: track.name,
    })),
  );
  const args = joinCommand({
    container: output.container,
    tracks: tracks.map(({ rendition }) => ({
      kind: 'width' in rendition ? 'video' : 'audio',
      language: 'language' in rendition ? rendition.language : null,
      name: rendition.name,
      isDefault: 'isDefault' in rendition ? rendition.isDefault : true,
    })),
    subtitles,
    inputArguments: (pipe) => ['-protocol_whitelist', 'pipe', '-f', 'mp4', '-i', `pipe:${pipe}`],
    path,
  });
  await runCommand(platform, context, {
    args,
    feeds: tracks.map((track) => (pipe) => feedTrack(platform.storage, track, { pipe, signal: context.signal })),
    onProgress: ({ outTime, speed }) => context.progress(Math.min(1, (outTime ?? 0) / whole.duration), speed),
  });
}

async function feedTrack(
  storage: Store,
  track: PackagedTrack,
  { pipe, signal }: { pipe: Writable; signal: AbortSignal },
): Promise<void> {
  await pipeline(Readable.from(trackBytes(storage, track, signal)), pipe, { signal });
}

/** The track as one fragmented MP4: its init, then every segment. */
async function* trackBytes(storage: Store, track: PackagedTrack, signal: AbortSignal): AsyncGenerator<Buffer> {
  const init = track.segments[0]?.init;
  const keys = [...(init ? [init.key] : []), ...track.segments.map((segment) => segment.key)];
  for (const key of keys) {
    for await (const bytes of await storage.read(key, { signal })) yield bytes as Buffer;
  }
}

/** A path of a stored object: its own where storage is a disk, else a copy in scratch. */
export async function localCopy(storage: Store, key: string, path: string): Promise<string> {
  const own = storage.localPath(key);
  if (own) return own;
  await pipeline(await storage.read(key), createWriteStream(path));
  return path;
}
