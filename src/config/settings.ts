// Every setting of Rendition: key, type, default and one sentence. docs/configuration.md and .env.example are generated from here.
import { z } from 'zod';

const text = () => z.string();
const optional = () => z.string().min(1).optional();
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const decimal = (min: number, max: number) => z.coerce.number().min(min).max(max);
const list = () =>
  z.string().transform((value) => value.split(',').map((part) => part.trim()).filter((part) => part !== ''));
const GB = 1024 ** 3;

const APIS = ['jobs', 'encoder', 'videos', 'operations', 'channels'] as const;
const ROLES = ['api', 'work', 'live'] as const;
const choices = <T extends string>(allowed: readonly T[]) =>
  list().pipe(z.array(z.enum(allowed as unknown as [T, ...T[]])));
const retention = z.string().regex(/^(off|\d+(\.\d+)?)$/, 'a number of hours, 0 for at once, or off').transform((value) => (value === 'off' ? null : Number(value)));

/** One setting: its group in the manual, the zod type of its text, its default as written in `.env`, one sentence. */
type Setting<T extends z.ZodType> = { readonly group: string; readonly type: T; readonly default: string | undefined; readonly about: string; readonly secret?: true };
const setting = <T extends z.ZodType>(group: string, type: T, value: string | undefined, about: string): Setting<T> => ({ group, type, default: value, about });

