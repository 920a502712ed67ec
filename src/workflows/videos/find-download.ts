// One quality of a video as an MP4 file: its segments and sound joined by stream copy when somebody asks, and kept for a while. Called by the stream routes.
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PlatformError } from '#domain/error.ts';
import { joinCommand } from '#media/command/file.ts';
import { runMedia } from '#media/ffmpeg.ts';
import type { PackagedTrack } from '#media/package.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';
import { findSegment, type ServedFile } from '#workflows/read-package.ts';
import { checkScratchSpace } from '#workflows/reserve-scratch.ts';
import { makeScratch } from '#workflows/scratch.ts';
import type { Stream } from '#workflows/videos/read-stream.ts';

/** Milliseconds that a joined file is kept after it was last asked for, and how many of them. */
const KEPT_MS = 15 * 60_000;
const MOST_KEPT = 8;

type Download = { readonly folder: string; readonly path: string; readonly size: number };
type Kept = { readonly made: Promise<Download>; readonly timer: NodeJS.Timeout };
const kept = new Map<string, Kept>();
let count = 0;

/** Null where there is no such quality, or not all of it yet. @throws PlatformError `disk_full`, `encode_failed` */
export async function findDownload(
  platform: Platform,
  stream: Stream | null,
  quality: string,
): Promise<ServedFile | null> {
  const track = stream?.pictures.find((one) => one.folder === quality);
  if (!stream || !track?.complete || stream.sounds.some((sound) => !sound.complete)) return null;
  const tracks: PackagedTrack[] = [track, ...stream.sounds];
  const key = `${platform.workerId} ${tracks.map(({ segments }) => segments[0]?.key).join(' ')}`;
  const found = kept.get(key);
  const made = found?.made ?? join(platform, tracks);
  clearTimeout(found?.timer);
  kept.delete(key);
  kept.set(key, { made, timer: setTimeout(() => void forget(key), KEPT_MS).unref() });
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    void forget(oldest);
  }
  try {
    const { path, size } = await made;
    return { kind: 'local', path, key, size, mediaType: 'video/mp4', name: `${quality}.mp4` };
  } catch (error) {
    void forget(key);
    throw error;
  }
}

async function forget(key: string): Promise<void> {
  const entry = kept.get(key);
  kept.delete(key);
  clearTimeout(entry?.timer);
  // Whoever still reads it has it open.
  const download = await entry?.made.catch(() => null);
  if (download) await rm(download.folder, { recursive: true, force: true });
}

async function join(platform: Platform, tracks: readonly PackagedTrack[]): Promise<Download> {
  const bytes = tracks.flatMap(({ segments }) => segments).reduce((sum, { size }) => sum + size, 0);
  await checkScratchSpace(platform.config, bytes * 2);
  const folder = await makeScratch(platform.config, `download-${++count}`);
  const path = `${folder}/video.mp4`;
  try {
    const { exitCode, tail } = await runMedia({
      program: platform.tool.ffmpeg,
      args: joinCommand({
        container: 'mp4',
        tracks: tracks.map(({ rendition }) => ({
          kind: 'width' in rendition ? 'video' : 'audio',
          language: 'language' in rendition ? rendition.language : null,
          name: rendition.name,
          isDefault: 'isDefault' in rendition ? rendition.isDefault : true,
        })),
        subtitles: [],
        inputArguments: (pipe) => ['-protocol_whitelist', 'pipe', '-f', 'mp4', '-i', `pipe:${pipe}`],
        path,
      }),
      limits: platform.limits.child,
      timeLimit: 600 + bytes / 1e6,
      feeds: tracks.map((track) => (pipe) => pipeline(Readable.from(trackBytes(platform, track)), pipe)),
    });
    if (exitCode !== 0)
      throw new PlatformError(
        'encode_failed',
        `The file could not be joined: ${tail.at(-1) ?? `exit code ${exitCode}`}`,
      );
    return { folder, path, size: (await stat(path)).size };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The track as one fragmented MP4: its init, then every segment. */
async function* trackBytes(platform: Platform, track: PackagedTrack): AsyncGenerator<Buffer> {
  const names = [track.segments[0]?.init?.name ?? '', ...track.segments.map(({ name }) => name)];
  for (const name of names) {
    const file = findSegment(platform, track, name);
    if (file) yield await bytesOf(platform, file);
  }
}
