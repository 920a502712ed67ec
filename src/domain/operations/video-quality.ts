// Parameters that several video operations have in common, described once.
import { PRESETS } from '#domain/codec.ts';
import { bitrate, choice, color, integer } from '#domain/operations/definition.ts';

const WORDS = { low: 28, medium: 23, high: 18 } as const;
const SCALE = 'from 18 (best, largest) to 28 (smallest); high is 18, medium 23, low 28';

/** x264's scale in every format: other codecs get the constant quality that looks alike. */
export const quality = integer({
  default: 23,
  min: 18,
  max: 28,
  words: WORDS,
  description: `Constant quality, ${SCALE}.`,
});

export const qualityOrCopy = integer({
  default: null,
  min: 18,
  max: 28,
  words: WORDS,
  description: `Constant quality, ${SCALE}. Left out, a stream that fits the new format as it is is copied without loss, any other is encoded with about 21.`,
});

export const preset = choice(PRESETS, {
  default: 'medium',
  description: 'How long the encoder may think: slower gives smaller files of the same quality.',
});

export const audioBitrate = bitrate({
  default: 128_000,
  min: 32_000,
  max: 512_000,
  description: 'Of the sound, bits/s; "128k" is the same. Never above that of the source.',
});

export const FILM_FORMATS = ['mp4', 'mov', 'mkv', 'webm'] as const;

export const filmFormat = choice(FILM_FORMATS, {
  default: null,
  words: { quicktime: 'mov', matroska: 'mkv' },
  description: "Left out, the source's own where it is one of these, else mp4.",
});

export const fit = choice(['contain', 'cover', 'pad', 'fill'], {
  default: 'contain',
  description:
    'Where both sides are given: contain fits inside them, cover fills them and cuts what is over, pad adds bars, fill stretches.',
});

export const background = color({
  default: '#ffffff',
  description: 'Laid under transparency where the new format has none, and around a padded picture.',
});
