// video_convert: the same film in another format.
import { choice, defineOperation, required } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { qualityOrCopy } from '#domain/operations/video-quality.ts';

/** Those from avi on are for players that know nothing newer: MPEG-4 and MP3, WMV 8, MPEG-2, Theora. */
const FORMATS = [
  ...(['mp4', 'webm', 'mov', 'mkv', 'gif', 'ts', 'flv', '3gp'] as const),
  ...(['avi', 'wmv', 'mpg', 'ogv'] as const),
] as const;

export const videoConvert = defineOperation({
  name: 'video_convert',
  media_type: 'video',
  description: 'Convert video to another format.',
  input_formats: [...VIDEO_INPUTS, 'gif'],
  output_formats: FORMATS,
  parameters: {
    output_format: required(
      choice(FORMATS, {
        default: null,
        words: {
          ...{ quicktime: 'mov', matroska: 'mkv', m4v: 'mp4', mpeg: 'mpg', vob: 'mpg' },
          ...{ mts: 'ts', m2ts: 'ts', ogg: 'ogv', '3gpp': '3gp', asf: 'wmv' },
        },
        description: 'Format of the result.',
      }),
    ),
    quality: qualityOrCopy,
  },
});
