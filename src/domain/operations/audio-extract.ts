// audio_extract: the sound of a video.
import { defineOperation } from '#domain/operations/definition.ts';
import { AUDIO_INPUTS, VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { soundMetadata } from '#domain/operations/metadata.ts';
import { SOUND_FORMATS, soundBitrate, soundContradictions, soundFormat } from '#domain/operations/sound-options.ts';

export const audioExtract = defineOperation({
  name: 'audio_extract',
  media_type: 'audio',
  input_type: 'video',
  description: 'Extract audio from video.',
  // A film may turn out to have lost its picture.
  input_formats: [...VIDEO_INPUTS, ...AUDIO_INPUTS],
  output_formats: SOUND_FORMATS,
  parameters: {
    output_format: soundFormat('mp3', 'Format of the result.'),
    bitrate: soundBitrate(
      'Left out, sound that the format takes as it is is copied without loss, any other gets 192k for stereo.',
    ),
    metadata: soundMetadata,
  },
  rules: soundContradictions,
});
