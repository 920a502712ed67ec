// A recording of a channel becomes a video: its file the original, its job submitted, in one transaction. Called by the live supervisor.
import { v7 as uuidv7 } from 'uuid';
import { changeVideo, findVideo, insertVideo } from '#database/videos.ts';
import type { Channel } from '#domain/channel.ts';
import { PlatformError } from '#domain/error.ts';
import { recordChannelEvent } from '#workflows/channels/channel-event.ts';
import { uploadKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { makeVideo } from '#workflows/videos/make-video.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

export type KeptRecording = {
  readonly channel: Pick<Channel, 'id' | 'name' | 'projectId' | 'spec'>;
  /** A local file; taken over. */
  readonly path: string;
  readonly startedAt: Date;
  readonly seconds: number;
};

/** Answers the video's id. @throws PlatformError `storage_failed`; then the file is where it was */
export async function keepRecording(
  platform: Platform,
  { channel, path, startedAt, seconds }: KeptRecording,
): Promise<string> {
  const { database, storage, sealer } = platform;
  const id = uuidv7();
  const ref = { projectId: channel.projectId, id };
  const storageKey = uploadKey(id);
  const title = `${channel.name} ${startedAt.toISOString().slice(0, 16).replace('T', ' ')}`;
  const video = makeVideo({
    ...ref,
    filename: `${title.replaceAll(':', '-')}.ts`,
    baseUrl: platform.config.PUBLIC_URL ?? '',
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
  await insertVideo(database.db, video, sealer);
  const size = await storage.adopt(path, storageKey, { contentType: 'video/mp2t' });
  const stored = await findVideo(database.db, ref, sealer);
  if (!stored) throw new PlatformError('not_found', `Video ${id} was deleted while it was recorded`);
  await submitVideo(platform, {
    video: stored,
    storageKey,
    qualities: null,
    isFurther: false,
    facts: null,
    alongside: async (db) => {
      await changeVideo(db, ref, { size, storageKey, error: null });
      await recordVideoEvent(platform, db, { ref, type: 'video.uploaded', data: { size } });
      const more = { video: id, size, started_at: startedAt.toISOString(), seconds };
      await recordChannelEvent(platform, db, { type: 'channel.recorded', channel, job: null, more });
      return true;
    },
  });
  return id;
}
