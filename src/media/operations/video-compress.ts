// video_compress: constant quality under the source's own bitrate, or two passes to a size.
import type { videoCompress as definition } from '#domain/operations/video-compress.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, crfFor } from '#media/operations/command.ts';

export const videoCompress: Command<typeof definition> = ({
  quality,
  preset,
  audio_bitrate,
  target_size_mb,
  output_format,
}) => [
  outputSpec({
    container: output_format,
    videoCodec: 'h264',
    passthrough: 'never',
    rate: { mode: 'capped-crf', crf: crfFor('h264', quality), maxBitrate: null },
    preset,
    audioBitrate: audio_bitrate,
    economy: 'smaller',
    ...(target_size_mb === null ? {} : { targetSize: Math.round(target_size_mb * 1e6) }),
  }),
];
