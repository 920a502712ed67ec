// image_compress: as few bytes as the quality allows.
import type { imageCompress as definition } from '#domain/operations/image-compress.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, ownPictureFormat, pictureOptions } from '#media/operations/command.ts';

export const imageCompress: Command<typeof definition> = (values, input) => {
  const { quality, target_size_kb, max_width, max_height, output_format, background, metadata } = values;
  return [
    outputSpec({
      container: output_format ?? ownPictureFormat(input),
      width: max_width,
      height: max_height,
      picture: pictureOptions({
        quality,
        background,
        metadata,
        compress: true,
        maxBytes: target_size_kb === null ? null : Math.floor(target_size_kb * 1000),
      }),
    }),
  ];
};
