// video_trim: a part of a film, at exact frames or, without loss, at keyframes.
import { choice, defineOperation, time } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { FILM_FORMATS, filmFormat, quality } from '#domain/operations/video-quality.ts';

export const videoTrim = defineOperation({
  name: 'video_trim',
  media_type: 'video',
  description: 'Cut a part out of a video.',
  input_formats: VIDEO_INPUTS,
  output_formats: FILM_FORMATS,
  parameters: {
    start: time({ default: 0, min: 0, max: 43_200, description: 'Where the part begins, seconds or "1:02:03.5".' }),
    end: time({
      default: null,
      min: 0.04,
      max: 43_200,
      description: 'Where it ends; left out, at the end of the video.',
    }),
    duration: time({ default: null, min: 0.04, max: 43_200, description: 'How long it is, instead of end.' }),
    mode: choice(['exact', 'copy'], {
      default: 'exact',
      description:
        'exact cuts at the very frame and encodes; copy loses nothing, is quick, and begins at the keyframe before start.',
    }),
    quality,
    output_format: filmFormat,
  },
  rules: ({ start, end, duration }) => {
    if (end !== null && duration !== null) return [{ path: 'duration', message: 'end or duration, not both' }];
    if (end !== null && end <= start) return [{ path: 'end', message: `more than start, which is ${start}` }];
    if (end === null && duration === null && start === 0)
      return [{ path: 'start', message: 'start, end or duration is needed: else nothing would be cut' }];
    return [];
  },
});
