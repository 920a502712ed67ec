// image_resize: another size, by the image library.
import type { imageResize as definition } from '#domain/operations/image-resize.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, ownPictureFormat, pictureOptions } from '#media/operations/command.ts';

export const imageResize: Command<typeof definition> = (values, input) => {
  const { width, height, maintain_aspect_ratio, allow_upscale, output_format, quality, background, metadata } = values;
  return [
    outputSpec({
      container: output_format ?? ownPictureFormat(input),
      width,
      height,
      fit: values.fit ?? (maintain_aspect_ratio ? 'contain' : 'fill'),
      enlarge: allow_upscale,
      picture: pictureOptions({ quality, background, metadata }),
    }),
  ];
};
