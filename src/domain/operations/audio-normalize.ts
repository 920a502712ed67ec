// audio_normalize: sound as loud as it should be, by EBU R128 in two passes.
import { defineOperation, number } from '#domain/operations/definition.ts';
import { AUDIO_INPUTS, VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { soundMetadata } from '#domain/operations/metadata.ts';
import { SOUND_FORMATS, soundBitrate, soundContradictions, soundFormat } from '#domain/operations/sound-options.ts';

export const audioNormalize = defineOperation({
  name: 'audio_normalize',
  media_type: 'audio',
  input_type: 'video',
  description: 'Bring audio to a loudness (EBU R128), measured first and then raised or lowered as a whole.',
  input_formats: [...AUDIO_INPUTS, ...VIDEO_INPUTS],
  output_formats: SOUND_FORMATS,
  parameters: {
    target_lufs: number({
      default: -16,
      min: -40,
      max: -5,
      description:
        'Integrated loudness, LUFS: -14 as music services play, -16 as podcasts, -23 as European broadcasts.',
    }),
    true_peak: number({ default: -1.5, min: -9, max: 0, description: 'The highest peak that is allowed, dBTP.' }),
    output_format: soundFormat(
      null,
      "Format of the result; left out, the source's where it is one of these, else mp3 (m4a for videos).",
    ),
    bitrate: soundBitrate('Left out, 192k for stereo.'),
    metadata: soundMetadata,
  },
  rules: (values) =>
    values.output_format === null ? [] : soundContradictions({ ...values, output_format: values.output_format }),
});
