// The fields of a channel in groups, as data: how each is asked for and when it matters. Read by the editor.
import type { Channel } from '../../api/types.ts';

export type Draft = Readonly<Record<string, unknown>>;
export type ChannelField = {
  readonly name: string;
  readonly kind: 'text' | 'address' | 'number' | 'switch' | 'choice' | 'network' | 'time' | 'zone';
  readonly choices?: readonly string[];
  /** Shown behind the name. */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly placeholder?: string;
  readonly required?: boolean;
  /** Left out, it always matters. */
  readonly when?: (draft: Draft) => boolean;
};
type FieldGroup = { readonly name: string; readonly fields: readonly ChannelField[] };

export const INPUT_TYPES = ['test', 'file', 'hls', 'rtmp', 'srt', 'rtsp', 'udp', 'rtp'] as const;
export const OUTPUT_TYPES = ['hls', 'rtmp', 'srt', 'udp', 'file'] as const;
const PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'];
const VIDEO_CODECS = ['libx264', 'libx265', 'copy', 'none'];
const AUDIO_CODECS = ['aac', 'libmp3lame', 'copy', 'none'];
const RESOLUTIONS = ['1920x1080', '1280x720', '854x480', '640x360', '426x240'];

const isOneOf = (name: string, values: readonly string[]) => (draft: Draft) =>
  values.includes(String(draft[name] ?? ''));
const isUdp = isOneOf('input_type', ['udp', 'rtp']);
const sendsHls = (draft: Draft): boolean =>
  draft.is_abr === true
    ? profilesOf(draft).some((profile) => (profile.output_type ?? draft.output_type) === 'hls')
    : draft.output_type === 'hls';
export const profilesOf = (draft: Draft): readonly Draft[] => (Array.isArray(draft.abr) ? (draft.abr as Draft[]) : []);

export const INPUT_FIELDS: readonly ChannelField[] = [
  { name: 'input_type', kind: 'choice', choices: INPUT_TYPES, required: true },
  {
    name: 'input_url',
    kind: 'address',
    when: isOneOf('input_type', ['hls', 'rtmp', 'srt', 'rtsp', 'udp', 'rtp']),
  },
  { name: 'input_listen', kind: 'switch', when: isOneOf('input_type', ['rtmp', 'srt']) },
  { name: 'input_multicast_ip', kind: 'text', placeholder: '239.1.1.1:5000', when: isUdp },
  { name: 'input_network', kind: 'network', when: isUdp },
  { name: 'input_file', kind: 'text', placeholder: 'upload:… / …/film.mp4', when: isOneOf('input_type', ['file']) },
  { name: 'input_loop', kind: 'switch', when: isOneOf('input_type', ['file']) },
];

const hasUrl = (draft: Draft) => ['rtmp', 'srt', 'udp', 'file'].includes(String(draft.output_type ?? ''));
export const OUTPUT_FIELDS: readonly ChannelField[] = [
  { name: 'output_type', kind: 'choice', choices: OUTPUT_TYPES },
  { name: 'output_url', kind: 'address', when: hasUrl },
  {
    name: 'output_multicast_ip',
    kind: 'text',
    placeholder: '239.1.1.2:5000',
    when: isOneOf('output_type', ['udp']),
  },
  { name: 'output_network', kind: 'network', when: isOneOf('output_type', ['udp']) },
];

const encodes = (draft: Draft) => !['copy', 'none'].includes(String(draft.video_codec ?? ''));
export const ENCODING_FIELDS: readonly ChannelField[] = [
  { name: 'video_codec', kind: 'choice', choices: VIDEO_CODECS },
  { name: 'resolution', kind: 'choice', choices: RESOLUTIONS, when: encodes },
  { name: 'video_bitrate', kind: 'number', unit: 'kb/s', min: 8, max: 200_000, step: 1, when: encodes },
  { name: 'audio_codec', kind: 'choice', choices: AUDIO_CODECS },
  { name: 'audio_bitrate', kind: 'number', unit: 'kb/s', min: 8, max: 1000, step: 1 },
  { name: 'preset', kind: 'choice', choices: PRESETS, when: encodes },
  { name: 'buffer_size', kind: 'number', unit: 'kb', min: 8, max: 1_000_000, when: encodes },
];
const CHANNEL_ENCODING: readonly ChannelField[] = [
  ...ENCODING_FIELDS,
  { name: 'frame_rate', kind: 'number', unit: 'fps', min: 1, max: 120, when: encodes },
  { name: 'gop_seconds', kind: 'number', unit: 's', min: 0.5, max: 10, step: 0.5, when: encodes },
  {
    name: 'hwaccel',
    kind: 'choice',
    choices: ['none', 'auto', 'nvenc', 'qsv', 'vaapi', 'videotoolbox'],
    when: encodes,
  },
];

