// What `submit_job` takes, in the words of the service it comes from: the same over HTTP and out of Redis.
import { z } from 'zod';
import { PRESETS } from '#domain/codec.ts';
import { type EncoderRequest, MASTER_TIMINGS, type QualityPreset, SEGMENT_TYPES } from '#domain/encoder-job.ts';

const QUALITY_NAMES = ['2160p', '1440p', '1080p', '720p', '480p', '360p', '240p'] as const;
const QUALITY_ALLOWED = `one of ${QUALITY_NAMES.join(', ')}`;
const PRESET_ALLOWED = `one of ${PRESETS.join(', ')}`;
/** S3's own limit of a key, bytes. */
const LONGEST_KEY = 1024;

const name = z.enum(QUALITY_NAMES, { error: QUALITY_ALLOWED });
const preset = z.enum(PRESETS, { error: PRESET_ALLOWED });

const UNITS = { '': 1, k: 1000, m: 1_000_000 } as const;
const RATE_ALLOWED = 'bits/s as a number, or text such as "2500k" or "2.5M", from 10k to 500M';
/** As FFmpeg writes it, or bits/s. */
const rate = z.union([z.number(), z.string()], { error: RATE_ALLOWED }).transform((value, context): number => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([km]?)(?:bps|bit\/s|b\/s)?\s*$/i.exec(String(value));
  const bits = Math.round(Number(match?.[1]) * UNITS[(match?.[2]?.toLowerCase() ?? '') as keyof typeof UNITS]);
  if (match && bits >= 10_000 && bits <= 500_000_000) return bits;
  context.addIssue({ code: 'custom', message: RATE_ALLOWED });
  return z.NEVER;
});

const figures = { bitrate: rate.optional(), audio_bitrate: rate.optional(), preset: preset.optional() };
const list = z.array(
  z.union([name, z.object({ name, ...figures })], {
    error: `${QUALITY_ALLOWED}, or {name, bitrate, audio_bitrate, preset}`,
  }),
);
/** `{"720p": {"preset": "slow", "bitrate": "2500k"}}` */
const table = z
  .partialRecord(name, z.object(figures))
  .transform((entries): QualityPreset[] => Object.entries(entries).map(([key, value]) => ({ name: key, ...value })));
const qualities = z
  .union([list, table], {
    error: `a list of names (${QUALITY_NAMES.join(', ')}), or of {name, bitrate, audio_bitrate, preset}`,
  })
  .refine((all) => all.length > 0 && all.length <= QUALITY_NAMES.length, {
    error: `1 to ${QUALITY_NAMES.length} of them`,
  })
  .refine((all) => new Set(all.map(nameOf)).size === all.length, { error: 'each quality once' });

/** Frameworks write decimals as text. */
const amount = (message: string) =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d+(\.\d+)?$/)
          .transform(Number),
      ],
      { error: message },
    )
    .refine((value) => Number.isFinite(value) && value >= 0, { error: message });

const KEY_ALLOWED = `a key of 1 to ${LONGEST_KEY} bytes, without control characters, halves of surrogate pairs, and . or .. between slashes`;
const key = z
  .string({ error: KEY_ALLOWED })
  .transform((value) => value.replace(/^\/+/, ''))
  .refine(isKey, { error: KEY_ALLOWED });

const VIDEO_ID_ALLOWED = 'up to 200 letters, digits or . _ : -, beginning with a letter or digit';

/** Below the folder: what an encoding writes there. */
const RESULTS = /^master\.m3u8$|\/(playlist\.m3u8|init\.mp4|segment_\d+\.(ts|m4s))$/;

/** What else comes along is left alone: the services that submit have fields of their own. */
const fields = z.object(
  {
    video_id: z
      .union([z.string(), z.int().transform(String)], { error: VIDEO_ID_ALLOWED })
      .refine((value) => /^[A-Za-z0-9][\w.:-]{0,199}$/.test(value), { error: VIDEO_ID_ALLOWED }),
    s3_original_key: key.refine((value) => !value.endsWith('/'), { error: 'the key of an object, not of a folder' }),
    s3_hls_folder_key: key
      .transform((value) => value.replace(/\/+$/, ''))
      .refine((value) => value !== '', { error: 'the key of a folder' }),
    input_file_size: amount('bytes, a whole number')
      .refine(Number.isSafeInteger, { error: 'bytes, a whole number' })
      .nullish(),
    duration: amount('seconds').nullish(),
    quality_presets: qualities.nullish(),
    preset: preset.nullish(),
    segment_type: z.enum(SEGMENT_TYPES, { error: `one of ${SEGMENT_TYPES.join(', ')}` }).nullish(),
    master_playlist: z.enum(MASTER_TIMINGS, { error: `one of ${MASTER_TIMINGS.join(', ')}` }).nullish(),
  },
  { error: 'a JSON object is needed' },
);
export const submissionSchema = fields.refine(
  ({ s3_original_key: original, s3_hls_folder_key: folder }) =>
    !original.startsWith(`${folder}/`) || !RESULTS.test(original.slice(folder.length + 1)),
  { path: ['s3_hls_folder_key'], error: 'a folder in which no result has the name of s3_original_key' },
);
export type Submission = z.output<typeof submissionSchema>;

export const toEncoderRequest = (asked: Submission): EncoderRequest => ({
  videoId: asked.video_id,
  originalKey: asked.s3_original_key,
  hlsFolderKey: asked.s3_hls_folder_key,
  inputFileSize: asked.input_file_size ?? null,
  duration: asked.duration ?? null,
  qualityPresets: asked.quality_presets ?? null,
  preset: asked.preset ?? null,
  segmentType: asked.segment_type ?? 'ts',
  masterPlaylist: asked.master_playlist ?? 'last',
});

function nameOf(one: QualityPreset): string {
  return typeof one === 'string' ? one : one.name;
}

function isKey(value: string): boolean {
  const parts = value.replace(/\/+$/, '').split('/');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const isText = value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value);
  if (value === '' || Buffer.byteLength(value) > LONGEST_KEY || !isText) return false;
  return !parts.some((part) => part === '' || part === '.' || part === '..');
}
