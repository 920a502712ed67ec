// The page that plays a video or a channel, as text: the built document with what is played written into it, and the headers it needs. Used by the routes of pages and problem-page.ts.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyReply } from 'fastify';
import { PlatformError } from '#domain/error.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '../../dashboard/dist/watch.html');
/** Where the document has room for a head of its own. */
const PLACE = /<meta name="video"[^>]*>/;
/** Pixels of a frame where the picture's own are not known, and at the most. */
const USUAL = { width: 1280, height: 720 };
/** No foreign host, nothing inline; media through blobs, and the player's own worker. hls.js begins each text track as `data:,WEBVTT`. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
];

export type FrameSize = { readonly width: number; readonly height: number };

/** What the page plays. Addresses are whole. */
export type Playable = {
  readonly title: string;
  readonly description: string;
  readonly isLive: boolean;
  readonly masterUrl: string;
  /** null where there is no picture of it */
  readonly posterUrl: string | null;
  /** Pictures along the timeline, as WebVTT. */
  readonly storyboardUrl: string | null;
  readonly watchUrl: string;
  readonly embedUrl: string;
  /** Pixels. */
  readonly size: FrameSize;
  /** seconds; null while unknown, and of what has no end */
  readonly duration: number | null;
};

export type PageWish = {
  readonly playable: Playable;
  /** Address of the oEmbed description. */
  readonly oembedUrl: string;
  readonly isEmbedded: boolean;
};

let built: Promise<string> | undefined;

/** @throws PlatformError `not_found` where the page was not built */
export const sendPlayerPage = (reply: FastifyReply, wish: PageWish): Promise<FastifyReply> =>
  sendPage(reply.header('Cache-Control', 'no-cache'), { head: headOf(wish), isEmbedded: wish.isEmbedded });

/** The built document with a head of its own. @throws PlatformError `not_found` where the page was not built */
export async function sendPage(
  reply: FastifyReply,
  { head, isEmbedded }: { readonly head: string; readonly isEmbedded: boolean },
): Promise<FastifyReply> {
  built ??= readFile(DOCUMENT, 'utf8');
  const document = await built.catch(() => {
    built = undefined;
    throw new PlatformError('not_found', 'The player page is not built: npx vite build dashboard');
  });
  return allowFrames(reply, isEmbedded)
    .type('text/html; charset=utf-8')
    .send(document.replace(PLACE, () => head));
}

function allowFrames(reply: FastifyReply, everywhere: boolean): FastifyReply {
  reply.header('Content-Security-Policy', [...POLICY, `frame-ancestors ${everywhere ? '*' : "'none'"}`].join('; '));
  if (everywhere) reply.removeHeader('X-Frame-Options').removeHeader('Cross-Origin-Opener-Policy');
  else reply.header('X-Frame-Options', 'DENY');
  return reply;
}

export const escapeText = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

type Pairs = readonly (readonly [string, string | number | null])[];

function headOf({ playable, oembedUrl, isEmbedded }: PageWish): string {
  const { title, description, isLive, masterUrl, posterUrl, storyboardUrl, watchUrl, embedUrl, size } = playable;
  const { width, height } = size;
  const data = {
    title,
    isLive,
    master: ownPath(masterUrl),
    poster: posterUrl && ownPath(posterUrl),
    storyboard: storyboardUrl && ownPath(storyboardUrl),
    isEmbedded,
  };
  const meta = (name: 'name' | 'property', pairs: Pairs) =>
    pairs.flatMap(([key, value]) =>
      value === null ? [] : [`<meta ${name}="${key}" content="${escapeText(String(value))}">`],
    );
  return [
    `<title>${escapeText(title)}</title>`,
    `<link rel="canonical" href="${escapeText(watchUrl)}">`,
    `<link rel="alternate" type="application/json+oembed" href="${escapeText(oembedUrl)}" title="${escapeText(title)}">`,
    // Asked for while the script is still on its way.
    `<link rel="preload" as="fetch" crossorigin href="${escapeText(data.master)}">`,
    ...meta('property', [
      ['og:type', 'video.other'],
      ['og:title', title],
      ['og:description', description],
      ['og:url', watchUrl],
      ['og:image', posterUrl],
      ['og:video', embedUrl],
      ['og:video:secure_url', embedUrl],
      ['og:video:type', 'text/html'],
      ['og:video:width', width],
      ['og:video:height', height],
      ['video:duration', playable.duration === null ? null : Math.round(playable.duration)],
    ]),
    ...meta('name', [
      ['description', description],
      ['twitter:card', 'player'],
      ['twitter:title', title],
      ['twitter:description', description],
      ['twitter:image', posterUrl],
      ['twitter:player', embedUrl],
      ['twitter:player:width', width],
      ['twitter:player:height', height],
    ]),
    // Data, no scripts: the policy of the page lets none run that stands in it.
    `<script type="application/ld+json">${asData(structured(playable))}</script>`,
    `<script type="application/json" id="video">${asData(data)}</script>`,
  ].join('\n    ');
}

const asData = (data: object): string => JSON.stringify(data).replaceAll('<', '\\u003c');

/** What search engines and download tools read of a page (schema.org/VideoObject): the tags above name pages alone, this the stream. */
const structured = ({ title, description, masterUrl, posterUrl, embedUrl, duration }: Playable) => ({
  '@context': 'https://schema.org',
  '@type': 'VideoObject',
  name: title,
  description: description || title,
  ...(posterUrl === null ? {} : { thumbnailUrl: posterUrl }),
  contentUrl: masterUrl,
  embedUrl,
  ...(duration === null ? {} : { duration: `PT${Math.round(duration)}S` }),
});

/** Without the origin: the page asks nobody but the server it came from. */
const ownPath = (url: string): string => url.replace(/^https?:\/\/[^/]+/, '');

/** Pixels of a frame for a picture, at most 1280 wide. */
export function frameSize(width: number | null, height: number | null): FrameSize {
  if (!width || !height) return USUAL;
  const scale = Math.min(1, USUAL.width / width);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
