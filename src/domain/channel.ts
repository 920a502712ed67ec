// A live channel: what comes in, what is made of it, where it goes. Plain data; the words of the API are these in snake_case.
import { AUDIO_CODEC_NAMES, type HwaccelChoice, type Preset, VIDEO_CODEC_NAMES } from '#domain/codec.ts';
import type { Failure } from '#domain/error.ts';

export const INPUT_TYPES = ['udp', 'rtp', 'rtmp', 'srt', 'hls', 'rtsp', 'file', 'test'] as const;
export type InputType = (typeof INPUT_TYPES)[number];
export const OUTPUT_TYPES = ['udp', 'hls', 'rtmp', 'srt', 'file'] as const;
export type OutputType = (typeof OUTPUT_TYPES)[number];
/** What MPEG-TS can carry and players know. */
const LIVE_VIDEO_CODECS = ['h264', 'hevc', 'copy', 'none'] as const;
export type LiveVideoCodec = (typeof LIVE_VIDEO_CODECS)[number];
const LIVE_AUDIO_CODECS = ['aac', 'mp3', 'copy', 'none'] as const;
export type LiveAudioCodec = (typeof LIVE_AUDIO_CODECS)[number];
export const SLATES = ['off', 'black', 'bars'] as const;
export type Slate = (typeof SLATES)[number];
/** What is on air. */
export const LIVE_INPUTS = ['primary', 'fallback', 'slate'] as const;
export type LiveInputName = (typeof LIVE_INPUTS)[number];

/** One place that pictures come from. */
export type ChannelInput = {
  readonly inputType: InputType;
  readonly inputUrl: string | null;
  /** `239.1.1.1:5000` */
  readonly inputMulticastIp: string | null;
  /** Interface by name or address. */
  readonly inputNetwork: string | null;
  /** A path under FILE_ROOTS, or `upload:ID`. */
  readonly inputFile: string | null;
  readonly inputLoop: boolean;
  /** Waits for a publisher (rtmp, srt) instead of calling. */
  readonly inputListen: boolean;
};

/** The upload that `upload:ID` names; null of a path. */
export const uploadNamed = (inputFile: string | null): string | null =>
  /^upload:([0-9a-f-]{36})$/i.exec(inputFile ?? '')?.[1]?.toLowerCase() ?? null;

/** Where one rendition goes. */
export type ChannelOutput = {
  readonly outputType: OutputType;
  readonly outputUrl: string | null;
  readonly outputMulticastIp: string | null;
  readonly outputNetwork: string | null;
};

/** Of a profile, null takes the channel's. */
export type AbrProfile = {
  readonly id: number;
  readonly name: string | null;
  readonly outputType: OutputType | null;
  readonly outputUrl: string | null;
  readonly outputMulticastIp: string | null;
  readonly outputNetwork: string | null;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  /** kb/s */
  readonly videoBitrate: number | null;
  readonly audioBitrate: number | null;
  /** `1280x720` or `720p` */
  readonly resolution: string | null;
  readonly preset: Preset | null;
  /** kb */
  readonly bufferSize: number | null;
};
export type NewAbrProfile = Omit<AbrProfile, 'id'> & { readonly id?: number | undefined };

export type ChannelSpec = ChannelInput &
  ChannelOutput & {
    readonly isAbr: boolean;
    /** As the caller wrote it; liveVideoCodec() says what it means. */
    readonly videoCodec: string;
    readonly audioCodec: string;
    /** kb/s */
    readonly videoBitrate: number;
    readonly audioBitrate: number;
    /** null keeps the source's. */
    readonly resolution: string | null;
    readonly frameRate: number | null;
    readonly preset: Preset;
    readonly gopSeconds: number;
    /** kb; null is one and a half seconds. */
    readonly bufferSize: number | null;
    readonly hlsSegmentSeconds: number;
    readonly hlsWindowSeconds: number;
    /** How far back viewers may go; 0 is the window alone. */
    readonly dvrSeconds: number;
    readonly hwaccel: HwaccelChoice;
    readonly autoStart: boolean;
    readonly fallbackInput: ChannelInput | null;
    /** Seconds without pictures until the next input is taken; null suits the kind of input. */
    readonly failoverSeconds: number | null;
    /** Seconds the first input must be sound again before it is gone back to. */
    readonly fallbackReturnSeconds: number;
    readonly slate: Slate;
    readonly record: boolean;
    /** A recording is closed and a new one begun. */
    readonly recordMaxSeconds: number;
    /** 0 makes none. */
    readonly thumbnailSeconds: number;
    /** Cron patterns, UTC unless `timezone` says otherwise. */
    readonly startCron: string | null;
    readonly stopCron: string | null;
    readonly startAt: string | null;
    readonly stopAt: string | null;
    readonly timezone: string | null;
    /** Host name of the machine it must run on. */
    readonly pinnedTo: string | null;
    readonly notificationUrl: string | null;
  };

