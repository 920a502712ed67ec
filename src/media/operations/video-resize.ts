// video_resize: an encode at another size.
import type { videoResize as definition } from '#domain/operations/video-resize.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, crfFor, filmCodec, ownFilmFormat } from '#media/operations/command.ts';

export const videoResize: Command<typeof definition> = (values, input) => {
  const { width, height, fit, allow_upscale, quality } = values;
  const container = values.output_format ?? ownFilmFormat(input);
  const codec = filmCodec(container);
  return [
    outputSpec({
      container,
      width,
      height,
      fit,
      enlarge: allow_upscale,
      passthrough: 'never',
      rate: { mode: 'capped-crf', crf: crfFor(codec, quality), maxBitrate: null },
      preset: codec === 'vp9' ? 'faster' : 'fast',
      economy: 'full',
    }),
  ];
};
