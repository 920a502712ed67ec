// A recording of a channel becomes a video: its file the original, its job submitted, in one transaction. Called by the live supervisor, again and again until it is one.
import { rm, stat } from 'node:fs/promises';
import type { Kysely } from 'kysely';
import { findChannel } from '#database/channels.ts';
import type { Schema } from '#database/schema.ts';
import { changeVideo, findVideo, insertVideo } from '#database/videos.ts';
import type { Channel } from '#domain/channel.ts';
import { isNodeError } from '#domain/error.ts';
import { recordChannelEvent } from '#workflows/channels/channel-event.ts';
import { uploadKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { makeVideo } from '#workflows/videos/make-video.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

export type KeptRecording = {
  /** The video's that it becomes. */
  readonly id: string;
  readonly channel: Pick<Channel, 'id' | 'name' | 'projectId'>;
  /** A local file; gone once the video has it. */
  readonly path: string;
  readonly startedAt: Date;
  readonly seconds: number;
};

const MEDIA_TYPE = 'video/mp2t';

/** @throws PlatformError `storage_failed`; then, as after any failure, the same call may be made once more */
export async function keepRecording(platform: Platform, recording: KeptRecording, signal: AbortSignal): Promise<void> {
  const { database, sealer } = platform;
  const { id, path, channel } = recording;
  const ref = { projectId: channel.projectId, id };
  const video = videoOf(platform, recording);
  await insertVideo(database.db, video, sealer);
  const known = await findVideo(database.db, ref, sealer);
  if (known && known.storageKey === null) {
    const storageKey = uploadKey(id);
    const size = await takeOver(platform, { path, storageKey, signal });
    await submitVideo(platform, {
      video: known,
      storageKey,
      qualities: null,
      isFurther: false,
      facts: null,
      alongside: async (db) => {
        // Another process of this machine may have been at it too.
        if ((await findVideo(db, ref, sealer))?.storageKey !== null) return false;
        await changeVideo(db, ref, { size, storageKey, error: null });
        await recordVideoEvent(platform, db, { ref, type: 'video.uploaded', data: { size } });
        await tellChannel(platform, db, { ...recording, size });
        return true;
      },
    });
  }
  await rm(path, { force: true });
}

function videoOf({ config }: Platform, { id, channel, startedAt }: KeptRecording) {
  const title = `${channel.name} ${startedAt.toISOString().slice(0, 16).replace('T', ' ')}`;
  return makeVideo({
    projectId: channel.projectId,
    id,
    filename: `${title.replaceAll(':', '-')}.ts`,
    baseUrl: config.PUBLIC_URL ?? '',
    wish: {
      title,
      description: `Recorded from the live channel ${channel.name}`,
      tags: ['live'],
      qualities: null,
      transcode: true,
      playbackPolicy: 'public',
      encryption: 'none',
      posterTime: null,
      notificationUrl: null,
    },
  });
}

type Taking = { readonly path: string; readonly storageKey: string; readonly signal: AbortSignal };

/** Bytes of what lies under the key. */
async function takeOver({ storage }: Platform, { path, storageKey, signal }: Taking): Promise<number> {
  try {
    await stat(path);
  } catch (error) {
    if (!isNodeError(error) || error.code !== 'ENOENT') throw error;
    // Moved already, by a call that got no further.
    return (await storage.stat(storageKey)).size ?? 0;
  }
  return storage.adopt(path, storageKey, { contentType: MEDIA_TYPE, signal });
}

/** A channel that was deleted while its recording was on its way tells nothing more. */
async function tellChannel(
  platform: Platform,
  db: Kysely<Schema>,
  { id, channel, startedAt, seconds, size }: KeptRecording & { readonly size: number },
): Promise<void> {
  const found = await findChannel(db, { projectId: channel.projectId, channelId: channel.id }, platform.sealer);
  const more = { video: id, size, started_at: startedAt.toISOString(), seconds };
  if (found) await recordChannelEvent(platform, db, { type: 'channel.recorded', channel: found, job: null, more });
}
