// What the channels API takes, in the words of its document: snake_case, kilobits. Used by the routes of this folder.
import { z } from 'zod';
import type { ChannelInput, ChannelSpec, NewAbrProfile } from '#domain/channel.ts';
import { INPUT_TYPES, LIVE_AUDIO_NAMES, LIVE_VIDEO_NAMES, OUTPUT_TYPES, SLATES } from '#domain/channel.ts';
import { HWACCEL_CHOICES, PRESETS } from '#domain/codec.ts';

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type CamelKeys<T> = { [K in keyof T as Camel<K & string>]: T[K] };

/** `input_url` → `inputUrl`, of the first level. */
const camelKeys = <T extends object>(value: T): CamelKeys<T> =>
  Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()), one]),
  ) as CamelKeys<T>;
export const snakeKeys = (value: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), one]),
  );

/** Forms and the seed's own front end send empty strings for what was left out. */
const text = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .transform((value) => (value === '' ? null : value))
    .nullable();
const choice = <const T extends readonly string[]>(values: T) => z.enum(values, `one of ${values.join(', ')}`);
const within = (min: number, max: number, unit: string) =>
  z
    .number(`a number of ${unit} from ${min} to ${max}`)
    .min(min, `at least ${min} ${unit}`)
    .max(max, `at most ${max} ${unit}`);
const kilobits = (max: number) => within(8, max, 'kb/s').int('a whole number of kb/s');

const resolution = z
  .string()
  .trim()
  .transform((value) => (value === '' || value === 'source' ? null : value.toLowerCase()))
  .refine((value) => {
    if (value === null) return true;
    const sizes = /^(?:(\d{2,4})x)?(\d{2,4})p?$/.exec(value);
    if (!sizes || value.endsWith('p') === value.includes('x')) return false;
    const [width, height] = [Number(sizes[1] ?? 16), Number(sizes[2])];
    return width % 2 === 0 && height % 2 === 0 && width >= 16 && height >= 16 && width <= 8192 && height <= 4320;
  }, 'even numbers such as 1280x720, or a height such as 720p; source or nothing keeps the size of the source')
  .nullable();
const videoCodec = choice(LIVE_VIDEO_NAMES);
const audioCodec = choice(LIVE_AUDIO_NAMES);

const inputFields = {
  input_type: choice(INPUT_TYPES),
  input_url: text(2000).default(null),
  input_multicast_ip: text(80).default(null),
  input_network: text(64).default(null),
  input_file: text(2000).default(null),
  input_loop: z.boolean().default(true),
  input_listen: z.boolean().default(false),
};
const inputSchema = z.strictObject(inputFields);

/** What answers carry and nobody may set: an object that was read can be sent back. */
const READ_ONLY: readonly string[] = [
  'id',
  'slug',
  'status',
  'job',
  'created_at',
  'updated_at',
  'playback_url',
  'player_url',
  'embed_url',
  'thumbnail_url',
];
const readOnly = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, z.unknown().optional()]));

const profileSchema = z
  .strictObject({
    id: z.int().positive().optional(),
    name: text(100).default(null),
    output_type: choice(OUTPUT_TYPES).nullable().default(null),
    output_url: text(2000).default(null),
    output_multicast_ip: text(80).default(null),
    output_network: text(64).default(null),
    video_codec: videoCodec.nullable().default(null),
    audio_codec: audioCodec.nullable().default(null),
    video_bitrate: kilobits(200_000).nullable().default(null),
    audio_bitrate: kilobits(1000).nullable().default(null),
    resolution: resolution.default(null),
    preset: choice(PRESETS).nullable().default(null),
    buffer_size: within(8, 1_000_000, 'kb').nullable().default(null),
    channel: z.unknown().optional(),
  })
  .transform(({ channel: _, ...rest }) => rest);

const NAME = 'a name of 1 to 255 characters';

export const channelSchema = z
  .strictObject({
    name: z.string(NAME).trim().min(1, NAME).max(255, NAME),
    ...inputFields,
    is_abr: z.boolean().default(false),
    output_type: choice(OUTPUT_TYPES).default('hls'),
    output_url: text(2000).default(null),
    output_multicast_ip: text(80).default(null),
    output_network: text(64).default(null),
    video_codec: videoCodec.default('libx264'),
    audio_codec: audioCodec.default('aac'),
    video_bitrate: kilobits(200_000).default(2500),
    audio_bitrate: kilobits(1000).default(128),
    resolution: resolution.default(null),
    frame_rate: within(1, 120, 'frames/s').nullable().default(null),
    preset: choice(PRESETS).default('veryfast'),
    gop_seconds: within(0.5, 10, 'seconds').default(2),
    buffer_size: within(8, 1_000_000, 'kb').nullable().default(null),
    hls_segment_seconds: within(1, 30, 'seconds').default(4),
    hls_window_seconds: within(6, 86_400, 'seconds').default(60),
    dvr_seconds: within(0, 86_400, 'seconds').default(0),
    hwaccel: choice(HWACCEL_CHOICES).default('auto'),
    auto_start: z.boolean().default(false),
    fallback_input: inputSchema.nullable().default(null),
    failover_seconds: within(1, 60, 'seconds').nullable().default(null),
    fallback_return_seconds: within(1, 3600, 'seconds').default(30),
    slate: choice(SLATES).default('off'),
    record: z.boolean().default(false),
    record_max_seconds: within(10, 86_400, 'seconds').default(3600),
    thumbnail_seconds: within(0, 3600, 'seconds').default(10),
    start_cron: text(200).default(null),
    stop_cron: text(200).default(null),
    start_at: z.iso.datetime({ offset: true }).nullable().default(null),
    stop_at: z.iso.datetime({ offset: true }).nullable().default(null),
    timezone: text(64)
      .refine((value) => value === null || isTimezone(value), 'a time zone such as Europe/Vienna')
      .default(null),
    pinned_to: text(255).default(null),
    notification_url: text(2000).default(null),
    abr: z.array(profileSchema).max(20, 'at most 20 profiles').default([]),
    ...readOnly(...READ_ONLY),
  })
  .meta({ id: 'ChannelRequest' });

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export type ChannelBody = z.output<typeof channelSchema>;
export type AskedChannel = {
  readonly name: string;
  readonly spec: ChannelSpec;
  readonly abr: readonly NewAbrProfile[];
};

/** The request as the domain has it. */
export function toChannel(body: ChannelBody): AskedChannel {
  const { name, abr, fallback_input, ...rest } = body;
  const fields = Object.fromEntries(Object.entries(rest).filter(([key]) => !READ_ONLY.includes(key))) as typeof rest;
  const fallbackInput: ChannelInput | null = fallback_input && camelKeys(fallback_input);
  return { name, spec: { ...camelKeys(fields), fallbackInput }, abr: abr.map((profile) => camelKeys(profile)) };
}

const idParam = (what: string) => z.object({ id: z.coerce.number(`the number of a ${what}`).int().positive() });
export const channelParams = idParam('channel');
export const jobParams = idParam('channel job');

export const listQuery = z.object({
  page: z.coerce.number().int().min(1).optional(),
  page_size: z.coerce.number().int().min(1).max(200).default(20),
});
type ListQuery = z.output<typeof listQuery>;
/** Of the rows; all of them where no page is asked for. */
export const windowOf = ({ page, page_size: limit }: ListQuery) =>
  page === undefined ? {} : { limit, offset: (page - 1) * limit };
export const logQuery = z.object({ tail: z.coerce.number().int().min(1).max(100_000).optional() });