export const SETTINGS = {
  HOST: setting('Server', text(), '127.0.0.1', 'Address to listen on. Anything but loopback switches AUTH on.'),
  PORT: setting('Server', integer(0, 65535), '8080', 'Port of the one server; 0 takes a free one.'),
  APIS: setting('Server', choices(APIS), APIS.join(','), 'APIs this process serves.'),
  ROLES: setting('Server', choices(ROLES), ROLES.join(','), 'What this process does: api, work, live.'),
  PUBLIC_URL: setting('Server', optional(), undefined, 'The address users reach the server under, for links in answers; left out, the request decides.'),
  CORS_ALLOWED_ORIGINS: setting('Server', list(), '', 'Origins that browsers may call the APIs from, comma separated; * for all.'),
  LOG_LEVEL: setting('Server', z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), 'info', 'Least level of log lines.'),

  DATA_DIR: setting('Data', text(), './data', 'Folder of everything this machine keeps: embedded database, managed storage, scratch.'),
  DATABASE_URL: setting('Data', optional(), undefined, 'PostgreSQL 15 or newer; left out, an embedded one runs under DATA_DIR.'),
  STORAGE_URL: setting('Data', optional(), undefined, 'Managed storage: a directory or s3://bucket/prefix; left out, DATA_DIR/storage.'),
  TEMP_VIDEOS_DIR: setting('Data', optional(), undefined, 'Scratch folder of running work; left out, DATA_DIR/scratch.'),
  SCRATCH_RESERVE_BYTES: setting('Data', integer(0, Number.MAX_SAFE_INTEGER), String(GB), 'Bytes of disk that work must leave free.'),
  SECRET_KEY: setting('Data', optional(), undefined, 'Key (32 bytes, base64 or hex) that seals credentials; left out, made once in DATA_DIR.'),
  FILE_ROOTS: setting('Data', list(), '', 'Folders that file sources and destinations may name, comma separated.'),
  RETENTION_HOURS: setting('Data', retention, '168', 'Hours after which finished jobs are deleted; 0 at once, off never.'),

  S3_ENDPOINT: setting('S3', optional(), undefined, 'S3-compatible endpoint; implies path style.'),
  AWS_ACCESS_KEY_ID: setting('S3', optional(), undefined, 'S3 key where a job brings none.'),
  AWS_SECRET_ACCESS_KEY: setting('S3', optional(), undefined, 'S3 secret where a job brings none.'),
  AWS_SESSION_TOKEN: setting('S3', optional(), undefined, 'S3 session token where a job brings none.'),
  AWS_REGION: setting('S3', optional(), undefined, 'S3 region.'),
  AWS_S3_REGION_NAME: setting('S3', optional(), undefined, 'Another name for AWS_REGION.'),
  AWS_STORAGE_BUCKET_NAME: setting('S3', optional(), undefined, 'Bucket of the encoder API.'),

  FFMPEG_PATH: setting('Encoding', text(), 'ffmpeg', 'FFmpeg 5.1 or newer.'),
  FFPROBE_PATH: setting('Encoding', text(), 'ffprobe', 'ffprobe of the same version.'),
  WORKER_CONCURRENCY: setting('Encoding', integer(0, 256), '0', 'Chunks encoded at once; 0 is one for every two cores.'),
  WORKER_ID: setting('Encoding', optional(), undefined, 'Name of this worker; left out, host, pid and a random part.'),
  ENCODE_THREADS: setting('Encoding', integer(0, 256), '0', 'Threads of one encoder; 0 lets it choose.'),
  SEGMENT_SECONDS: setting('Encoding', decimal(1, 30), '6', 'Length of a segment, seconds.'),
  VIDEO_QUALITY_PRESETS: setting('Encoding', list(), '1080p,720p,480p,360p', 'Ladder where a job names none: of 2160p, 1440p, 1080p, 720p, 480p, 360p, 240p.'),
  ENCODE_PRESET: setting('Encoding', z.enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow']), 'veryfast', 'Speed preset where a job names none.'),
  HWACCEL: setting('Encoding', z.enum(['auto', 'none', 'nvenc', 'qsv', 'vaapi', 'videotoolbox']), 'auto', 'Hardware encoders where a job does not choose.'),
  JOB_TIME_LIMIT_SECONDS: setting('Encoding', integer(0, 604800), '0', 'Time limit of one FFmpeg run; 0 is the greater of 10 minutes and 20 × duration.'),

  QUEUE_MAX_ATTEMPTS: setting('Queue', integer(1, 100), '3', 'Tries of work whose failure may pass.'),
  QUEUE_VISIBILITY_TIMEOUT_MS: setting('Queue', integer(10_000, 86_400_000), '15000', 'Lease of running work: a worker silent for so long loses it.'),
  QUEUE_POLL_INTERVAL_MS: setting('Queue', integer(100, 60_000), '1000', 'Safety-net poll; notifications normally wake workers at once.'),

  MAX_SOURCE_BYTES: setting('Limits', integer(1, Number.MAX_SAFE_INTEGER), String(100 * GB), 'Bytes of a source at the most.'),
  MAX_INLINE_BYTES: setting('Limits', integer(1, GB), String(16 * 1024 ** 2), 'Bytes of an inline source, decoded.'),
  MAX_VIDEO_WIDTH: setting('Limits', integer(16, 65535), '8192', 'Pixels of width a video may have.'),
  MAX_VIDEO_HEIGHT: setting('Limits', integer(16, 65535), '4320', 'Pixels of height a video may have.'),
  MAX_STREAMS: setting('Limits', integer(1, 1000), '32', 'Streams a source may have.'),
  MAX_DURATION_SECONDS: setting('Limits', integer(1, 1_000_000), '43200', 'Seconds a source may last.'),
  MAX_FRAME_RATE: setting('Limits', integer(1, 1000), '120', 'Frames per second of an output at the most.'),
  MAX_IMAGE_PIXELS: setting('Limits', integer(1, 2_000_000_000), '100000000', 'Pixels of a picture at the most.'),
  MAX_OUTPUTS: setting('Limits', integer(1, 1000), '50', 'Outputs of one job.'),
  PROBE_TIMEOUT_SECONDS: setting('Limits', integer(1, 3600), '30', 'Seconds a probe may take.'),
  CHILD_MEMORY_BYTES: setting('Limits', integer(2 ** 28, Number.MAX_SAFE_INTEGER), String(6 * GB), 'Address space of one FFmpeg.'),
  CHILD_FILE_BYTES: setting('Limits', integer(2 ** 20, Number.MAX_SAFE_INTEGER), String(100 * GB), 'Bytes of one file FFmpeg writes.'),
  CHILD_OPEN_FILES: setting('Limits', integer(32, 65535), '256', 'Open files of one FFmpeg.'),
  CHILD_NICENESS: setting('Limits', integer(0, 19), '10', 'Niceness of FFmpeg.'),

  AUTH: setting('Access', z.enum(['auto', 'on', 'off']), 'auto', 'Keys required; auto is on as soon as HOST is not loopback.'),
  ADMIN_KEY: setting('Access', z.string().min(16).optional(), undefined, 'A first admin key, at least 16 characters.'),
  EGRESS_ALLOW: setting('Access', list(), '', 'CIDRs that sources, destinations, webhooks and live inputs may reach although private.'),
  WEBHOOK_SECRET: setting('Access', optional(), undefined, 'Secret (whsec_…) that signs webhooks; left out, made once in DATA_DIR.'),
  PLAYBACK_URL_TTL: setting('Access', integer(60, 31_536_000), '21600', 'Seconds a signed playback URL lives.'),
} as const;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]['type']> };
