// The stream of one channel: its state when it changes, its figures, new lines of its log. Used by job-routes.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { jobAndChannel } from '#api/channels/find-job.ts';
import type { JobView } from '#api/channels/view.ts';
import type { ApiContext } from '#api/context.ts';
import { EventStream } from '#api/event-stream.ts';
import type { ChannelJobRef } from '#database/channel-jobs.ts';
import { listen } from '#database/listen.ts';
import type { Channel } from '#domain/channel.ts';
import { PlatformError } from '#domain/error.ts';
import { findLogMark, readChannelLog } from '#workflows/channels/read-log.ts';
import { LIVE_LOG, type LiveControl } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

const EVERY_MS = 1000;
const LOG_LINES = 100;

type Following = { readonly ref: ChannelJobRef; readonly show: () => Promise<JobView> };

/** `status` at once and at every change, `figures` every second, `log` with the lines that came since. Ends with the channel: `deleted` is its last. */
export async function followChannel(context: ApiContext, reply: FastifyReply, { ref, show }: Following): Promise<void> {
  const { platform } = context;
  const { channel } = await jobAndChannel(platform, ref);
  const stream = new EventStream(reply, context.streams);
  const newLines = await followLog(platform, stream, channel);
  const follow = async () => {
    let told = '';
    let figures = '';
    while (!stream.signal.aborted) {
      const job = await show();
      const state = JSON.stringify([job.status, job.wanted, job.input, job.retries, job.error_message, job.ffmpeg_pid]);
      if (state !== told) stream.send({ event: 'status', data: job });
      told = state;
      const now = JSON.stringify([
        job.fps,
        job.speed,
        job.bitrate,
        job.dropped_frames,
        job.uptime_seconds,
        job.outputs,
      ]);
      if (now !== figures) stream.send({ event: 'figures', data: job });
      figures = now;
      for (const line of await newLines()) stream.send({ event: 'log', data: line });
      await sleep(EVERY_MS, undefined, { signal: stream.signal });
    }
  };
  follow().catch((error: unknown) => {
    if (stream.signal.aborted) return;
    if (error instanceof PlatformError && error.code === 'not_found')
      stream.send({ event: 'deleted', data: { id: ref.jobId } });
    else platform.log.warn({ err: error }, 'event stream of a channel failed');
    stream.end();
  });
}

/** Answers what asks for the lines that came since it was last asked. Storage is only read when the machine of the channel says that there are some. */
async function followLog(
  platform: Platform,
  stream: EventStream,
  channel: Pick<Channel, 'id' | 'slug'>,
): Promise<() => Promise<readonly string[]>> {
  let isTold = true;
  let mark: string | null = null;
  let lastLine = '';
  const hears = await listen(platform.database, LIVE_LOG, (note) => {
    isTold ||= note === null || (JSON.parse(note) as LiveControl).channelId === channel.id;
  });
  if (stream.signal.aborted) await hears.close();
  else stream.signal.addEventListener('abort', () => void hears.close(), { once: true });
  return async () => {
    const now = await findLogMark(platform, channel);
    if (!isTold && now === mark) return [];
    [isTold, mark] = [false, now];
    const lines = (await readChannelLog(platform, channel, LOG_LINES)).split('\n').filter((line) => line !== '');
    const fresh = lines.slice(lines.lastIndexOf(lastLine) + 1);
    lastLine = lines.at(-1) ?? '';
    return fresh;
  };
}
