// The page that plays a live channel, the same made to stand in pages of others, and what oEmbed tells of it. Wired by live-routes.ts and server.ts.
import { liveLinks } from '#api/channels/live-links.ts';
import { liveKeys } from '#api/channels/view.ts';
import type { FindPlayable } from '#api/oembed.ts';
import { frameSize, type Playable } from '#api/player-page.ts';
import { needsKey } from '#domain/access.ts';
import { isLiveToken } from '#domain/live-token.ts';
import { type LiveView, readLive } from '#workflows/channels/read-live.ts';

/** Plain words: search engines and previews show them where a picture has none. */
const describe = ({ name }: LiveView): string => `${name}, live`;

export function playableLive(live: LiveView, base: string, token: string | null): Playable {
  const { masterUrl, watchUrl, embedUrl, thumbnailUrl } = liveLinks(base, live.slug, token);
  const sizes = live.moments.at(-1)?.parts.map(({ width, height }) => frameSize(width, height)) ?? [];
  return {
    title: live.name,
    description: describe(live),
    isLive: true,
    masterUrl,
    posterUrl: live.hasThumbnail ? thumbnailUrl : null,
    storyboardUrl: null,
    watchUrl,
    embedUrl,
    size: sizes.sort((a, b) => b.width - a.width)[0] ?? frameSize(null, null),
    duration: null,
  };
}

const PAGE = /\/live\/([^/]+?)(?:\/embed)?\/?$/;

/** Null for addresses that are none of ours, and for channels that whoever has this address may not play. */
export const findLivePage: FindPlayable = async ({ platform }, address, base) => {
  const place = PAGE.exec(address.pathname)?.[1];
  const live = place === undefined ? null : await readLive(platform, decode(place));
  if (!live) return null;
  const token = address.searchParams.get('token');
  const isValid = token !== null && isLiveToken(token, live.id, liveKeys(platform));
  if (needsKey(platform.config) && !isValid) return null;
  return playableLive(live, base, isValid ? token : null);
};

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No address of ours.
    return '';
  }
}