export type Channel = {
  readonly id: number;
  readonly projectId: string;
  readonly name: string;
  readonly slug: string;
  readonly revision: number;
  readonly spec: ChannelSpec;
  readonly abr: readonly AbrProfile[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export const CHANNEL_STATUSES = ['stopped', 'pending', 'running', 'retrying', 'error'] as const;
export type ChannelStatus = (typeof CHANNEL_STATUSES)[number];

/** What may follow what, of a channel's actual state. */
const CHANNEL_TRANSITIONS: Readonly<Record<ChannelStatus, readonly ChannelStatus[]>> = {
  stopped: ['pending'],
  pending: ['running', 'retrying', 'error', 'stopped'],
  running: ['retrying', 'error', 'stopped', 'pending'],
  retrying: ['running', 'pending', 'error', 'stopped'],
  error: ['pending', 'stopped'],
};
export const mayFollow = (from: ChannelStatus, to: ChannelStatus): boolean =>
  from === to || CHANNEL_TRANSITIONS[from].includes(to);

/** Live figures of one channel; null where not known. */
export type ChannelFigures = {
  readonly fps: number | null;
  /** media seconds per second */
  readonly speed: number | null;
  /** kb/s of everything it makes */
  readonly bitrate: number | null;
  readonly droppedFrames: number | null;
  readonly duplicatedFrames: number | null;
  /** percent of one core */
  readonly cpuPercent: number | null;
  /** bytes */
  readonly memory: number | null;
  /** What FFmpeg found in the input, in its words. */
  readonly source: string | null;
};
export const NO_FIGURES: ChannelFigures = {
  fps: null,
  speed: null,
  bitrate: null,
  droppedFrames: null,
  duplicatedFrames: null,
  cpuPercent: null,
  memory: null,
  source: null,
};

const LIVE_OUTPUT_STATUSES = ['pending', 'running', 'retrying'] as const;
/** One output as it is: its target with its secrets hidden. */
export type LiveOutputState = {
  readonly rendition: string;
  readonly type: OutputType;
  readonly target: string;
  readonly status: (typeof LIVE_OUTPUT_STATUSES)[number];
  readonly restarts: number;
  readonly error: string | null;
};

export type ChannelJob = {
  readonly id: number;
  readonly projectId: string;
  readonly channelId: number;
  readonly wanted: boolean;
  readonly generation: number;
  readonly status: ChannelStatus;
  readonly machineId: string | null;
  readonly lease: number;
  readonly startTime: Date | null;
  readonly endTime: Date | null;
  readonly runningSince: Date | null;
  readonly ffmpegPid: number | null;
  readonly error: Failure | null;
  readonly retries: number;
  readonly restarts: number;
  readonly isDown: boolean;
  readonly input: LiveInputName;
  readonly figures: ChannelFigures;
  readonly outputs: readonly LiveOutputState[];
};

/** The names of domain/codec.ts, of those codecs that a channel may have. */
const namesOf = <C extends string>(names: Readonly<Record<string, string>>, codecs: readonly C[]) =>
  Object.fromEntries(
    Object.entries(names).filter((entry): entry is [string, C] => (codecs as readonly string[]).includes(entry[1])),
  );
const VIDEO_NAMES = namesOf(VIDEO_CODEC_NAMES, LIVE_VIDEO_CODECS);
const AUDIO_NAMES = namesOf(AUDIO_CODEC_NAMES, LIVE_AUDIO_CODECS);
export const LIVE_VIDEO_NAMES: readonly string[] = Object.keys(VIDEO_NAMES);
export const LIVE_AUDIO_NAMES: readonly string[] = Object.keys(AUDIO_NAMES);
/** Names are checked where they come in: an unknown one can't be here. */
export const liveVideoCodec = (name: string): LiveVideoCodec => VIDEO_NAMES[name] ?? 'h264';
export const liveAudioCodec = (name: string): LiveAudioCodec => AUDIO_NAMES[name] ?? 'aac';

/** A name as it may stand in an address: `News 24 (HD)` is `news-24-hd`. A number alone would be an id. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80);
  return slug === '' || /^\d+$/.test(slug) ? `channel-${slug}`.replace(/-$/, '') : slug;
}

/** Seconds of the playlist that viewers see. */
export const playableSeconds = ({
  hlsWindowSeconds,
  dvrSeconds,
}: Pick<ChannelSpec, 'hlsWindowSeconds' | 'dvrSeconds'>): number => Math.max(hlsWindowSeconds, dvrSeconds);
