// A video: what its owner calls it, where its original lies, and a status that follows from its upload and its jobs. Pure.
import type { Failure } from '#domain/error.ts';
import type { JobStatus } from '#domain/job.ts';

/**
 * uploading: its bytes are not whole · uploaded: whole, and nothing is to be encoded yet, or it is being looked at ·
 * queued, processing: a job of it waits or runs · ready · stopped: finished segments are kept, the rest waits · failed.
 */
export const VIDEO_STATUSES = ['uploading', 'uploaded', 'queued', 'processing', 'ready', 'stopped', 'failed'] as const;
export type VideoStatus = (typeof VIDEO_STATUSES)[number];

/** Names that may be asked for; the numbers are short sides. */
export const VIDEO_QUALITIES = ['2160p', '1440p', '1080p', '720p', '480p', '360p', '240p'] as const;

export const PLAYBACK_POLICIES = ['public', 'signed'] as const;
/** public: who knows the id may play it, where the server asks for no keys · signed: only with a signed URL. */
export type PlaybackPolicy = (typeof PLAYBACK_POLICIES)[number];

export const ENCRYPTIONS = ['none', 'aes-128'] as const;
export type Encryption = (typeof ENCRYPTIONS)[number];

/** One of a video's jobs. The first makes what it was uploaded for, each further one a quality asked for later. */
export type VideoJob = {
  readonly jobId: number;
  readonly uuid: string;
  readonly status: JobStatus;
  /** 0–100 */
  readonly progress: number;
  readonly etaSeconds: number | null;
  readonly error: Failure | null;
  /** Names of its renditions, highest first; null until it is planned. */
  readonly qualities: readonly string[] | null;
};

export type Video = {
  /** upload_id, video_id and hash at once: a UUIDv7. */
  readonly id: string;
  readonly projectId: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly filename: string;
  /** bytes of the original; null until it is whole */
  readonly size: number | null;
  /** Where the original lies in managed storage; null until it is whole. */
  readonly storageKey: string | null;
  /** Wanted qualities (`720p`); null takes VIDEO_QUALITY_PRESETS. */
  readonly qualities: readonly string[] | null;
  /** Encoding begins by itself when the original is whole. */
  readonly transcode: boolean;
  /** Somebody wants it not to be encoded now. */
  readonly stopped: boolean;
  /** seconds; null takes the poster's own rule */
  readonly posterTime: number | null;
  readonly playbackPolicy: PlaybackPolicy;
  readonly encryption: Encryption;
  /** 16 bytes, base64; null where nothing is encrypted. */
  readonly contentKey: string | null;
  readonly notificationUrl: string | null;
  readonly baseUrl: string | null;
  /** Why there is nothing to encode, or the error of its first job. */
  readonly error: Failure | null;
  readonly playableAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly status: VideoStatus;
  /** Oldest first. */
  readonly jobs: readonly VideoJob[];
  /** seconds; null until it was looked at */
  readonly duration: number | null;
  /** Of the source, upright, pixels; null until it was looked at, and of sound alone. */
  readonly width: number | null;
  readonly height: number | null;
};

/** Its main job: what it was uploaded for. */
export const mainJob = ({ jobs }: Pick<Video, 'jobs'>): VideoJob | null => jobs[0] ?? null;

/** The qualities it has or will have, as far as that is known. */
export function qualitiesOf({ jobs, qualities }: Pick<Video, 'jobs' | 'qualities'>): string[] {
  const planned = jobs.flatMap((job) => job.qualities ?? []);
  const known = planned.length > 0 ? planned : (qualities ?? []);
  return [...new Set(known)].sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
}

/** 0–100 over all its jobs; a further one counts as much as the first. */
export function videoProgress({ jobs, status }: Pick<Video, 'jobs' | 'status'>): number {
  if (status === 'ready') return 100;
  const open = jobs.filter((job) => job.status !== 'completed');
  if (open.length === 0) return jobs.length === 0 ? 0 : 100;
  const sum = open.reduce((total, job) => total + job.progress, 0);
  return Math.round((10 * sum) / open.length) / 10;
}

/** Everything of an upload, with a slash at its end. */
export const uploadPrefix = (id: string): string => `uploads/${id}/`;

/** The upload, or the video it became, that a key belongs to; null where it is none of theirs. */
export const uploadIdOf = (key: string): string | null => /^uploads\/([0-9a-f-]{36})\//.exec(key)?.[1] ?? null;
