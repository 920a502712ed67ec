// One wanted output as callers write it, mapped to the domain's OutputSpec. Used by the job schema; the CLI speaks it too.
import { z } from 'zod';
import { destinationSchema, sourceSchema } from '#api/jobs/location-schema.ts';
import { bitrate, frameRate, seconds } from '#api/jobs/unit-schema.ts';
import type { Config } from '#config/settings.ts';
import {
  AUDIO_CODEC_NAMES,
  AUDIO_SAMPLE_RATES,
  CONTAINER_FACTS,
  CONTAINERS,
  HWACCEL_CHOICES,
  PRESETS,
  VIDEO_CODEC_NAMES,
} from '#domain/codec.ts';
import {
  type AnimationOptions,
  FITS,
  OUTPUT_DEFAULTS,
  type OutputSpec,
  type RateControl,
  type RenditionSpec,
  type ThumbnailSpec,
  WATERMARK_POSITIONS,
} from '#domain/output.ts';

export type SchemaLimits = Pick<
  Config,
  | 'MAX_VIDEO_WIDTH'
  | 'MAX_VIDEO_HEIGHT'
  | 'MAX_FRAME_RATE'
  | 'MAX_DURATION_SECONDS'
  | 'MAX_OUTPUTS'
  | 'MAX_INLINE_BYTES'
>;

/** A name by its closed list, in any case; the error names every spelling. */
function codecName<T extends string>(names: Readonly<Record<string, T>>) {
  const allowed = Object.keys(names);
  const said = `one of ${allowed.join(', ')}`;
  return z
    .string({ error: said })
    .meta({ description: said })
    .transform((value, context) => {
      const known = Object.hasOwn(names, value.toLowerCase()) ? names[value.toLowerCase()] : undefined;
      if (known !== undefined) return known;
      context.addIssue({ code: 'custom', message: said });
      return z.NEVER;
    });
}

const LADDER_NAME = /^(\d{2,4})p$/;
const ladderName = z.string().transform((name, context): RenditionSpec => {
  const height = Number(LADDER_NAME.exec(name)?.[1] ?? 0);
  if (height >= 16 && height <= 4320) return { name, height, videoBitrate: null, audioBitrate: null };
  context.addIssue({
    code: 'custom',
    message: 'a name such as "720p": 2160p, 1440p, 1080p, 720p, 480p, 360p, 240p, or any height from 16p to 4320p',
  });
  return z.NEVER;
});
const ladderStep = z
  .strictObject({
    height: z.int().min(16).max(4320),
    videoBitrate: bitrate(10_000, 500_000_000).nullish(),
    audioBitrate: bitrate(6000, 1_536_000).nullish(),
    // It becomes the name of a folder.
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,39}$/, {
        error: 'letters, digits, dots, dashes and underscores, at most 40, not beginning with a dot',
      })
      .optional(),
  })
  .transform(
    ({ height, videoBitrate, audioBitrate, name }): RenditionSpec => ({
      name: name ?? `${height}p`,
      height,
      videoBitrate: videoBitrate ?? null,
      audioBitrate: audioBitrate ?? null,
    }),
  );
/** Folders of an adaptive output that are not renditions'. */
const TAKEN_NAME = /^(audio|subtitles)(-\d+)?$/i;
const renditions = z
  .array(
    z.union([ladderName, ladderStep], {
      error: 'a name such as "720p", or {height, videoBitrate, audioBitrate, name}',
    }),
  )
  .min(1)
  .max(20)
  .superRefine((steps, context) => {
    const seen = new Set<string>();
    steps.forEach(({ name }, i) => {
      // Folders on macOS and Windows do not tell cases apart.
      if (seen.has(name.toLowerCase()))
        context.addIssue({ code: 'custom', path: [i, 'name'], message: `unique; there is another "${name}"` });
      if (TAKEN_NAME.test(name))
        context.addIssue({
          code: 'custom',
          path: [i, 'name'],
          message: `another name than "${name}", which is the folder of sound or text`,
        });
      seen.add(name.toLowerCase());
    });
  });

const thumbnails = z
  .strictObject({
    count: z.int().min(1).max(1000).nullish(),
    every: seconds(0.1, 86_400).nullish(),
    width: z.int().min(16).max(3840).default(320),
    format: z.enum(['jpg', 'png', 'webp']).default('jpg'),
    sprite: z.boolean().default(false),
  })
  .refine(({ count, every }) => count == null || every == null, { error: 'count or every, not both', path: ['every'] })
  .transform((value): ThumbnailSpec => ({ ...value, count: value.count ?? null, every: value.every ?? null }));

