// Where a video plays: its master playlist and poster. Called by everything that shows a video.
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

export type PlaybackLinks = { readonly masterUrl: string; readonly posterUrl: string };

/** @param base `https://host`, in front of links */
export function playbackLinks(
  _platform: Pick<Platform, 'config' | 'keyFor'>,
  { id }: Pick<Video, 'id' | 'playbackPolicy'>,
  base: string,
): PlaybackLinks {
  const folder = `${base}/stream/${id}`;
  return { masterUrl: `${folder}/master.m3u8`, posterUrl: `${folder}/poster.jpg` };
}
