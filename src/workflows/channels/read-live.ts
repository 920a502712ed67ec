// What /live/ serves of a channel: its playlists and segments. Called by the live routes, which keep it for a moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { listChannelJobs } from '#database/channel-jobs.ts';
import { findChannel, findLiveChannel } from '#database/channels.ts';
import { isConnectionLoss } from '#database/connection-loss.ts';
import { findMoment, findThumbnail, type LiveMoment, listMoments } from '#database/live.ts';
import { playableSeconds } from '#domain/channel.ts';
import { liveMaster, liveMedia } from '#media/playlist/live.ts';
import { withAhead } from '#workflows/channels/live-ahead.ts';
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

export type LiveView = {
  readonly id: number;
  readonly name: string;
  readonly slug: string;
  /** A picture of what is on air is made every now and then. */
  readonly hasThumbnail: boolean;
  readonly moments: readonly LiveMoment[];
  readonly segmentSeconds: number;
  readonly gopSeconds: number;
  readonly ended: boolean;
  /** Seconds of pictures that playlists show. */
  readonly seconds: number;
  /** performance.now() when the database said so */
  readonly readAt: number;
};

/** Milliseconds that the database has before what it said last is played on. */
const ANSWER = 2000;
/** What it was asked and has not answered: nobody asks the same beside it. */
const asked = new WeakMap<Platform, Map<string, Promise<LiveView | null>>>();

const PLAYLIST = 'application/vnd.apple.mpegurl';
const text = (body: string | null): ServedFile | null =>
  body === null ? null : { kind: 'text', text: body, mediaType: PLAYLIST, fixed: false };

/**
 * @param place the channel's number, or its name as it stands in addresses; null where there is none such
 * @param last what was read before: while the database is away it holds, with what this process's own channels have made since
 */
export async function readLive(
  platform: Platform,
  place: string,
  last: LiveView | null = null,
): Promise<LiveView | null> {
  const longestAway = platform.config.CHANNEL_DETACHED_SECONDS * 1000;
  const held = last && performance.now() - last.readAt <= longestAway ? last : null;
  const rows = readOnce(platform, place).catch((error: unknown) => {
    if (!held || !isConnectionLoss(error)) throw error;
    return held;
  });
  const view = await (held ? Promise.race([rows, sleep(ANSWER, held, { ref: false })]) : rows);
  return view && { ...view, moments: withAhead(platform, view) };
}

function readOnce(platform: Platform, place: string): Promise<LiveView | null> {
  const places = asked.get(platform) ?? new Map<string, Promise<LiveView | null>>();
  asked.set(platform, places);
  const going = places.get(place) ?? readRows(platform, place).finally(() => places.delete(place));
  places.set(place, going);
  return going;
}

async function readRows(platform: Platform, place: string): Promise<LiveView | null> {
  const { db } = platform.database;
  const found = await findLiveChannel(db, place);
  const channel =
    found && (await findChannel(db, { projectId: found.projectId, channelId: found.id }, platform.showing));
  if (!channel) return null;
  const { id, name, slug, spec, projectId } = channel;
  const seconds = playableSeconds(spec);
  const [moments, [job]] = await Promise.all([
    listMoments(db, { channelId: id, seconds }),
    listChannelJobs(db, { projectId, channelId: id }),
  ]);
  return {
    ...{ id, name, slug, moments, seconds },
    hasThumbnail: spec.thumbnailSeconds > 0,
    segmentSeconds: spec.hlsSegmentSeconds,
    gopSeconds: spec.gopSeconds,
    ended: job === undefined || (!job.wanted && (job.status === 'stopped' || job.status === 'error')),
    readAt: performance.now(),
  };
}

/** @param query for every address in a playlist: `?token=…` or nothing */
export async function findLiveFile(
  platform: Platform,
  live: LiveView,
  { name, query }: { readonly name: string; readonly query: string },
): Promise<ServedFile | null> {
  if (name === 'master.m3u8') return text(liveMaster(live.moments, { query }));
  if (name === 'thumbnail.jpg') return thumbnailOf(platform, live.id);
  const [rendition = '', file = '', ...rest] = name.split('/');
  if (rest.length > 0) return null;
  const { moments, segmentSeconds, gopSeconds, ended } = live;
  if (file === 'playlist.m3u8')
    return text(liveMedia(moments, { query, rendition, segmentSeconds, gopSeconds, ended }));
  const number = /^(\d{1,15})\.ts$/.exec(file)?.[1];
  if (number === undefined) return null;
  const sequence = Number(number);
  const moment =
    moments.find((one) => one.sequence === sequence) ??
    (await findMoment(platform.database.db, { channelId: live.id, sequence }));
  const part = moment?.parts.find((one) => one.rendition === rendition);
  return part ? { kind: 'object', key: part.key, size: part.size, mediaType: 'video/mp2t', name: file } : null;
}

async function thumbnailOf({ database }: Platform, channelId: number): Promise<ServedFile | null> {
  const found = await findThumbnail(database.db, channelId);
  return found && { kind: 'object', ...found, mediaType: 'image/jpeg', name: 'thumbnail.jpg' };
}
