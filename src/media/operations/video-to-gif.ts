// video_to_gif: a short animation.
import type { videoToGif as definition } from '#domain/operations/video-to-gif.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, pictureOptions } from '#media/operations/command.ts';

/** A GIF's clock counts hundredths of a second; rates in thousandths keep 12.5 what it is. */
const rational = (fps: number) => ({ num: Math.round(fps * 1000), den: 1000 });

export const videoToGif: Command<typeof definition> = (values) => {
  const { start, duration, fps, width, colors, dither, loop, output_format } = values;
  return [
    outputSpec({
      container: output_format,
      start,
      duration,
      fps: rational(fps),
      width,
      animation: { colors, dither, loop },
      ...(output_format === 'webp' ? { picture: pictureOptions({}) } : {}),
    }),
  ];
};
