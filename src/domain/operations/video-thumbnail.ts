// video_thumbnail: one frame as a picture.
import { choice, defineOperation, integer, time } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { fit } from '#domain/operations/video-quality.ts';

const side = (name: string) =>
  integer({
    default: null,
    min: 1,
    max: 8192,
    description: `${name} in pixels; the other side follows where it is left out.`,
  });

export const videoThumbnail = defineOperation({
  name: 'video_thumbnail',
  media_type: 'video',
  description: 'Take one frame of a video as a picture: upright, in square pixels, HDR brought to SDR.',
  input_formats: [...VIDEO_INPUTS, 'gif'],
  output_formats: ['jpg', 'png', 'webp', 'avif'],
  parameters: {
    time: time({
      default: null,
      min: 0,
      max: 43_200,
      description: 'Which moment, seconds or "1:02:03.5"; left out, a tenth into the video.',
    }),
    width: side('Width'),
    height: side('Height'),
    fit,
    output_format: choice(['jpg', 'png', 'webp', 'avif'], {
      default: 'jpg',
      words: { jpeg: 'jpg' },
      description: 'Format of the picture.',
    }),
    quality: integer({
      default: null,
      min: 1,
      max: 100,
      description: "Of jpg, webp and avif; left out, the format's usual.",
    }),
  },
});
