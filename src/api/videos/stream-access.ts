// Who may play a video: a playback token, a key that may read, or anybody where neither is asked for. Used by the routes of streams and player pages.
import type { FastifyRequest } from 'fastify';
import { callerOf } from '#api/context.ts';
import { findVideo, findVideoById } from '#database/videos.ts';
import { type Caller, needsKey } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import { judgePlayback, PLAYBACK_PURPOSE } from '#domain/playback-token.ts';
import { isUuid } from '#domain/uuid.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

/** Projects are named otherwise: a token opens one video, whoever owns it. */
const NO_PROJECT = '';

export type PlaybackParams = { readonly id: string };

/** What a request plays with. */
export type Playback = {
  readonly id: string;
  /** null where a key, or nothing, opens it */
  readonly token: string | null;
};

/** The `config` of a route below `/:id` that playback tokens open. */
export function playbackAccess(platform: Platform) {
  const keys = platform.keysFor(PLAYBACK_PURPOSE);
  const accept = (request: FastifyRequest): Caller | null => {
    const { token, id } = playbackOf(request);
    if (token === null) return null;
    const verdict = judgePlayback(id, token, { keys, now: Date.now() / 1000 });
    if (verdict === 'expired') throw new PlatformError('playback_expired', 'This playback URL has expired');
    if (verdict === 'forged')
      throw new PlatformError('playback_denied', `This playback token is not one of video ${id}`);
    return { projectId: NO_PROJECT, scopes: [], keyId: null };
  };
  return { scope: 'read' as const, accept };
}

/** The video's id as it is written in the database, and the token of the address. */
export function playbackOf(request: FastifyRequest): Playback {
  const id = (request.params as PlaybackParams).id.toLowerCase();
  const { token } = (request.query ?? {}) as { readonly token?: unknown };
  return { id, token: typeof token === 'string' && token !== '' ? token : null };
}

/** @throws PlatformError `not_found` also where it is another project's; `playback_denied` where it wants a token */
export async function videoToPlay(platform: Platform, request: FastifyRequest): Promise<Video> {
  const { database, sealer } = platform;
  const { id, token } = playbackOf(request);
  const { projectId } = callerOf(request);
  const video = !isUuid(id)
    ? null
    : token === null
      ? await findVideo(database.db, { projectId, id }, sealer)
      : await findVideoById(database.db, id, sealer);
  if (!video) throw new PlatformError('not_found', `There is no video ${JSON.stringify(id)}`);
  // Where keys are asked for, whoever comes without a token has shown one.
  if (video.playbackPolicy === 'signed' && token === null && !needsKey(platform.config))
    throw new PlatformError('playback_denied', `Video ${id} plays with a signed URL only`);
  return video;
}
