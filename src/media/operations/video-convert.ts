// video_convert: a copy where the new format takes the stream as it is, else an encode.
import type { videoConvert as definition } from '#domain/operations/video-convert.ts';
import { type Command, crfFor, filmCodec, output } from '#media/operations/command.ts';

export const videoConvert: Command<typeof definition> = ({ output_format, quality }) => {
  if (output_format === 'gif') return [output({ container: 'gif' })];
  const codec = filmCodec(output_format);
  return [
    output({
      container: output_format,
      passthrough: quality === null ? 'auto' : 'never',
      rate: { mode: 'capped-crf', crf: quality === null ? null : crfFor(codec, quality), maxBitrate: null },
      preset: codec === 'vp9' ? 'faster' : 'fast',
      economy: 'full',
    }),
  ];
};
