// video_trim: encoded from the very frame, or the source's packets from the keyframe before it.
import type { videoTrim as definition } from '#domain/operations/video-trim.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, crfFor, filmCodec, ownFilmFormat } from '#media/operations/command.ts';

export const videoTrim: Command<typeof definition> = (values, input) => {
  const { start, end, mode, quality } = values;
  const container = values.output_format ?? ownFilmFormat(input);
  const part = { container, start, duration: end === null ? values.duration : end - start };
  if (mode === 'copy') return [outputSpec({ ...part, videoCodec: 'copy' })];
  const codec = filmCodec(container);
  return [
    outputSpec({
      ...part,
      passthrough: 'never',
      rate: { mode: 'capped-crf', crf: crfFor(codec, quality), maxBitrate: null },
      preset: codec === 'vp9' ? 'faster' : 'fast',
      economy: 'full',
    }),
  ];
};
