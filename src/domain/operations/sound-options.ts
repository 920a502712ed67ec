// Parameters that several audio operations have in common, and which values the formats can hold.
import type { FieldError } from '#domain/error.ts';
import { bitrate, choice, numberOf } from '#domain/operations/definition.ts';

export const SOUND_FORMATS = [
  ...(['mp3', 'wav', 'aac', 'ogg', 'flac', 'm4a', 'opus'] as const),
  ...(['m4b', 'alac', 'aiff', 'ac3', 'wma'] as const),
] as const;
export type SoundFormat = (typeof SOUND_FORMATS)[number];

const SOUND_WORDS = {
  wave: 'wav',
  vorbis: 'ogg',
  mp4: 'm4a',
  aif: 'aiff',
} as const satisfies Readonly<Record<string, SoundFormat>>;

export const soundBitrate = (whenLeftOut: string) =>
  bitrate({
    default: null,
    min: 8000,
    max: 512_000,
    description: `bits/s; "192k" is the same. Not for wav, aiff, flac and alac, which lose nothing. ${whenLeftOut}`,
  });

export const sampleRate = numberOf(
  [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000],
  {
    default: null,
    description: "Samples a second; left out, the source's where the format can, else the next it can.",
  },
);

export const channels = numberOf([1, 2, 6, 8], {
  default: null,
  words: { mono: 1, stereo: 2, '5.1': 6, '7.1': 8 },
  description: "1 is mono, 2 stereo, 6 is 5.1, 8 is 7.1; left out, the source's where the format can, else stereo.",
});

const USUAL_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/** What a format can hold: Hz, channels, bits/s. */
type SoundLimits = {
  readonly rates: readonly number[] | null;
  readonly channels: number;
  readonly bitrate: readonly [number, number] | null;
};

const AAC: SoundLimits = { rates: [...USUAL_RATES, 88_200, 96_000], channels: 8, bitrate: [16_000, 512_000] };

const SOUND_LIMITS: Readonly<Record<SoundFormat, SoundLimits>> = {
  mp3: {
    rates: USUAL_RATES,
    channels: 2,
    bitrate: [8000, 320_000],
  },
  aac: AAC,
  m4a: AAC,
  ogg: { rates: USUAL_RATES, channels: 8, bitrate: [16_000, 500_000] },
  // Opus is decoded at 48 kHz, whatever went in (RFC 7845 §5.1).
  opus: { rates: [48_000], channels: 8, bitrate: [8000, 510_000] },
  m4b: AAC,
  ac3: { rates: [32_000, 44_100, 48_000], channels: 6, bitrate: [64_000, 640_000] },
  wma: { rates: [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000], channels: 2, bitrate: [24_000, 320_000] },
  alac: { rates: null, channels: 8, bitrate: null },
  aiff: { rates: null, channels: 8, bitrate: null },
  flac: { rates: null, channels: 8, bitrate: null },
  wav: { rates: null, channels: 8, bitrate: null },
};

export type SoundWish = {
  readonly output_format: SoundFormat;
  readonly bitrate: number | null;
  readonly sample_rate?: number | null;
  readonly channels?: number | null;
};

/** Wishes that the format cannot hold: the field and what is allowed. */
export function soundContradictions({
  output_format,
  bitrate: rate,
  sample_rate,
  channels: count,
}: SoundWish): FieldError[] {
  const limits = SOUND_LIMITS[output_format];
  const errors: FieldError[] = [];
  if (rate !== null && limits.bitrate === null)
    errors.push({ path: 'bitrate', message: `not with ${output_format}, which loses nothing: leave it out` });
  if (rate !== null && limits.bitrate && (rate < limits.bitrate[0] || rate > limits.bitrate[1]))
    errors.push({ path: 'bitrate', message: `from ${limits.bitrate[0]} to ${limits.bitrate[1]} in ${output_format}` });
  if (sample_rate && limits.rates && !limits.rates.includes(sample_rate))
    errors.push({ path: 'sample_rate', message: `one of ${limits.rates.join(', ')} in ${output_format}` });
  if (count && count > limits.channels)
    errors.push({ path: 'channels', message: `at most ${limits.channels} in ${output_format}` });
  return errors;
}

export const soundFormat = <D extends SoundFormat | null>(fallback: D, description: string) =>
  choice(SOUND_FORMATS, { default: fallback, words: SOUND_WORDS, description });
