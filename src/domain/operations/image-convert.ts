// image_convert: a picture in another format.
import { boolean, choice, defineOperation, required } from '#domain/operations/definition.ts';
import { IMAGE_INPUTS } from '#domain/operations/formats.ts';
import { PICTURE_FORMATS, PICTURE_WORDS, pictureQuality } from '#domain/operations/image-size.ts';
import { pictureMetadata } from '#domain/operations/metadata.ts';
import { background } from '#domain/operations/video-quality.ts';

export const imageConvert = defineOperation({
  name: 'image_convert',
  media_type: 'image',
  description: 'Convert image to another format; an animation stays one where the format can.',
  input_formats: IMAGE_INPUTS,
  output_formats: PICTURE_FORMATS,
  parameters: {
    output_format: required(
      choice(PICTURE_FORMATS, { default: null, words: PICTURE_WORDS, description: 'Format of the result.' }),
    ),
    quality: pictureQuality,
    lossless: boolean({ default: false, description: 'webp and avif without any loss.' }),
    background,
    metadata: pictureMetadata,
  },
  rules: ({ output_format, lossless, quality }) => {
    if (lossless && output_format === 'jpg')
      return [{ path: 'lossless', message: 'not with jpg, which always loses: png, webp, avif and tiff can' }];
    if (lossless && quality !== null) return [{ path: 'quality', message: 'quality or lossless, not both' }];
    return [];
  },
});
