// image_convert: a picture in another format.
import { boolean, choice, defineOperation, required } from '#domain/operations/definition.ts';
import { IMAGE_INPUTS } from '#domain/operations/formats.ts';
import { PICTURE_FORMATS, PICTURE_WORDS, pictureQuality } from '#domain/operations/image-size.ts';
import { pictureMetadata } from '#domain/operations/metadata.ts';
import { background } from '#domain/operations/video-quality.ts';

const FORMATS = [...PICTURE_FORMATS, 'bmp', 'ico'] as const;

export const imageConvert = defineOperation({
  name: 'image_convert',
  media_type: 'image',
  description: 'Convert image to another format; an animation stays one where the format can.',
  input_formats: IMAGE_INPUTS,
  output_formats: FORMATS,
  parameters: {
    output_format: required(
      choice(FORMATS, {
        default: null,
        words: PICTURE_WORDS,
        description: 'Format of the result; ico holds squares of 16 to 256 pixels.',
      }),
    ),
    quality: pictureQuality,
    lossless: boolean({ default: false, description: 'webp and avif without any loss.' }),
    background,
    metadata: pictureMetadata,
  },
  rules: ({ output_format, lossless, quality }) => {
    if (quality !== null && (output_format === 'bmp' || output_format === 'ico'))
      return [{ path: 'quality', message: `not with ${output_format}, which loses nothing: leave it out` }];
    if (lossless && output_format === 'jpg')
      return [{ path: 'lossless', message: 'not with jpg, which always loses: png, webp, avif and tiff can' }];
    if (lossless && quality !== null) return [{ path: 'quality', message: 'quality or lossless, not both' }];
    return [];
  },
});
