// The stream of one channel: its state when it changes, its figures, new lines of its log. Used by job-routes.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { jobAndChannel } from '#api/channels/find-job.ts';
import type { JobView } from '#api/channels/view.ts';
import type { ApiContext } from '#api/context.ts';
import { EventStream } from '#api/event-stream.ts';
import type { ChannelJobRef } from '#database/channel-jobs.ts';
import { PlatformError } from '#domain/error.ts';
import { readChannelLog } from '#workflows/channels/read-log.ts';

const EVERY_MS = 1000;
const LOG_LINES = 100;

type Following = { readonly ref: ChannelJobRef; readonly show: () => Promise<JobView> };

/** `status` at once and at every change, `figures` every second, `log` with the lines that came since. Ends with the channel. */
export async function followChannel(context: ApiContext, reply: FastifyReply, { ref, show }: Following): Promise<void> {
  const { platform } = context;
  const { channel } = await jobAndChannel(platform, ref);
  const stream = new EventStream(reply, context.streams);
  const follow = async () => {
    let told = '';
    let figures = '';
    let lastLine = '';
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
      const lines = (await readChannelLog(platform, channel, LOG_LINES)).split('\n').filter((line) => line !== '');
      for (const line of lines.slice(lines.lastIndexOf(lastLine) + 1)) stream.send({ event: 'log', data: line });
      lastLine = lines.at(-1) ?? '';
      await sleep(EVERY_MS, undefined, { signal: stream.signal });
    }
  };
  follow().catch((error: unknown) => {
    if (stream.signal.aborted) return;
    if (!(error instanceof PlatformError && error.code === 'not_found'))
      platform.log.warn({ err: error }, 'event stream of a channel failed');
    stream.end();
  });
}
