// image_resize: another size of a picture.
import { boolean, choice, defineOperation, integer } from '#domain/operations/definition.ts';
import { IMAGE_INPUTS } from '#domain/operations/formats.ts';
import { PICTURE_FORMATS, pictureFormat, pictureQuality } from '#domain/operations/image-size.ts';
import { pictureMetadata } from '#domain/operations/metadata.ts';
import { background } from '#domain/operations/video-quality.ts';

const side = (name: string) =>
  integer({ default: null, min: 1, max: 16_384, description: `${name} in pixels; at least one side is needed.` });

export const imageResize = defineOperation({
  name: 'image_resize',
  media_type: 'image',
  description: 'Resize image with aspect ratio control.',
  input_formats: IMAGE_INPUTS,
  output_formats: PICTURE_FORMATS,
  parameters: {
    width: side('Width'),
    height: side('Height'),
    maintain_aspect_ratio: boolean({
      default: true,
      description:
        'true fits the picture inside width and height; false makes it exactly that large, a side left out staying as it is.',
    }),
    fit: choice(['contain', 'cover', 'pad', 'fill'], {
      default: null,
      description:
        'Where both sides are given, instead of maintain_aspect_ratio: contain fits inside, cover fills and cuts what is over, pad adds edges, fill stretches.',
    }),
    allow_upscale: boolean({ default: true, description: 'Whether a small picture may be made larger.' }),
    output_format: pictureFormat,
    quality: pictureQuality,
    background,
    metadata: pictureMetadata,
  },
  rules: ({ width, height, fit }) => {
    if (width === null && height === null) return [{ path: 'width', message: 'width, height or both are needed' }];
    if (fit !== null && (width === null || height === null))
      return [{ path: 'fit', message: 'only where both width and height are given' }];
    return [];
  },
});
