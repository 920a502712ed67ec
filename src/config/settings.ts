// Every setting of Rendition: group, type, default and one sentence. docs/configuration.md and .env.example are generated from here.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const MB = 1024 ** 2;
const GB = 1024 ** 3;
const BYTES = Number.MAX_SAFE_INTEGER;
const APIS = ['jobs', 'encoder', 'videos', 'operations', 'channels'] as const;
const ROLES = ['api', 'work', 'live'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const RENDITIONS = ['2160p', '1440p', '1080p', '720p', '480p', '360p', '240p'] as const;
const SPEEDS = [
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
] as const;
const HARDWARE = ['auto', 'none', 'nvenc', 'qsv', 'vaapi', 'videotoolbox'] as const;

// A type's message says what is allowed; load.ts puts the name and what was found before it.
const text = () => z.string();
const optional = () => z.string().optional();
const matching = (pattern: RegExp, allowed: string) => z.string().regex(pattern, allowed).optional();
const number = (holds: (value: number) => boolean, allowed: string) =>
  z.string().transform(Number).refine(holds, allowed);
const integer = (min: number, max: number) =>
  number(
    (value) => Number.isInteger(value) && value >= min && value <= max,
    max >= BYTES ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
  );
const decimal = (min: number, max: number) =>
  number((value) => value >= min && value <= max, `a number from ${min} to ${max}`);
const choice = <T extends string>(allowed: readonly T[]) => z.enum(allowed, `one of ${allowed.join(', ')}`);
const list = () =>
  z.string().transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
const choices = <T extends string>(allowed: readonly T[]) =>
  list().pipe(z.array(z.enum(allowed, `a list of ${allowed.join(', ')}`)));
const ranges = () =>
  list().refine(
    (parts) => parts.every((part) => ipaddr.isValidCIDR(part) || ipaddr.isValid(part)),
    'a list of addresses or CIDRs such as 10.0.0.0/8',
  );
const retention = () =>
  z
    .string()
    .regex(/^(off|\d+(\.\d+)?)$/, 'a number of hours, 0 for at once, or off')
    .transform((value) => (value === 'off' ? null : Number(value)));
const switched = () =>
  z
    .string()
    .regex(/^(true|false|on|off|yes|no|1|0)$/i, 'true or false')
    .transform((value) => /^(true|on|yes|1)$/i.test(value));
const RATE_SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;
/** `60/minute`: how many calls in how many seconds; null for off. */
const rate = () =>
  z
    .string()
    .regex(
      /^(off|[1-9]\d{0,3}\/(second|minute|hour|day))$/,
      'a number up to 9999 and a time, such as 60/minute, or off',
    )
    .transform((value) => {
      const [calls, unit] = value.split('/');
      const seconds = RATE_SECONDS[unit as keyof typeof RATE_SECONDS];
      return value === 'off' ? null : { calls: Number(calls), seconds };
    });
const delays = () =>
  z
    .string()
    .regex(/^(off|\d{1,5}(\s*,\s*\d{1,5}){0,9})$/, 'up to ten numbers of seconds with commas between, or off')
    .transform((value): readonly number[] => (value === 'off' ? [] : value.split(',').map(Number)));
/** Not below /proc: nothing can be made there, and Node's recursive mkdir never ends, because it takes the ENOENT for a missing parent. */
export const isPlace = (value: string): boolean => !/^\/+proc(\/|$)/.test(value);
const folder = () => z.string().refine(isPlace, 'a folder that files can be made in');
const httpUrl = () => matching(/^https?:\/\/[^\s/]+/i, 'an http or https URL');

/** One setting: its group in the manual, the zod type of its text, its default as written in `.env`, one sentence. */
export type Setting<T extends z.ZodType = z.ZodType> = {
  readonly group: string;
  readonly type: T;
  readonly default: string | undefined;
  readonly about: string;
  /** Its value appears in no message. */
  readonly secret: boolean;
  /** A relative one of `.env` is meant from the project's folder, one of the environment from where the program was called. */
  readonly path: boolean;
};

const inGroup =
  (group: string, traits: { readonly secret?: boolean; readonly path?: boolean } = {}) =>
  <T extends z.ZodType>(type: T, value: string | undefined, about: string): Setting<T> => ({
    group,
    type,
    default: value,
    about,
    secret: traits.secret ?? false,
    path: traits.path ?? false,
  });

const server = inGroup('Server');
const data = inGroup('Data');
const dataSecret = inGroup('Data', { secret: true });
const dataPath = inGroup('Data', { path: true });
const s3 = inGroup('S3');
const s3Secret = inGroup('S3', { secret: true });
const encoding = inGroup('Encoding');
const queue = inGroup('Queue');
const intake = inGroup('Encoder API');
const intakeSecret = inGroup('Encoder API', { secret: true });
const operations = inGroup('Operations API');
const operationsSecret = inGroup('Operations API', { secret: true });
const live = inGroup('Live channels');
const limits = inGroup('Limits');
const access = inGroup('Access');
const accessSecret = inGroup('Access', { secret: true });
const accessPath = inGroup('Access', { path: true });

// biome-ignore format: a table, one line a setting
export const SETTINGS = {
  HOST: server(text(), '127.0.0.1', 'Address to listen on. Anything but loopback switches AUTH on.'),
  PORT: server(integer(0, 65535), '8080', 'Port of the one server; 0 takes a free one.'),
  APIS: server(choices(APIS), APIS.join(','), 'APIs this process serves.'),
  ROLES: server(choices(ROLES), ROLES.join(','), 'What this process does: api, work, live.'),
  PUBLIC_URL: server(httpUrl(), undefined, 'The address users reach the server under, for links in answers; left out, the request decides.'),
  CORS_ALLOWED_ORIGINS: server(list(), '', 'Origins that browsers may call the APIs from, comma separated; * for all.'),
  LOG_LEVEL: server(choice(LOG_LEVELS), 'info', 'Least level of log lines.'),

  DATA_DIR: dataPath(folder(), './data', 'Folder of everything this machine keeps: embedded database, managed storage, scratch.'),
  DATABASE_URL: dataSecret(matching(/^postgres(ql)?:\/\//, 'a postgres:// URL'), undefined, 'PostgreSQL 15 or newer; left out, an embedded one runs under DATA_DIR.'),
  STORAGE_URL: dataPath(matching(/^(s3:\/\/[^/]|(?![a-z][a-z0-9+.-]+:\/\/))/i, 'a directory or s3://bucket/prefix').refine((value) => value === undefined || isPlace(value), 'a directory that files can be made in, or s3://bucket/prefix'), undefined, 'Managed storage: a directory or s3://bucket/prefix; left out, DATA_DIR/storage.'),
  TEMP_VIDEOS_DIR: dataPath(folder().optional(), undefined, 'Scratch folder of running work; left out, DATA_DIR/scratch.'),
  SCRATCH_RESERVE_BYTES: data(integer(0, BYTES), String(GB), 'Bytes of disk that work must leave free.'),
  SECRET_KEY: dataSecret(matching(/^(([0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)(,(?!$)|$))+$/i, '32 bytes as 64 hex digits or as base64, or several such keys with commas between'), undefined, 'Key (32 bytes, base64 or hex) that seals credentials; left out, made once in DATA_DIR. Several, comma separated: the first seals and signs, the others only open what they sealed and signed (`rendition reseal`).'),
  FILE_ROOTS: dataPath(list(), '', 'Folders that file sources and destinations may name, comma separated.'),
  RETENTION_HOURS: data(retention(), '168', 'Hours after which finished jobs are deleted; 0 at once, off never.'),
  UPLOAD_EXPIRY_HOURS: data(decimal(0.01, 8760), '24', 'Hours after its last sign of life that an unfinished upload is given up.'),

  S3_ENDPOINT: s3(httpUrl(), undefined, 'S3-compatible endpoint; implies path style.'),
  AWS_ACCESS_KEY_ID: s3Secret(optional(), undefined, 'S3 key where a job brings none.'),
  AWS_SECRET_ACCESS_KEY: s3Secret(optional(), undefined, 'S3 secret where a job brings none.'),
  AWS_SESSION_TOKEN: s3Secret(optional(), undefined, 'S3 session token where a job brings none.'),
  AWS_REGION: s3(optional(), undefined, 'S3 region.'),
  AWS_S3_REGION_NAME: s3(optional(), undefined, 'Another name for AWS_REGION.'),
  AWS_STORAGE_BUCKET_NAME: s3(optional(), undefined, 'Bucket of the encoder API.'),
  STREAM_FROM_S3: s3(choice(['proxy', 'redirect'] as const), 'proxy', 'Segments of videos in a bucket: sent through this server, or players are redirected to presigned addresses of the bucket.'),

  FFMPEG_PATH: encoding(text(), 'ffmpeg', 'FFmpeg 5.1 or newer.'),
  FFPROBE_PATH: encoding(text(), 'ffprobe', 'ffprobe of the same version.'),
  WORKER_CONCURRENCY: encoding(integer(0, 256), '0', 'Chunks encoded at once; 0 is one for every two cores.'),
  ENCODING_WORKERS: encoding(integer(0, 256), '0', 'Another name for WORKER_CONCURRENCY, which counts where both are set.'),
  WORKER_ID: encoding(matching(/^[\w.:-]{1,100}$/, 'up to 100 letters, digits, or . : _ -'), undefined, 'Name of this worker; left out, host, pid and a random part.'),
  ENCODE_THREADS: encoding(integer(0, 256), '0', 'Threads of one encoder; 0 lets it choose.'),
  SEGMENT_SECONDS: encoding(decimal(1, 30), '6', 'Length of a segment, seconds.'),
  VIDEO_QUALITY_PRESETS: encoding(choices(RENDITIONS), '1080p,720p,480p,360p', 'Ladder where a job names none: of 2160p, 1440p, 1080p, 720p, 480p, 360p, 240p.'),
  ENCODE_PRESET: encoding(choice(SPEEDS), 'veryfast', 'Speed preset where a job names none.'),
  HWACCEL: encoding(choice(HARDWARE), 'auto', 'Hardware encoders where a job does not choose.'),
  JOB_TIME_LIMIT_SECONDS: encoding(integer(0, 604800), '0', 'Time limit of one FFmpeg run; 0 is the greater of 10 minutes and 20 × duration.'),

  QUEUE_MAX_ATTEMPTS: queue(integer(1, 100), '3', 'Tries of work whose failure may pass.'),
  QUEUE_VISIBILITY_TIMEOUT_MS: queue(integer(10_000, 86_400_000), '15000', 'Lease of running work: a worker silent for so long loses it.'),
  PROJECT_CONCURRENCY: queue(integer(0, 10_000), '0', 'Pieces of work of one project done at once in each lane of the queue, in the whole cluster; 0 is no limit.'),
  QUEUE_POLL_INTERVAL_MS: queue(integer(100, 60_000), '1000', 'Safety-net poll; notifications normally wake workers at once.'),

  REDIS_URL: intakeSecret(matching(/^rediss?:\/\//, 'a redis:// or rediss:// URL'), undefined, 'Redis whose list encoding:jobs is taken in; left out with REDIS_HOST, no Redis is used.'),
  REDIS_HOST: intake(optional(), undefined, 'Host of that Redis, where there is no REDIS_URL.'),
  REDIS_PORT: intake(integer(1, 65535), '6379', 'Its port.'),
  REDIS_DB: intake(integer(0, 65535), '0', 'Its database number.'),
  POLL_INTERVAL: intake(decimal(0.1, 3600), '5', 'Seconds between looks at the Redis list, where waiting on it is not possible.'),
  MAIN_BACKEND_URL: intake(httpUrl(), undefined, 'Backend that is told of start, progress and end of encoder jobs; left out, none is.'),
  MAIN_BACKEND_CALLBACK_PATH: intake(matching(/^\//, 'a path that begins with /'), '/videos/{video_id}/encoding/', 'Path of that call; {video_id} is replaced.'),
  MAIN_BACKEND_API_KEY: intakeSecret(optional(), undefined, 'Sent with it as "Authorization: Api-Key …".'),
  ENCODER_QUEUE_LIMIT: intake(integer(0, 10_000_000), '1000', 'Encoder jobs waiting here from which on no more are taken from Redis; 0 is no limit.'),
  ENCODER_TIME_LIMIT_SECONDS: intake(integer(0, 604800), '3600', 'Seconds that FFmpeg may work on one encoder job, and that an external worker may be silent; 0 leaves it to JOB_TIME_LIMIT_SECONDS.'),

  MAX_VIDEO_BYTES: operations(integer(1, BYTES), String(500 * MB), 'Bytes of a video that an operation takes.'),
  MAX_IMAGE_BYTES: operations(integer(1, BYTES), String(25 * MB), 'Bytes of a picture that an operation takes.'),
  MAX_AUDIO_BYTES: operations(integer(1, BYTES), String(100 * MB), 'Bytes of a sound file that an operation takes.'),
  OPERATION_VIDEO_WORKERS: operations(integer(0, 256), '1', 'Video operations a worker process does at once; 0 leaves them to other processes.'),
  OPERATION_IMAGE_WORKERS: operations(integer(0, 256), '2', 'Image operations a worker process does at once; 0 leaves them to other processes.'),
  OPERATION_AUDIO_WORKERS: operations(integer(0, 256), '1', 'Audio operations a worker process does at once; 0 leaves them to other processes.'),
  OPERATION_VIDEO_TIME_LIMIT: operations(integer(1, 86_400), '1800', 'Seconds of work that a video operation may take.'),
  OPERATION_IMAGE_TIME_LIMIT: operations(integer(1, 86_400), '60', 'Seconds of work that an image operation may take.'),
  OPERATION_AUDIO_TIME_LIMIT: operations(integer(1, 86_400), '300', 'Seconds of work that an audio operation may take.'),
  OPERATION_RETRY_DELAYS: operations(delays(), '60,300', 'Seconds before each further try of an operation whose failure may pass; off tries once.'),
  OPERATION_EXPIRY_HOURS: operations(decimal(0, 876_000), '168', 'Hours after its end that an operation and its files are kept.'),
  RATE_LIMIT_BURST: operations(rate(), '60/minute', 'Calls of one client address in a short time; uploads and status checks count apart. off for none.'),
  RATE_LIMIT_SUSTAINED: operations(rate(), '1000/day', 'The same over a long time.'),
  RATE_LIMIT_UPLOADS: operations(rate(), '10/hour', 'New operations of one client address.'),
  RATE_LIMIT_STATUS: operations(rate(), '120/minute', 'Status checks of one client address.'),
  SESSION_SECRET: operationsSecret(matching(/^\S{16,}$/, 'at least 16 characters without blanks'), undefined, 'Signs session cookies; left out, derived from SECRET_KEY. Several, comma separated: the first signs, the others are known.'),
  USE_CLOUDINARY: operations(switched(), 'false', 'Delivers the results of operations to Cloudinary.'),
  CLOUDINARY_CLOUD_NAME: operations(matching(/^[\w-]{1,100}$/, 'letters, digits, - or _'), undefined, 'Cloud name of the Cloudinary account.'),
  CLOUDINARY_API_KEY: operationsSecret(optional(), undefined, 'API key of the account.'),
  CLOUDINARY_API_SECRET: operationsSecret(optional(), undefined, 'API secret of the account.'),
  CLOUDINARY_FOLDER: operations(matching(/^[\w-]+(\/[\w-]+)*$/, 'a folder such as media/results'), 'mediaprocessor', 'Folder of the account that results go to, below outputs.'),
  CLOUDINARY_API_URL: operations(httpUrl(), 'https://api.cloudinary.com', 'Address of the API of Cloudinary.'),

  CHANNEL_WATCHDOG_SECONDS: live(decimal(2, 3600), '15', 'Seconds without a picture after which the FFmpeg of a channel is killed and started anew.'),
  CHANNEL_DETACHED_SECONDS: live(decimal(10, 3000), '300', 'Seconds that channels go on while their machine cannot reach PostgreSQL, unless another takes them; the same on all machines.'),
  LIVE_CPU_PERCENT: live(integer(0, 10_000), '85', 'Percent of the cores that the channels of one machine may be expected to fill; one more is not started beyond it. 0 is no limit.'),

  MAX_SOURCE_BYTES: limits(integer(1, BYTES), String(100 * GB), 'Bytes of a source at the most.'),
  MAX_INLINE_BYTES: limits(integer(1, GB), String(16 * 1024 ** 2), 'Bytes of an inline source, decoded.'),
  MAX_VIDEO_WIDTH: limits(integer(16, 65535), '8192', 'Pixels of width a video may have.'),
  MAX_VIDEO_HEIGHT: limits(integer(16, 65535), '4320', 'Pixels of height a video may have.'),
  MAX_STREAMS: limits(integer(1, 1000), '32', 'Streams a source may have.'),
  MAX_DURATION_SECONDS: limits(integer(1, 1_000_000), '43200', 'Seconds a source may last.'),
  MAX_FRAME_RATE: limits(integer(1, 1000), '120', 'Frames per second of an output at the most.'),
  MAX_IMAGE_PIXELS: limits(integer(1, 2_000_000_000), '100000000', 'Pixels of a picture at the most.'),
  MAX_OUTPUTS: limits(integer(1, 1000), '50', 'Outputs of one job.'),
  PROBE_TIMEOUT_SECONDS: limits(integer(1, 3600), '30', 'Seconds a probe may take.'),
  CHILD_MEMORY_BYTES: limits(integer(2 ** 28, BYTES), String(6 * GB), 'Address space of one FFmpeg.'),
  CHILD_FILE_BYTES: limits(integer(2 ** 20, BYTES), String(100 * GB), 'Bytes of one file FFmpeg writes.'),
  CHILD_OPEN_FILES: limits(integer(32, 65535), '256', 'Open files of one FFmpeg.'),
  CHILD_NICENESS: limits(integer(0, 19), '10', 'Niceness of FFmpeg; live channels and the first seconds of a video yield to nothing.'),

  TRUSTED_PROXIES: access(ranges(), '', 'Addresses or CIDRs of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed.'),
  AUTH: access(choice(['auto', 'on', 'off'] as const), 'auto', 'Keys required; auto is on as soon as HOST is not loopback.'),
  ADMIN_KEY: accessSecret(matching(/^\S{16,}$/, 'at least 16 characters without blanks'), undefined, 'A first admin key, at least 16 characters.'),
  EGRESS_ALLOW: access(ranges(), '', 'CIDRs that sources, destinations, webhooks and live inputs may reach although private.'),
  EGRESS_CA_FILE: accessPath(optional(), undefined, 'PEM file of certificate authorities that are trusted besides the usual ones: of servers of your own, of cameras.'),
  WEBHOOK_SECRET: accessSecret(matching(/^((whsec_)?[A-Za-z0-9+/]{32,86}={0,2}(,(?!$)|$))+$/, 'whsec_ and 24 to 64 bytes as base64, or several of them with commas between'), undefined, 'Secret (whsec_…) that signs webhooks, or several of them, comma separated, while a new one takes an old one\'s place; left out, made once in DATA_DIR.'),
  PLAYBACK_URL_TTL: access(integer(60, 31_536_000), '21600', 'Seconds a signed playback URL lives.'),
} as const;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [K in SettingName]: z.output<(typeof SETTINGS)[K]['type']> };
