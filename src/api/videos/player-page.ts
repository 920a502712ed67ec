// The player page as text: the built document with what one video needs written into it. Used by player-routes.ts.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PlatformError } from '#domain/error.ts';
import type { Video } from '#domain/video.ts';
import type { PlaybackLinks } from '#workflows/videos/playback-links.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '../../../dashboard/dist/watch.html');
/** Where the document has room for a video's own head. */
const PLACE = /<meta name="video"[^>]*>/;
/** Pixels of a frame where the picture's own are not known. */
const USUAL = { width: 1280, height: 720 };

export type PageWish = {
  readonly video: Video;
  readonly links: PlaybackLinks;
  /** Address of the oEmbed description. */
  readonly oembedUrl: string;
  readonly isEmbedded: boolean;
};

let built: Promise<string> | undefined;

/** @throws PlatformError `not_found` where the page was not built */
export async function playerPage(wish: PageWish): Promise<string> {
  built ??= readFile(DOCUMENT, 'utf8');
  const document = await built.catch(() => {
    built = undefined;
    throw new PlatformError('not_found', 'The player page is not built: npx vite build dashboard');
  });
  return document.replace(PLACE, () => headOf(wish));
}

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function headOf({ video, links, oembedUrl, isEmbedded }: PageWish): string {
  const { masterUrl, posterUrl, watchUrl, embedUrl } = links;
  const { width, height } = frameSize(video);
  const data = {
    title: video.title,
    master: ownPath(masterUrl),
    poster: ownPath(posterUrl),
    storyboard: ownPath(posterUrl.replace('/poster.jpg', '/storyboard.vtt')),
    isEmbedded,
  };
  const meta = (name: 'name' | 'property', pairs: readonly (readonly [string, string | number])[]) =>
    pairs.map(([key, value]) => `<meta ${name}="${key}" content="${escapeText(String(value))}">`);
  return [
    `<title>${escapeText(video.title)}</title>`,
    `<link rel="canonical" href="${escapeText(watchUrl)}">`,
    `<link rel="alternate" type="application/json+oembed" href="${escapeText(oembedUrl)}" title="${escapeText(video.title)}">`,
    // Asked for while the script is still on its way.
    `<link rel="preload" as="fetch" crossorigin href="${escapeText(data.master)}">`,
    ...meta('property', [
      ['og:type', 'video.other'],
      ['og:title', video.title],
      ['og:description', video.description],
      ['og:url', watchUrl],
      ['og:image', posterUrl],
      ['og:video', embedUrl],
      ['og:video:secure_url', embedUrl],
      ['og:video:type', 'text/html'],
      ['og:video:width', width],
      ['og:video:height', height],
      ...(video.duration === null ? [] : [['video:duration', Math.round(video.duration)] as const]),
    ]),
    ...meta('name', [
      ['description', video.description],
      ['twitter:card', 'player'],
      ['twitter:title', video.title],
      ['twitter:description', video.description],
      ['twitter:image', posterUrl],
      ['twitter:player', embedUrl],
      ['twitter:player:width', width],
      ['twitter:player:height', height],
    ]),
    // Data, no script: the policy of the page lets none run that stands in it.
    `<script type="application/json" id="video">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`,
  ].join('\n    ');
}

/** Without the origin: the page asks nobody but the server it came from. */
const ownPath = (url: string): string => url.replace(/^https?:\/\/[^/]+/, '');

/** Pixels of a frame for the picture, at most 1280 wide. */
export function frameSize({ width, height }: Pick<Video, 'width' | 'height'>): { width: number; height: number } {
  if (!width || !height) return USUAL;
  const scale = Math.min(1, USUAL.width / width);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
