// video_convert: the same film in another format.
import { choice, defineOperation, required } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { qualityOrCopy } from '#domain/operations/video-quality.ts';

export const videoConvert = defineOperation({
  name: 'video_convert',
  media_type: 'video',
  description: 'Convert video to another format.',
  input_formats: [...VIDEO_INPUTS, 'gif'],
  output_formats: ['mp4', 'webm', 'mov', 'mkv', 'gif'],
  parameters: {
    output_format: required(
      choice(['mp4', 'webm', 'mov', 'mkv', 'gif'], {
        default: null,
        words: { quicktime: 'mov', matroska: 'mkv' },
        description: 'Format of the result.',
      }),
    ),
    quality: qualityOrCopy,
  },
});
