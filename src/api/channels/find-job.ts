// A channel's job with its channel, of the caller's project. Used by the routes of this folder.
import { type ChannelJobRef, findChannelJob } from '#database/channel-jobs.ts';
import { findChannel } from '#database/channels.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** A job with its channel. @throws PlatformError `not_found` */
export async function jobAndChannel(platform: Platform, { projectId, jobId }: ChannelJobRef) {
  const { database, showing } = platform;
  const job = await findChannelJob(database.db, { projectId, jobId });
  const channel = job && (await findChannel(database.db, { projectId, channelId: job.channelId }, showing));
  if (!job || !channel) throw new PlatformError('not_found', `There is no channel job ${jobId}`);
  return { job, channel };
}
