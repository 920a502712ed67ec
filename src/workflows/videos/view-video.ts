// A video as the API and its webhooks show it, with the addresses it plays under. Called by the routes and record-video-event.ts.
import { qualitiesOf, type Video, videoProgress } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { playbackLinks } from '#workflows/videos/playback-links.ts';

/** @param base `https://host`, in front of links */
export function viewVideo(platform: Pick<Platform, 'config' | 'keysFor'>, video: Video, base: string) {
  const { masterUrl, posterUrl } = playbackLinks(platform, video, base);
  return {
    hash: video.id,
    video_id: video.id,
    upload_id: video.id,
    title: video.title,
    description: video.description,
    tags: [...video.tags],
    filename: video.filename,
    size: video.size,
    duration: video.duration,
    width: video.width,
    height: video.height,
    status: video.status,
    progress: videoProgress(video),
    stopped: video.status === 'stopped' || video.stopped,
    qualities: qualitiesOf(video),
    master_url: masterUrl,
    poster_url: posterUrl,
    poster_time: video.posterTime,
    playback_policy: video.playbackPolicy,
    encryption: video.encryption,
    error: video.error && { ...video.error },
    playable_at: video.playableAt?.toISOString() ?? null,
    created_at: video.createdAt.toISOString(),
    updated_at: video.updatedAt.toISOString(),
  };
}