/** The groups between the input and the profiles, which the editor draws itself. */
export const ENCODING: FieldGroup = { name: 'encoding', fields: CHANNEL_ENCODING };
export const FALLBACK_FIELDS: readonly ChannelField[] = [
  { name: 'slate', kind: 'choice', choices: ['off', 'black', 'bars'] },
  { name: 'failover_seconds', kind: 'number', unit: 's', min: 1, max: 60 },
  {
    name: 'fallback_return_seconds',
    kind: 'number',
    unit: 's',
    min: 1,
    max: 3600,
    when: (draft) => !!draft.fallback_input,
  },
];
export const LATER_GROUPS: readonly FieldGroup[] = [
  {
    name: 'hls',
    fields: [
      { name: 'hls_segment_seconds', kind: 'number', unit: 's', min: 1, max: 30, when: sendsHls },
      { name: 'hls_window_seconds', kind: 'number', unit: 's', min: 6, max: 86_400, when: sendsHls },
      { name: 'dvr_seconds', kind: 'number', unit: 's', min: 0, max: 86_400, when: sendsHls },
    ],
  },
  {
    name: 'keeping',
    fields: [
      { name: 'record', kind: 'switch' },
      {
        name: 'record_max_seconds',
        kind: 'number',
        unit: 's',
        min: 10,
        max: 86_400,
        when: ({ record }) => record === true,
      },
      { name: 'thumbnail_seconds', kind: 'number', unit: 's', min: 0, max: 3600 },
    ],
  },
  {
    name: 'schedule',
    fields: [
      { name: 'auto_start', kind: 'switch' },
      { name: 'start_cron', kind: 'text', placeholder: '0 8 * * 1-5' },
      { name: 'stop_cron', kind: 'text', placeholder: '0 20 * * 1-5' },
      { name: 'timezone', kind: 'zone', placeholder: 'UTC' },
      { name: 'start_at', kind: 'time' },
      { name: 'stop_at', kind: 'time' },
    ],
  },
  {
    name: 'operation',
    fields: [
      { name: 'notification_url', kind: 'address', placeholder: 'https://' },
      { name: 'pinned_to', kind: 'text' },
    ],
  },
];

export const NEW_INPUT: Draft = { input_type: 'test', input_loop: true, input_listen: false };
/** What the server takes where nothing is said, so that the editor shows it. */
export const NEW_CHANNEL: Draft = {
  ...NEW_INPUT,
  name: '',
  is_abr: false,
  output_type: 'hls',
  video_codec: 'libx264',
  audio_codec: 'aac',
  video_bitrate: 2500,
  audio_bitrate: 128,
  resolution: null,
  preset: 'veryfast',
  gop_seconds: 2,
  hls_segment_seconds: 4,
  hls_window_seconds: 60,
  dvr_seconds: 0,
  hwaccel: 'none',
  auto_start: false,
  fallback_input: null,
  fallback_return_seconds: 30,
  slate: 'off',
  record: false,
  record_max_seconds: 3600,
  thumbnail_seconds: 10,
  abr: [],
};

/** Renditions as they are usual, kb/s. */
export const LADDER: readonly Draft[] = [
  { name: '1080p', resolution: '1920x1080', video_bitrate: 5800, audio_bitrate: 160 },
  { name: '720p', resolution: '1280x720', video_bitrate: 3500, audio_bitrate: 128 },
  { name: '480p', resolution: '854x480', video_bitrate: 1600, audio_bitrate: 128 },
  { name: '360p', resolution: '640x360', video_bitrate: 900, audio_bitrate: 96 },
  { name: '240p', resolution: '426x240', video_bitrate: 400, audio_bitrate: 64 },
];
export const nextProfile = (profiles: readonly Draft[]): Draft =>
  LADDER.find(({ name }) => !profiles.some((one) => one.name === name)) ?? { name: `${profiles.length + 1}` };

export const draftOf = (channel: Channel): Draft => ({ ...channel });

/** As the API takes it: what is empty is left out and takes its default, what does not belong to its kind is forgotten. */
export function bodyOf(draft: Draft): Record<string, unknown> {
  const clean = (fields: Draft): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined && value !== null),
    );
  const { abr: _, fallback_input: fallback, ...rest } = draft;
  const profiles = profilesOf(draft).map(({ key: _key, ...profile }) => clean(profile));
  return {
    ...clean(rest),
    abr: profiles,
    ...(fallback ? { fallback_input: clean(fallback as Draft) } : {}),
  };
}
