// audio_convert: the same sound in another format.
import { defineOperation, required } from '#domain/operations/definition.ts';
import { AUDIO_INPUTS } from '#domain/operations/formats.ts';
import { soundMetadata } from '#domain/operations/metadata.ts';
import {
  channels,
  SOUND_FORMATS,
  sampleRate,
  soundBitrate,
  soundContradictions,
  soundFormat,
} from '#domain/operations/sound-options.ts';

export const audioConvert = defineOperation({
  name: 'audio_convert',
  media_type: 'audio',
  description: 'Convert audio to another format.',
  input_formats: AUDIO_INPUTS,
  output_formats: SOUND_FORMATS,
  parameters: {
    output_format: required(soundFormat(null, 'Format of the result.')),
    bitrate: soundBitrate('Left out, 192k for stereo, 128k for mono and in opus, 384k for 5.1.'),
    sample_rate: sampleRate,
    channels,
    metadata: soundMetadata,
  },
  rules: soundContradictions,
});
