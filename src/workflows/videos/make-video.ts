// The row of a video out of what its owner says of it. Pure; called by begin-upload.ts, update-video.ts and keep-recording.ts.
import { randomBytes } from 'node:crypto';
import type { NewVideo } from '#database/videos.ts';
import { plainFilename, type VideoWish } from '#domain/upload.ts';

export type VideoWords = {
  readonly projectId: string;
  readonly id: string;
  readonly filename: string;
  readonly wish: VideoWish;
  readonly baseUrl: string;
};

export function makeVideo({ projectId, id, filename, wish, baseUrl }: VideoWords): NewVideo {
  const name = plainFilename(filename);
  return {
    id,
    projectId,
    filename: name,
    title: wish.title ?? titleOf(name),
    description: wish.description,
    tags: wish.tags,
    qualities: wish.qualities,
    transcode: wish.transcode,
    posterTime: wish.posterTime,
    playbackPolicy: wish.playbackPolicy,
    encryption: wish.encryption,
    contentKey: wish.encryption === 'aes-128' ? randomBytes(16).toString('base64') : null,
    notificationUrl: wish.notificationUrl,
    baseUrl,
  };
}

/** `holiday 2024` for `holiday 2024.mp4`. */
const titleOf = (filename: string): string => filename.replace(/\.[A-Za-z0-9]{1,5}$/, '') || filename;