const SCALE_ALLOWED = "the watermark's width as a share of the picture's, from 0.01 to 1";
const MARGIN_ALLOWED = "below 1 a share of the picture's short side, else pixels of the largest rendition, up to 4000";
/** @param maxInlineBytes MAX_INLINE_BYTES */
const watermark = (maxInlineBytes: number) =>
  z.strictObject({
    source: sourceSchema(maxInlineBytes),
    position: z.enum(WATERMARK_POSITIONS).default('top-right'),
    opacity: z.number().min(0).max(1).default(1),
    scale: z
      .number({ error: SCALE_ALLOWED })
      .min(0.01, { error: SCALE_ALLOWED })
      .max(1, { error: SCALE_ALLOWED })
      .default(0.15),
    margin: z
      .number({ error: MARGIN_ALLOWED })
      .min(0, { error: MARGIN_ALLOWED })
      .max(4000, { error: MARGIN_ALLOWED })
      .default(0.03),
  });

const BURN_ALLOWED = 'the number of a subtitle track, from 0, or a language such as "en"';
const subtitles = z.strictObject({
  burn: z.union(
    [z.int().min(0).max(99), z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, { error: BURN_ALLOWED })],
    { error: BURN_ALLOWED },
  ),
});

const LOUDNESS_ALLOWED = 'LUFS from -70 to -5, such as -23 for broadcast (EBU R128)';
const PEAK_ALLOWED = 'dBTP from -9 to 0, such as -1';

const fields = (limits: SchemaLimits) => ({
  container: z.enum(CONTAINERS),
  videoCodec: codecName(VIDEO_CODEC_NAMES).nullish(),
  audioCodec: codecName(AUDIO_CODEC_NAMES).nullish(),
  width: z.int().min(16).max(limits.MAX_VIDEO_WIDTH).nullish(),
  height: z.int().min(16).max(limits.MAX_VIDEO_HEIGHT).nullish(),
  fit: z.enum(FITS).default(OUTPUT_DEFAULTS.fit),
  fps: frameRate(limits.MAX_FRAME_RATE).nullish(),
  videoBitrate: bitrate(10_000, 500_000_000).nullish(),
  maxBitrate: bitrate(10_000, 800_000_000).nullish(),
  crf: z.number().min(0).max(63).nullish(),
  rateControl: z.enum(['capped-crf', 'abr', 'two-pass']).nullish(),
  preset: z.enum(PRESETS).nullish(),
  // auto: as HWACCEL says, which the plan knows.
  hwaccel: z.enum(HWACCEL_CHOICES).nullish(),
  audioBitrate: bitrate(6000, 1_536_000).nullish(),
  audioChannels: z.int().min(1).max(8).nullish(),
  audioSampleRate: z.int().min(8000).max(192_000).nullish(),
  normalizeAudio: z.boolean().default(OUTPUT_DEFAULTS.normalizeAudio),
  loudness: z
    .number({ error: LOUDNESS_ALLOWED })
    .min(-70, { error: LOUDNESS_ALLOWED })
    .max(-5, { error: LOUDNESS_ALLOWED })
    .nullish(),
  truePeak: z
    .number({ error: PEAK_ALLOWED })
    .min(-9, { error: PEAK_ALLOWED })
    .max(0, { error: PEAK_ALLOWED })
    .nullish(),
  start: seconds(0, limits.MAX_DURATION_SECONDS).default(OUTPUT_DEFAULTS.start),
  duration: seconds(0.001, limits.MAX_DURATION_SECONDS).nullish(),
  renditions: renditions.nullish(),
  segmentFormat: z.enum(['cmaf', 'ts']).default(OUTPUT_DEFAULTS.segmentFormat),
  passthrough: z.enum(['auto', 'never']).default(OUTPUT_DEFAULTS.passthrough),
  thumbnails: thumbnails.nullish(),
  watermark: watermark(limits.MAX_INLINE_BYTES).nullish(),
  subtitles: subtitles.nullish(),
  storyboard: z.boolean().nullish(),
  instant: z.boolean().default(true),
  destination: destinationSchema.nullish(),
});

/** dBTP, where a loudness is named without it. */
const LOUDEST_PEAK = -1.5;
/** For ever; the colours are those of GIF alone. */
const MOVING: AnimationOptions = { colors: 256, dither: 'bayer', loop: 0 };

type Written = z.output<z.ZodObject<ReturnType<typeof fields>>>;

export const outputSchema = (limits: SchemaLimits) =>
  z
    .strictObject(fields(limits))
    .superRefine((value, context) => {
      for (const [path, message] of contradictions(value)) context.addIssue({ code: 'custom', path: [path], message });
    })
    .transform((value): OutputSpec => {
      const adaptive = CONTAINER_FACTS[value.container].kind === 'adaptive';
      return {
        container: value.container,
        videoCodec: value.videoCodec ?? null,
        audioCodec: value.audioCodec ?? null,
        width: value.width ?? null,
        height: value.height ?? null,
        fit: value.fit,
        fps: value.fps ?? null,
        rate: rateOf(value),
        preset: value.preset ?? null,
        hwaccel: value.hwaccel ?? OUTPUT_DEFAULTS.hwaccel,
        audioBitrate: value.audioBitrate ?? null,
        audioChannels: value.audioChannels ?? null,
        audioSampleRate: value.audioSampleRate ?? null,
        normalizeAudio: value.normalizeAudio || value.loudness != null,
        ...(value.loudness == null
          ? {}
          : { loudness: { integrated: value.loudness, truePeak: value.truePeak ?? LOUDEST_PEAK } }),
        // A WebP that lasts is one that moves; without either it is a single picture.
        ...(value.container === 'webp' && (value.duration != null || value.fps != null) ? { animation: MOVING } : {}),
        start: value.start,
        duration: value.duration ?? null,
        renditions: value.renditions ?? null,
        segmentFormat: value.segmentFormat,
        passthrough: value.passthrough,
        thumbnails: value.thumbnails ?? null,
        watermark: value.watermark ?? null,
        subtitles: value.subtitles ?? null,
        storyboard: value.storyboard ?? adaptive,
        instant: value.instant && adaptive,
        destination: value.destination ?? null,
      };
    });

