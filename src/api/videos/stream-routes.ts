// What players ask for: playlists, segments, pictures, texts, the key, the original and downloads of a video. Wired by api.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Api, type ApiContext, baseUrl, callerOf } from '#api/context.ts';
import { problems } from '#api/errors.ts';
import { type AnswerHeaders, type HotAnswers, installHotAnswers } from '#api/hot-answers.ts';
import { createFileSender, FILE_ANSWERS, type FileSender } from '#api/send-file.ts';
import { playbackAccess, playbackOf, videoToPlay } from '#api/videos/stream-access.ts';
import { createStreamCache, type StreamCache, type StreamOf } from '#api/videos/stream-cache.ts';
import { PlatformError } from '#domain/error.ts';
import { playbackEnd } from '#domain/playback-token.ts';
import { VIDEO_STATUSES, type Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';
import { findDownload } from '#workflows/videos/find-download.ts';
import { linkStored } from '#workflows/videos/link-stored.ts';
import { originalFile } from '#workflows/videos/original-file.ts';
import { listQualities } from '#workflows/videos/read-stream.ts';

/** A playlist that will be there soon is waited for so long: players that get an error give up, or ask again after seconds. Milliseconds. */
const PATIENCE_MS = 8000;
const LOOK_EVERY_MS = 100;

const params = z.object({ id: z.string(), '*': z.string() });
const quality = z.object({
  quality: z.string(),
  width: z.int(),
  height: z.int(),
  bandwidth: z.int(),
  average_bandwidth: z.int(),
  codecs: z.string(),
  complete: z.boolean(),
  segments_ready: z.int(),
  segments_total: z.int(),
  playlist_url: z.string(),
  download_url: z.string(),
});
const qualities = z.object({
  video_id: z.string(),
  status: z.enum(VIDEO_STATUSES),
  playable: z.boolean(),
  master_url: z.string(),
  original_url: z.string(),
  qualities: z.array(quality),
});

export function streamRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const tools = {
    cache: createStreamCache(app, platform),
    send: createFileSender(platform),
    hot: installHotAnswers(app),
  };
  const config = playbackAccess(platform);
  const tags = ['videos'];

  app.get(
    '/stream/:id/qualities',
    {
      config,
      schema: {
        tags,
        summary: 'The qualities of a video, also those that are being made',
        response: { 200: qualities },
      },
    },
    async (request, reply) => {
      reply.header('Access-Control-Allow-Origin', '*').header('Cache-Control', 'no-cache');
      const { video, stream } = await streamOf(platform, tools.cache, request);
      const folder = `${baseUrl(context, request)}/stream/${video.id}`;
      const query = queryOf(request);
      return {
        video_id: video.id,
        status: video.status,
        playable: stream?.playable ?? false,
        master_url: `${folder}/master.m3u8${query}`,
        original_url: `${folder}/original${query}`,
        qualities: (stream ? listQualities(stream) : []).map((one) => ({
          ...one,
          playlist_url: `${folder}/${one.quality}/playlist.m3u8${query}`,
          download_url: `${folder}/download/${one.quality}.mp4${query}`,
        })),
      };
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/stream/:id/*',
    config,
    exposeHeadRoute: false,
    schema: {
      tags,
      summary:
        'Of a video: master.m3u8 (also ?format=ts), manifest.mpd, 720p/playlist.m3u8, segments, poster.jpg, storyboard.vtt, original, download/720p.mp4',
      params,
      response: { ...FILE_ANSWERS, 302: z.null().describe('To the bucket, where it lies'), ...problems(422, 429, 507) },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => sendOf(platform, tools, { request, reply }),
  });
}

type Tools = { readonly cache: StreamCache; readonly send: FileSender; readonly hot: HotAnswers };
type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply };

async function sendOf(platform: Platform, tools: Tools, { request, reply }: Exchange): Promise<FastifyReply> {
  // Who may play it may do so on any page: neither cookies nor keys of a browser open it.
  reply.header('Access-Control-Allow-Origin', '*');
  const { '*': asked } = request.params as z.output<typeof params>;
  const { format, download } = (request.query ?? {}) as { readonly format?: unknown; readonly download?: unknown };
  const name = asked === 'master.m3u8' && format === 'ts' ? 'ts.m3u8' : asked;
  const whole = /^download\/([^/]+)\.mp4$/.exec(name)?.[1];
  if (name === 'original' || whole !== undefined) {
    const found = await streamOf(platform, tools.cache, request);
    refuseClear(found.video, request);
    const file = whole === undefined ? originalFile(found.video) : await findDownload(platform, found.stream, whole);
    if (!file) throw notThere(found, asked);
    return tools.send(request, reply, { file, filename: filenameOf(found.video, whole), download: true });
  }
  const { file, found } = await findSoon(platform, tools.cache, { request, name });
  if (!file) {
    if (isComing(found)) reply.header('Retry-After', '1');
    throw notThere(found, asked);
  }
  // Such an address is signed for GET alone.
  const link = request.method === 'GET' ? await linkStored(platform, file) : null;
  if (link !== null) return reply.header('Cache-Control', 'private, max-age=300').redirect(link, 302);
  const until = performance.now() + leftOf(request);
  const holds = () => found.holds() && performance.now() < until;
  const onWhole = (headers: AnswerHeaders, body: Buffer) => tools.hot.keep(request.raw, { headers, body, holds });
  return tools.send(request, reply, { file, filename: null, download: download !== undefined, onWhole });
}

/** Milliseconds that a request's token is good for. */
function leftOf(request: FastifyRequest): number {
  const { token } = playbackOf(request);
  return token === null ? Number.POSITIVE_INFINITY : playbackEnd(token) * 1000 - Date.now();
}

type Asking = { readonly request: FastifyRequest; readonly name: string };

/** What lies under a name; of a playlist that will come, a while later. */
async function findSoon(
  platform: Platform,
  cache: StreamCache,
  { request, name }: Asking,
): Promise<{ readonly file: ServedFile | null; readonly found: StreamOf }> {
  const until = performance.now() + PATIENCE_MS;
  const view = { query: queryOf(request) };
  for (;;) {
    const found = await streamOf(platform, cache, request);
    const file = found.stream?.find(name, view) ?? null;
    if (file || !willCome(found, name) || performance.now() > until || request.socket.destroyed) return { file, found };
    await sleep(LOOK_EVERY_MS);
  }
}

const isComing = ({ video }: StreamOf): boolean =>
  ['uploaded', 'queued', 'processing'].includes(video.status) && video.error === null;

function willCome(found: StreamOf, name: string): boolean {
  if (!isComing(found)) return false;
  if (name === 'master.m3u8' || name === 'ts.m3u8' || name === 'ts/master.m3u8') return true;
  const folder = /^(?:ts\/)?([^/]+)\/playlist\.m3u8$/.exec(name)?.[1];
  return folder !== undefined && (found.stream?.planned.some((rendition) => rendition.name === folder) ?? false);
}

function streamOf(platform: Platform, cache: StreamCache, request: FastifyRequest): Promise<StreamOf> {
  const { id, token } = playbackOf(request);
  const { projectId } = callerOf(request);
  // What a key may see, a token may, and the other way round; nobody else.
  const key = `${id} ${token === null ? `project ${projectId} ${request.headers.authorization ?? ''}` : 'token'}`;
  return cache.find(key, () => videoToPlay(platform, request));
}

/** What was sent with the address goes on with every address in a playlist. */
const queryOf = (request: FastifyRequest): string => {
  const { token } = playbackOf(request);
  return token === null ? '' : `?token=${token}`;
};

/** Whoever plays an encrypted video with a token gets nothing of it unencrypted. */
function refuseClear(video: Video, request: FastifyRequest): void {
  if (video.encryption === 'none' || playbackOf(request).token === null) return;
  throw new PlatformError('playback_denied', `Video ${video.id} is encrypted: it plays, but is not given out`);
}

function notThere(found: StreamOf, name: string): PlatformError {
  const { video, stream } = found;
  const yet = stream?.settled && !isComing(found) ? '' : ' yet';
  return new PlatformError('not_found', `Video ${video.id} has no ${JSON.stringify(name)}${yet}`);
}

/** `holiday.mov`, or `holiday 720p.mp4` of a quality. */
function filenameOf({ filename }: Video, wanted: string | undefined): string {
  return wanted === undefined ? filename : `${filename.replace(/\.[^.]*$/, '')} ${wanted}.mp4`;
}
