// Channels and their jobs as they are shown: every field of the seed under its name, secrets hidden. Used by the routes of this folder.
import { z } from 'zod';
import { liveLinks } from '#api/channels/live-links.ts';
import { snakeKeys } from '#api/channels/schema.ts';
import { type LiveMachine, listMachines } from '#database/live.ts';
import type { Caller } from '#domain/access.ts';
import { needsKey } from '#domain/access.ts';
import { CHANNEL_STATUSES, type Channel, type ChannelInput, type ChannelJob, LIVE_INPUTS } from '#domain/channel.ts';
import { outputsOf } from '#domain/channel-loop.ts';
import { hideLiveSecrets } from '#domain/channel-target.ts';
import { signLiveToken } from '#domain/live-token.ts';
import type { Keys } from '#domain/sealing.ts';
import type { Platform } from '#workflows/platform.ts';

/** Seconds of a machine's silence after which nothing it said is taken for true. */
const TRUSTED_SECONDS = 4;
const LIVE_KEY = 'live playback';

export const channelView = z
  .looseObject({
    id: z.int(),
    name: z.string(),
    slug: z.string(),
    status: z.enum(CHANNEL_STATUSES),
    job: z.int(),
    abr: z.array(z.looseObject({ id: z.int() })),
    playback_url: z.string().nullable(),
    player_url: z.string().nullable(),
    embed_url: z.string().nullable(),
    thumbnail_url: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Channel' });

export const jobView = z
  .object({
    id: z.int(),
    channel: z.int(),
    channel_name: z.string(),
    status: z.enum(CHANNEL_STATUSES),
    wanted: z.boolean(),
    start_time: z.iso.datetime().nullable(),
    end_time: z.iso.datetime().nullable(),
    ffmpeg_pid: z.int().nullable(),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    retries: z.int(),
    restarts: z.int(),
    uptime_seconds: z.number(),
    fps: z.number().nullable(),
    speed: z.number().nullable(),
    bitrate: z.number().nullable(),
    dropped_frames: z.number().nullable(),
    duplicated_frames: z.number().nullable(),
    cpu_percent: z.number().nullable(),
    memory_bytes: z.number().nullable(),
    source: z.string().nullable(),
    input: z.enum(LIVE_INPUTS),
    outputs: z.array(
      z.object({
        rendition: z.string(),
        type: z.string(),
        target: z.string(),
        status: z.string(),
        restarts: z.int(),
        error: z.string().nullable(),
      }),
    ),
    machine: z.string().nullable(),
  })
  .meta({ id: 'ChannelJob' });
export type JobView = z.output<typeof jobView>;

/** Who may change a channel needs its stream key to set up the encoder that publishes; nobody gets a password back. */
const keepsKey = ({ scopes }: Caller): boolean => scopes.includes('write') || scopes.includes('admin');

export function viewChannel(
  platform: Platform,
  { channel, job, caller, base }: Viewed & { readonly job: Pick<ChannelJob, 'id' | 'status'> },
): z.output<typeof channelView> {
  const hide = (url: string | null) => url && hideLiveSecrets(url, { keepsKey: keepsKey(caller) });
  const hidden = (one: ChannelInput) => ({ ...one, inputUrl: hide(one.inputUrl) });
  const { fallbackInput, ...spec } = channel.spec;
  const hls = outputsOf(channel).some(({ outputType }) => outputType === 'hls');
  const { config } = platform;
  const token = needsKey(config) ? signLiveToken(channel.id, config.PLAYBACK_URL_TTL, liveKeys(platform)) : null;
  const links = liveLinks(base, channel.slug, token);
  return {
    id: channel.id,
    name: channel.name,
    slug: channel.slug,
    ...snakeKeys({
      ...spec,
      inputUrl: hide(spec.inputUrl),
      outputUrl: hide(spec.outputUrl),
      notificationUrl: hide(spec.notificationUrl),
    }),
    fallback_input: fallbackInput && snakeKeys(hidden(fallbackInput)),
    abr: channel.abr.map(({ id, ...profile }) => ({
      id,
      channel: channel.id,
      ...snakeKeys({ ...profile, outputUrl: hide(profile.outputUrl) }),
    })),
    status: job.status,
    job: job.id,
    playback_url: hls ? links.masterUrl : null,
    player_url: hls ? links.watchUrl : null,
    embed_url: hls ? links.embedUrl : null,
    thumbnail_url: channel.spec.thumbnailSeconds > 0 ? links.thumbnailUrl : null,
    created_at: channel.createdAt.toISOString(),
    updated_at: channel.updatedAt.toISOString(),
  };
}

type Viewed = { readonly channel: Channel; readonly caller: Caller; readonly base: string };

export const livingMachines = ({ database }: Platform): Promise<LiveMachine[]> =>
  listMachines(database.db, TRUSTED_SECONDS);

/** What a machine said that gives no sign of life any more is not shown as true. */
export function viewJob(
  job: ChannelJob,
  { name, machines }: { readonly name: string; readonly machines: readonly LiveMachine[] },
): JobView {
  const machine = machines.find(({ id }) => id === job.machineId);
  const isAlone = !machine && (job.status === 'running' || job.status === 'retrying');
  const status = isAlone ? (job.wanted ? 'pending' : 'stopped') : job.status;
  const isLive = status === 'running' || status === 'retrying' || status === 'pending';
  const figures = isLive && machine ? job.figures : null;
  const error = isAlone && job.wanted ? 'The machine that ran it is silent; another takes over' : job.error?.message;
  return {
    id: job.id,
    channel: job.channelId,
    channel_name: name,
    status,
    wanted: job.wanted,
    start_time: job.startTime?.toISOString() ?? null,
    end_time: job.endTime?.toISOString() ?? null,
    ffmpeg_pid: machine ? job.ffmpegPid : null,
    error_message: error ?? null,
    error_code: job.error?.code ?? null,
    retries: job.retries,
    restarts: job.restarts,
    uptime_seconds:
      status === 'running' && job.runningSince
        ? Math.max(0, Math.round((Date.now() - job.runningSince.getTime()) / 100) / 10)
        : 0,
    fps: figures?.fps ?? null,
    speed: figures?.speed ?? null,
    bitrate: figures?.bitrate ?? null,
    dropped_frames: figures?.droppedFrames ?? null,
    duplicated_frames: figures?.duplicatedFrames ?? null,
    cpu_percent: figures?.cpuPercent ?? null,
    memory_bytes: figures?.memory ?? null,
    source: figures?.source ?? null,
    input: job.input,
    outputs: isLive ? [...job.outputs] : [],
    machine: machine?.hostname ?? null,
  };
}

/** The keys of this purpose, for those who check tokens. */
export const liveKeys = (platform: Platform): Keys => platform.keysFor(LIVE_KEY);
