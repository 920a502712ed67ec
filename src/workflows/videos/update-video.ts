// Makes a video before its upload, and changes what its owner says of it. Called by the video routes.
import { v7 as uuidv7 } from 'uuid';
import { changeVideo, insertVideo, type VideoRef } from '#database/videos.ts';
import type { VideoWish } from '#domain/upload.ts';
import type { Video } from '#domain/video.ts';
import { announce, VIDEO_CHANGED } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { makeVideo } from '#workflows/videos/make-video.ts';
import { readVideo } from '#workflows/videos/read-video.ts';

export type NewEntry = {
  readonly projectId: string;
  readonly filename: string;
  readonly wish: VideoWish;
  readonly baseUrl: string;
};

/** An entry whose upload is to follow under its id. */
export async function createVideo(platform: Platform, entry: NewEntry): Promise<Video> {
  const id = uuidv7();
  await insertVideo(platform.database.db, makeVideo({ ...entry, id }), platform.sealer);
  return readVideo(platform, { projectId: entry.projectId, id });
}

type Editable = Pick<Video, 'title' | 'description' | 'tags' | 'posterTime' | 'playbackPolicy'>;
export type VideoEdit = { readonly [K in keyof Editable]?: Editable[K] | undefined };

/** @throws PlatformError `not_found` */
export async function updateVideo(
  platform: Platform,
  { edit, ...ref }: VideoRef & { readonly edit: VideoEdit },
): Promise<Video> {
  const { db } = platform.database;
  if (await changeVideo(db, ref, edit)) await announce(db, VIDEO_CHANGED, { videoId: ref.id });
  return readVideo(platform, ref);
}
