// Plays live channels: playlists, segments, a picture, a page. Served by every API process, wherever the channel runs. Wired by server.ts through api.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { playableLive } from '#api/channels/live-pages.ts';
import { liveKeys } from '#api/channels/view.ts';
import { type Api, type ApiContext, baseUrl } from '#api/context.ts';
import { problems } from '#api/errors.ts';
import { oembedUrl } from '#api/oembed.ts';
import { sendPlayerPage } from '#api/player-page.ts';
import { tellOnPage } from '#api/problem-page.ts';
import { createFileSender, FILE_ANSWERS } from '#api/send-file.ts';
import { needsKey } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import { isLiveToken } from '#domain/live-token.ts';
import { findLiveFile, type LiveView, readLive } from '#workflows/channels/read-live.ts';

const tags = ['channels'];
const OPEN = { scope: 'open' } as const;
const params = z.object({ channel: z.string().min(1).max(255) });
const fileParams = params.extend({ '*': z.string().max(300) });
const query = z.object({ token: z.string().max(200).optional() });
/** Milliseconds that what the database says serves all players alike. */
const FRESH_MS = 400;
const MOST_CHANNELS = 200;
/** Seconds: a channel that is deleted and made anew under its name counts its segments from the beginning. */
const SEGMENT_LIFETIME = 300;

export function liveRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const sendFile = createFileSender(platform);
  const kept = new Map<string, { readonly until: number; readonly live: Promise<LiveView | null> }>();
  const read = (place: string): Promise<LiveView | null> => {
    const known = kept.get(place);
    if (known && known.until > performance.now()) return known.live;
    if (kept.size >= MOST_CHANNELS) kept.clear();
    const live = (known?.live ?? Promise.resolve(null)).then((last) => readLive(platform, place, last));
    kept.set(place, { until: performance.now() + FRESH_MS, live });
    live.catch(() => kept.delete(place));
    return live;
  };
  const need = async (place: string, token: string | undefined): Promise<LiveView> => {
    const live = await read(place);
    if (!live) throw new PlatformError('not_found', `There is no channel ${JSON.stringify(place)}`);
    if (needsKey(platform.config) && !isLiveToken(token ?? '', live.id, liveKeys(platform)))
      throw new PlatformError('unauthorized', 'This server needs a token to play: playback_url of the channel has one');
    return live;
  };

  app.route({
    method: ['GET', 'HEAD'],
    url: '/live/:channel/*',
    config: OPEN,
    exposeHeadRoute: false,
    schema: {
      tags,
      summary:
        'master.m3u8, RENDITION/playlist.m3u8 and RENDITION/NUMBER.ts of a channel, by its number or name; thumbnail.jpg',
      params: fileParams,
      querystring: query,
      response: { ...FILE_ANSWERS, ...problems(401) },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { channel, '*': name } = request.params as z.output<typeof fileParams>;
      const { token } = request.query as z.output<typeof query>;
      const live = await need(channel, token);
      const suffix = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
      const file = await findLiveFile(platform, live, { name, query: suffix });
      if (!file) throw new PlatformError('not_found', `Channel ${live.name} has no ${JSON.stringify(name)} now`);
      // Players of other sites may play what they were given the address of.
      reply.header('Access-Control-Allow-Origin', '*');
      return sendFile(request, reply, { file, filename: null, download: false, lifetime: SEGMENT_LIFETIME });
    },
  });

  for (const kind of ['watch', 'embed'] as const) {
    const url = kind === 'watch' ? '/live/:channel' : '/live/:channel/embed';
    const summary =
      kind === 'watch' ? 'A page that plays the channel' : 'The same, made to stand in the pages of others';
    app.get(
      url,
      {
        config: OPEN,
        errorHandler: tellOnPage(kind === 'embed'),
        schema: { tags, summary, params, querystring: query, response: problems(401) },
      },
      async (request, reply) => {
        const { token = null } = request.query;
        const live = await need(request.params.channel, token ?? undefined);
        const base = baseUrl(context, request);
        const playable = playableLive(live, base, token);
        return sendPlayerPage(reply, {
          playable,
          oembedUrl: oembedUrl(base, playable.watchUrl),
          isEmbedded: kind === 'embed',
        });
      },
    );
  }
}
