// Where a video plays: its master playlist and poster, signed where players need a token. Called by everything that shows a video.
import { needsKey } from '#domain/access.ts';
import { PLAYBACK_PURPOSE, playbackEnd, signPlayback } from '#domain/playback-token.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

export type PlaybackLinks = {
  readonly masterUrl: string;
  readonly posterUrl: string;
  /** The player page, and the one that is made to stand in other pages. */
  readonly watchUrl: string;
  readonly embedUrl: string;
  /** null where players need none */
  readonly token: string | null;
  readonly expiresAt: Date | null;
};

type Signer = Pick<Platform, 'config' | 'keysFor'>;
type Playable = Pick<Video, 'id' | 'playbackPolicy'>;

/** Whether a player needs a token or a key: everybody's videos do where keys are required, `signed` ones everywhere. */
export const needsToken = ({ config }: Pick<Platform, 'config'>, { playbackPolicy }: Pick<Video, 'playbackPolicy'>) =>
  playbackPolicy === 'signed' || needsKey(config);

/** @param base `https://host`, in front of links */
export function playbackLinks(platform: Signer, video: Playable, base: string): PlaybackLinks {
  if (!needsToken(platform, video)) return { ...linksOf(video.id, base, ''), token: null, expiresAt: null };
  return signedLinks(platform, video, { base, seconds: platform.config.PLAYBACK_URL_TTL });
}

/** Links with a token, whether players need one or not. @param seconds that it lives */
export function signedLinks(
  { keysFor }: Pick<Platform, 'keysFor'>,
  { id }: Pick<Video, 'id'>,
  { base, seconds }: { readonly base: string; readonly seconds: number },
): PlaybackLinks & { readonly token: string; readonly expiresAt: Date } {
  const end = Math.ceil(Date.now() / 1000 + seconds);
  const token = signPlayback(id, end, keysFor(PLAYBACK_PURPOSE));
  return { ...linksOf(id, base, `?token=${token}`), token, expiresAt: new Date(end * 1000) };
}

/** Links that carry a token that somebody has, or none. */
export function linksWith({ id }: Pick<Video, 'id'>, base: string, token: string | null): PlaybackLinks {
  if (token === null) return { ...linksOf(id, base, ''), token, expiresAt: null };
  return { ...linksOf(id, base, `?token=${token}`), token, expiresAt: new Date(playbackEnd(token) * 1000) };
}

const linksOf = (id: string, base: string, query: string) => ({
  masterUrl: `${base}/stream/${id}/master.m3u8${query}`,
  posterUrl: `${base}/stream/${id}/poster.jpg${query}`,
  watchUrl: `${base}/watch/${id}${query}`,
  embedUrl: `${base}/embed/${id}${query}`,
});
