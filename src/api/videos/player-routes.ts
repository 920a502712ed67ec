// Pages to watch a video on, and signed addresses to hand out. Wired by api.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, baseUrl } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { type FindPlayable, oembedUrl } from '#api/oembed.ts';
import { frameSize, type Playable, sendPlayerPage } from '#api/player-page.ts';
import { tellOnPage } from '#api/problem-page.ts';
import { videoId, videoRef } from '#api/videos/forms.ts';
import { playbackAccess, playbackOf, videoToPlay } from '#api/videos/stream-access.ts';
import { findVideoById } from '#database/videos.ts';
import { judgePlayback, PLAYBACK_PURPOSE } from '#domain/playback-token.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { linksWith, needsToken, type PlaybackLinks, signedLinks } from '#workflows/videos/playback-links.ts';
import { readStream } from '#workflows/videos/read-stream.ts';
import { readVideo } from '#workflows/videos/read-video.ts';

/** Seconds a signed address may live at the most: a year. */
const LONGEST = 31_536_000;
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
const tags = ['videos'];

export function playerRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const config = playbackAccess(platform);
  for (const kind of ['watch', 'embed'] as const) {
    app.get(
      `/${kind}/:id`,
      {
        config,
        errorHandler: tellOnPage(kind === 'embed'),
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
        return sendPlayerPage(reply, {
          playable: await playableOf(platform, video, links),
          oembedUrl: oembedUrl(base, links.watchUrl),
          isEmbedded: kind === 'embed',
        });
      },
    );
  }

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

async function playableOf(platform: Platform, video: Video, links: PlaybackLinks): Promise<Playable> {
  const { masterUrl, posterUrl, watchUrl, embedUrl } = links;
  const { title, description, duration, width, height } = video;
  // Sound may carry a cover, and has no pictures along its timeline.
  const isSound = width === null && duration !== null;
  const hasPoster = !isSound || (await readStream(platform, video))?.find('poster.jpg', { query: '' });
  const addresses = {
    masterUrl,
    posterUrl: hasPoster ? posterUrl : null,
    storyboardUrl: isSound ? null : posterUrl.replace('/poster.jpg', '/storyboard.vtt'),
    watchUrl,
    embedUrl,
  };
  return { title, description, isLive: false, ...addresses, size: frameSize(width, height), duration };
}

const PAGE = /\/(?:watch|embed)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** Null for addresses that are none of ours, and for videos that whoever has this address may not play. */
export const findVideoPage: FindPlayable = async ({ platform }, address, base) => {
  const id = PAGE.exec(address.pathname)?.[1]?.toLowerCase();
  const video = id === undefined ? null : await findVideoById(platform.database.db, id, platform.sealer);
  if (!video) return null;
  const token = address.searchParams.get('token');
  const keys = platform.keysFor(PLAYBACK_PURPOSE);
  const isValid = token !== null && judgePlayback(video.id, token, { keys, now: Date.now() / 1000 }) === 'valid';
  if (needsToken(platform, video) && !isValid) return null;
  return playableOf(platform, video, linksWith(video, base, isValid ? token : null));
};
