// video_resize: another picture size, the sound as it is.
import { boolean, defineOperation, integer } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { FILM_FORMATS, filmFormat, fit, quality } from '#domain/operations/video-quality.ts';

const side = (name: string) =>
  integer({
    default: null,
    min: 16,
    max: 8192,
    description: `${name} in pixels, rounded to an even number; the other side follows where it is left out.`,
  });

export const videoResize = defineOperation({
  name: 'video_resize',
  media_type: 'video',
  description: 'Resize video, keeping its aspect unless asked otherwise.',
  input_formats: VIDEO_INPUTS,
  output_formats: FILM_FORMATS,
  parameters: {
    width: side('Width'),
    height: side('Height'),
    fit,
    allow_upscale: boolean({ default: true, description: 'Whether a small picture may be made larger.' }),
    quality,
    output_format: filmFormat,
  },
  rules: ({ width, height }) =>
    width === null && height === null ? [{ path: 'width', message: 'width, height or both are needed' }] : [],
});
