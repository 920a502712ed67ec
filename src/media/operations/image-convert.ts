// image_convert: the same pixels in another format.
import type { imageConvert as definition } from '#domain/operations/image-convert.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, pictureOptions } from '#media/operations/command.ts';

export const imageConvert: Command<typeof definition> = ({
  output_format,
  quality,
  lossless,
  background,
  metadata,
}) => [outputSpec({ container: output_format, picture: pictureOptions({ quality, lossless, background, metadata }) })];
