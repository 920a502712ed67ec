// Pages to watch a video on, what other sites need to show it in theirs (oEmbed), and signed addresses to hand out. Wired by api.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, baseUrl } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { videoId, videoRef } from '#api/videos/forms.ts';
import { frameSize, playerPage } from '#api/videos/player-page.ts';
import { playbackAccess, playbackOf, videoToPlay } from '#api/videos/stream-access.ts';
import { findVideoById } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { judgePlayback, PLAYBACK_PURPOSE } from '#domain/playback-token.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { linksWith, needsToken, type PlaybackLinks, signedLinks } from '#workflows/videos/playback-links.ts';
import { readVideo } from '#workflows/videos/read-video.ts';

/** Seconds a signed address may live at the most: a year. */
const LONGEST = 31_536_000;
/** No foreign host, nothing inline; media through blobs, and the player's own worker. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
];

const expiresIn = z.coerce
  .number(`a whole number of seconds from 60 to ${LONGEST}`)
  .int()
  .min(60, `at least 60`)
  .max(LONGEST, `at most ${LONGEST}`);
const signedView = z.object({
  video_id: z.string(),
  token: z.string(),
  master_url: z.string(),
  poster_url: z.string(),
  watch_url: z.string(),
  embed_url: z.string(),
  expires_at: z.iso.datetime(),
});
const oembedQuery = z.object({
  url: z.string().max(2000),
  format: z.string().optional(),
  maxwidth: z.coerce.number().int().min(1).optional(),
  maxheight: z.coerce.number().int().min(1).optional(),
});
const oembedView = z.object({
  version: z.string(),
  type: z.string(),
  provider_name: z.string(),
  provider_url: z.string(),
  title: z.string(),
  width: z.int(),
  height: z.int(),
  thumbnail_url: z.string(),
  thumbnail_width: z.int(),
  thumbnail_height: z.int(),
  html: z.string(),
});
const tags = ['videos'];

export function playerRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const config = playbackAccess(platform);
  for (const kind of ['watch', 'embed'] as const) {
    app.get(
      `/${kind}/:id`,
      {
        config,
        schema: {
          tags,
          summary: kind === 'watch' ? 'A page that plays a video' : 'The same, made to stand in the pages of others',
          params: z.object({ id: z.string() }),
        },
      },
      async (request: FastifyRequest, reply: FastifyReply) => {
        const video = await videoToPlay(platform, request);
        const base = baseUrl(context, request);
        const links = linksFor(request, video, base);
        const html = await playerPage({
          video,
          links,
          oembedUrl: `${base}/oembed?format=json&url=${encodeURIComponent(links.watchUrl)}`,
          isEmbedded: kind === 'embed',
        });
        return allowFrames(reply, kind === 'embed')
          .header('Cache-Control', 'no-cache')
          .type('text/html; charset=utf-8')
          .send(html);
      },
    );
  }

  app.get(
    '/oembed',
    {
      config: { scope: 'open' },
      schema: {
        tags,
        summary: 'How to show a video in a page (oembed.com)',
        querystring: oembedQuery,
        response: { 200: oembedView, 404: problemSchema, 501: z.string() },
      },
    },
    async (request, reply) => {
      const { url, format = 'json', maxwidth, maxheight } = request.query;
      if (format !== 'json')
        return reply
          .code(501)
          .header('Access-Control-Allow-Origin', '*')
          .type('text/plain')
          .send('json is the only format');
      const base = baseUrl(context, request);
      const { video, links } = await videoOfAddress(platform, url, base);
      const { width, height } = fitted(frameSize(video), { maxwidth, maxheight });
      reply.header('Access-Control-Allow-Origin', '*');
      return reply.send({
        version: '1.0',
        type: 'video',
        provider_name: 'Rendition',
        provider_url: base,
        title: video.title,
        width,
        height,
        thumbnail_url: links.posterUrl,
        thumbnail_width: width,
        thumbnail_height: height,
        html: `<iframe src="${attribute(links.embedUrl)}" width="${width}" height="${height}" title="${attribute(video.title)}" frameborder="0" allow="fullscreen; picture-in-picture; autoplay" allowfullscreen></iframe>`,
      });
    },
  );

  app.post(
    '/videos/:hash/playback_url',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Signed addresses that play a video without a key, for a time',
        params: z.object({ hash: videoId }),
        body: z.object({ expires_in: expiresIn.optional() }),
        response: { 200: signedView, 404: problemSchema },
      },
    },
    async (request) => {
      const video = await readVideo(platform, videoRef(request, request.params.hash));
      const seconds = request.body.expires_in ?? platform.config.PLAYBACK_URL_TTL;
      const links = signedLinks(platform, video, { base: baseUrl(context, request), seconds });
      return {
        video_id: video.id,
        token: links.token,
        master_url: links.masterUrl,
        poster_url: links.posterUrl,
        watch_url: links.watchUrl,
        embed_url: links.embedUrl,
        expires_at: links.expiresAt.toISOString(),
      };
    },
  );
}

/** The links of a page carry what its own address carries: they live no longer than it does. */
const linksFor = (request: FastifyRequest, video: Video, base: string): PlaybackLinks =>
  linksWith(video, base, playbackOf(request).token);

function allowFrames(reply: FastifyReply, everywhere: boolean): FastifyReply {
  reply.header('Content-Security-Policy', [...POLICY, `frame-ancestors ${everywhere ? '*' : "'none'"}`].join('; '));
  if (everywhere) reply.removeHeader('X-Frame-Options').removeHeader('Cross-Origin-Opener-Policy');
  else reply.header('X-Frame-Options', 'DENY');
  return reply;
}

const PAGE = /\/(?:watch|embed)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** @throws PlatformError `not_found` for addresses that are none of ours, and for videos that whoever has this address may not play */
async function videoOfAddress(platform: Platform, url: string, base: string) {
  const address = URL.parse(url, base);
  const id = PAGE.exec(address?.pathname ?? '')?.[1]?.toLowerCase();
  const video =
    id !== undefined && address?.host === new URL(base).host
      ? await findVideoById(platform.database.db, id, platform.sealer)
      : null;
  if (!video || !address) throw new PlatformError('not_found', `${JSON.stringify(url)} is no page of a video here`);
  const token = address.searchParams.get('token');
  const key = platform.keyFor(PLAYBACK_PURPOSE);
  const isValid = token !== null && judgePlayback(video.id, token, { key, now: Date.now() / 1000 }) === 'valid';
  if (needsToken(platform, video) && !isValid)
    throw new PlatformError('not_found', `${JSON.stringify(url)} is no page that anybody may see`);
  return { video, links: linksWith(video, base, isValid ? token : null) };
}

const attribute = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

type Bounds = { readonly maxwidth?: number | undefined; readonly maxheight?: number | undefined };

function fitted(size: { width: number; height: number }, { maxwidth, maxheight }: Bounds) {
  const scale = Math.min(1, (maxwidth ?? size.width) / size.width, (maxheight ?? size.height) / size.height);
  return { width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) };
}
