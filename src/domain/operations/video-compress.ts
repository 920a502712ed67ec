// video_compress: a smaller file of the same film, in H.264.
import { choice, defineOperation, number } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { audioBitrate, preset, quality } from '#domain/operations/video-quality.ts';

export const videoCompress = defineOperation({
  name: 'video_compress',
  media_type: 'video',
  description: 'Compress video using the H.264 codec, by constant quality or to a size.',
  input_formats: VIDEO_INPUTS,
  output_formats: ['mp4', 'mov', 'mkv'],
  parameters: {
    quality,
    preset,
    audio_bitrate: audioBitrate,
    target_size_mb: number({
      default: null,
      min: 0.05,
      max: 100_000,
      description: 'The whole file has about this many megabytes (10⁶ bytes) and not more; takes the place of quality.',
    }),
    output_format: choice(['mp4', 'mov', 'mkv'], { default: 'mp4', description: 'Format of the result.' }),
  },
});
