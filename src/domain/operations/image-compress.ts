// image_compress: fewer bytes of a picture, by quality or to a size.
import { defineOperation, integer, number } from '#domain/operations/definition.ts';
import { IMAGE_INPUTS } from '#domain/operations/formats.ts';
import { PICTURE_FORMATS, pictureFormat } from '#domain/operations/image-size.ts';
import { pictureMetadata } from '#domain/operations/metadata.ts';
import { background } from '#domain/operations/video-quality.ts';

export const imageCompress = defineOperation({
  name: 'image_compress',
  media_type: 'image',
  description: 'Make the file of an image smaller; it never becomes larger.',
  input_formats: IMAGE_INPUTS,
  output_formats: PICTURE_FORMATS,
  parameters: {
    quality: integer({
      default: 75,
      min: 1,
      max: 100,
      description: 'From 1 (smallest) to 100. png and gif get a palette with it; 100 leaves them without loss.',
    }),
    target_size_kb: number({
      default: null,
      min: 1,
      max: 100_000,
      description:
        'The file has at most this many kilobytes (10³ bytes): the best quality up to `quality` that fits is taken. For jpg, webp, avif and png.',
    }),
    max_width: integer({
      default: null,
      min: 1,
      max: 16_384,
      description: 'Larger pictures are scaled down to this width.',
    }),
    max_height: integer({
      default: null,
      min: 1,
      max: 16_384,
      description: 'Larger pictures are scaled down to this height.',
    }),
    output_format: pictureFormat,
    background,
    metadata: pictureMetadata,
  },
  rules: ({ target_size_kb, output_format }) =>
    target_size_kb !== null && (output_format === 'gif' || output_format === 'tiff')
      ? [
          {
            path: 'target_size_kb',
            message: `not with ${output_format}: jpg, webp, avif and png can be made to a size`,
          },
        ]
      : [],
});