/** A bitrate asks for that average; without one, constant quality under a cap. */
function rateOf({ rateControl, videoBitrate, maxBitrate, crf }: Written): RateControl {
  const mode = rateControl ?? (videoBitrate != null && crf == null ? 'abr' : 'capped-crf');
  if (mode === 'capped-crf' || videoBitrate == null) {
    return { mode: 'capped-crf', crf: crf ?? null, maxBitrate: maxBitrate ?? videoBitrate ?? null };
  }
  return { mode, bitrate: videoBitrate, maxBitrate: maxBitrate ?? null };
}

/** Hz that the sound's codec holds; null where it holds any. Opus takes any too: it is heard at 48 kHz whatever was asked. */
function allowedRates({ container, audioCodec }: Written): readonly number[] | null {
  const codec = audioCodec ?? CONTAINER_FACTS[container].audio[0];
  if (codec === undefined || codec === 'none' || codec === 'copy' || codec === 'opus') return null;
  return AUDIO_SAMPLE_RATES[codec] ?? null;
}

/** Wishes that cannot go together: the field and what is allowed. */
function* contradictions(value: Written): Generator<[field: string, message: string]> {
  const { kind, video, audio } = CONTAINER_FACTS[value.container];
  const { videoCodec, audioCodec, container } = value;
  if (videoCodec && videoCodec !== 'none' && videoCodec !== 'copy' && !video.includes(videoCodec)) {
    yield [
      'videoCodec',
      video.length > 0
        ? `one of ${[...video, 'copy', 'none'].join(', ')} in ${container}`
        : kind === 'film'
          ? `left out: the codec of ${container} is the one that its players know`
          : `none: ${container} holds no video stream`,
    ];
  }
  if (audioCodec && audioCodec !== 'none' && audioCodec !== 'copy' && !audio.includes(audioCodec)) {
    yield [
      'audioCodec',
      audio.length > 0
        ? `one of ${[...audio, 'copy', 'none'].join(', ')} in ${container}`
        : `none: ${container} holds no sound`,
    ];
  }
  if (videoCodec === 'none' && audioCodec === 'none')
    yield ['audioCodec', 'not none where videoCodec is none: nothing would be left'];
  if (kind === 'audio' && audioCodec === 'none') yield ['audioCodec', `not none: ${container} holds nothing but sound`];
  if (value.renditions && kind !== 'adaptive') yield ['renditions', 'only for hls and dash; use width or height'];
  if (kind === 'film' && value.thumbnails) yield ['thumbnails', `left out of ${container}: ask for them beside an mp4`];
  if (kind === 'film' && value.rateControl === 'two-pass') yield ['rateControl', `capped-crf or abr in ${container}`];
  if (value.renditions && (value.width != null || value.height != null))
    yield ['renditions', 'renditions or width and height, not both'];
  for (const name of ['watermark', 'subtitles'] as const) {
    if (value[name] == null) continue;
    if (kind === 'audio' || videoCodec === 'none')
      yield [name, `only where there is a picture: leave it out of ${container}`];
    if (videoCodec === 'copy') yield [name, 'not with videoCodec copy: what is copied cannot be drawn on'];
  }
  if (value.normalizeAudio && audioCodec === 'copy') yield ['normalizeAudio', 'not with audioCodec copy'];
  if (value.loudness != null && audioCodec === 'copy') yield ['loudness', 'not with audioCodec copy'];
  if (value.truePeak != null && value.loudness == null) yield ['truePeak', 'only beside loudness'];
  const rates = allowedRates(value);
  if (rates && value.audioSampleRate != null && !rates.includes(value.audioSampleRate))
    yield ['audioSampleRate', `one of ${rates.join(', ')} with ${audioCodec ?? audio[0]}`];
  if (value.segmentFormat === 'ts' && container !== 'hls') yield ['segmentFormat', 'cmaf; ts is only for hls'];
  if ((value.rateControl === 'abr' || value.rateControl === 'two-pass') && value.videoBitrate == null) {
    yield ['videoBitrate', `needed with rateControl ${value.rateControl}`];
  }
  if (value.maxBitrate != null && value.videoBitrate != null && value.maxBitrate < value.videoBitrate) {
    yield ['maxBitrate', 'not below videoBitrate'];
  }
}
