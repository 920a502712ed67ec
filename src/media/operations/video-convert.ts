// video_convert: a copy where the new format takes the stream as it is, else an encode.
import type { videoConvert as definition } from '#domain/operations/video-convert.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, crfFor, filmCodec } from '#media/operations/command.ts';

export const videoConvert: Command<typeof definition> = ({ output_format, quality }) => {
  if (output_format === 'gif') return [outputSpec({ container: 'gif' })];
  const codec = filmCodec(output_format);
  return [
    outputSpec({
      container: output_format,
      passthrough: quality === null ? 'auto' : 'never',
      rate: { mode: 'capped-crf', crf: quality === null ? null : crfFor(codec, quality), maxBitrate: null },
      preset: codec === 'vp9' ? 'faster' : 'fast',
      economy: 'full',
    }),
  ];
};
