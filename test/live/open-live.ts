// A server with the live role in this process, and channels made and watched over HTTP. Used by the tests of this room.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { startLiveRole } from '#cli/live-role.ts';
import { LIVE_PACE, type LivePace } from '#live/retry-delay.ts';
import type { Live } from '#live/start-live.ts';
import { openServer, type ServerOptions, type TestServer } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';

export type JobAnswer = {
  readonly id: number;
  readonly channel: number;
  readonly status: string;
  readonly wanted: boolean;
  readonly ffmpeg_pid: number | null;
  readonly error_message: string | null;
  readonly error_code: string | null;
  readonly retries: number;
  readonly restarts: number;
  readonly uptime_seconds: number;
  readonly fps: number | null;
  readonly speed: number | null;
  readonly bitrate: number | null;
  readonly input: string;
  readonly outputs: readonly {
    readonly type: string;
    readonly target: string;
    readonly status: string;
    readonly error: string | null;
  }[];
};
export type LiveServer = TestServer & {
  readonly live: Live;
  /** Creates a channel of small, quick pictures. */
  create(
    fields: Record<string, unknown>,
  ): Promise<{ readonly id: number; readonly job: number; readonly slug: string }>;
  order(job: number, act: 'start' | 'stop' | 'restart'): Promise<JobAnswer>;
  job(job: number): Promise<JobAnswer>;
  /** Waits until the job is so; fails with the end of its log. */
  reach(job: number, isSo: (answer: JobAnswer) => boolean): Promise<JobAnswer>;
  /** The log of the job, once it says so, else once it tells of a command: its lines reach the file some together, a moment after they were said. */
  log(job: number, says?: RegExp): Promise<string>;
  events(): Promise<readonly { readonly type: string; readonly data: Record<string, unknown> }[]>;
};

/** Quick to encode, quick to cut. */
export const SMALL = {
  input_type: 'test',
  preset: 'ultrafast',
  resolution: '320x180',
  frame_rate: 25,
  video_bitrate: 300,
  audio_bitrate: 64,
  gop_seconds: 0.5,
  hls_segment_seconds: 1,
  hls_window_seconds: 6,
  thumbnail_seconds: 0,
};

/** A watchdog that a busy machine does not wake: tests of silence ask for `SHORT_WATCHDOG`. */
export const LIVE_SETTINGS = { EGRESS_ALLOW: '127.0.0.0/8', CHANNEL_WATCHDOG_SECONDS: '30', LIVE_CPU_PERCENT: '0' };
export const SHORT_WATCHDOG = { CHANNEL_WATCHDOG_SECONDS: '3' };

export async function openLive({
  settings = {},
  works = false,
  pace = LIVE_PACE,
}: ServerOptions & { readonly pace?: LivePace } = {}): Promise<LiveServer> {
  const server = await openServer({ settings: { ...LIVE_SETTINGS, ...settings }, works });
  let live: Live;
  try {
    live = await startLiveRole(server.platform, pace);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  const job = async (id: number) => (await server.call('GET', `/api/job/${id}/`)).body as JobAnswer;
  return {
    ...server,
    live,
    job,
    create: async (fields) => {
      const answer = await server.call('POST', '/api/channels/', { body: { ...SMALL, ...fields } });
      assert.equal(answer.status, 201, answer.text);
      return answer.body as { id: number; job: number; slug: string };
    },
    order: async (id, act) => {
      const answer = await server.call('POST', `/api/job/${id}/${act}/`);
      assert.equal(answer.status, 200, answer.text);
      return answer.body as JobAnswer;
    },
    reach: async (id, isSo) => {
      try {
        return await eventually(() => job(id), { until: isSo });
      } catch (error) {
        const { text } = await server.call('GET', `/api/job/${id}/log/?tail=40`);
        throw new Error(`${error instanceof Error ? error.message : error}\n${text}`);
      }
    },
    log: (id, says = /command: /) =>
      eventually(async () => {
        const { text } = await server.call('GET', `/api/job/${id}/log/`);
        assert.match(text, says);
        return text;
      }),
    events: async () => {
      const { body } = await server.call('GET', '/events?limit=1000');
      return (body as { events: { type: string; data: Record<string, unknown> }[] }).events;
    },
    [Symbol.asyncDispose]: async () => {
      await live.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

export const isRunning = ({ status }: JobAnswer): boolean => status === 'running';

const run = promisify(execFile);

/** What ffprobe sees of a live stream or file, decoded for a while: picture size and frames. @throws where it sees nothing */
export async function look(
  url: string,
  options: readonly string[] = [],
  seconds = 40,
): Promise<{ width: number; frames: number; audio: boolean }> {
  const { stdout } = await run(
    'ffprobe',
    [
      ...[
        '-v',
        'error',
        '-rw_timeout',
        '8000000',
        ...options,
        '-analyzeduration',
        '2000000',
        '-read_intervals',
        '%+1',
        '-count_frames',
      ],
      ...['-show_entries', 'stream=codec_type,width,nb_read_frames', '-of', 'json', url],
    ].filter(
      (word, i, all) =>
        !(options.includes('-no-rw') && (word === '-rw_timeout' || all[i - 1] === '-rw_timeout')) && word !== '-no-rw',
    ),
    { timeout: seconds * 1000 },
  );
  const { streams } = JSON.parse(stdout) as {
    streams: { codec_type: string; width?: number; nb_read_frames?: string }[];
  };
  const video = streams.find(({ codec_type }) => codec_type === 'video');
  return {
    width: video?.width ?? 0,
    frames: Number(video?.nb_read_frames ?? 0),
    audio: streams.some(({ codec_type }) => codec_type === 'audio'),
  };
}

/** Numbers of FFmpeg processes, living or not reaped, whose command or environment holds a text. */
export async function ffmpegWith(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
    const [command, environment] = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
    );
    if (/(^|\/)ffmpeg\0/.test(command ?? '') && `${command}\0${environment}`.includes(text)) found.push(Number(name));
  }
  return found;
}
