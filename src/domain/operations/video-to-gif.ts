// video_to_gif: a part of a film as an animation.
import { choice, defineOperation, integer, number, time } from '#domain/operations/definition.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';

export const videoToGif = defineOperation({
  name: 'video_to_gif',
  media_type: 'video',
  description: 'Make an animation of a video or a part of it, with a palette of its own.',
  input_formats: VIDEO_INPUTS,
  output_formats: ['gif', 'webp'],
  parameters: {
    start: time({ default: 0, min: 0, max: 43_200, description: 'Where it begins, seconds or "1:02.5".' }),
    duration: time({ default: 10, min: 0.1, max: 60, description: 'How long it is at the most, seconds.' }),
    fps: number({ default: 12, min: 1, max: 50, description: 'Pictures a second.' }),
    width: integer({
      default: 480,
      min: 16,
      max: 1920,
      description: 'Width in pixels; a smaller video keeps its own.',
    }),
    colors: integer({
      default: 256,
      // The fewest that FFmpeg finds a palette of.
      min: 4,
      max: 256,
      description: 'Colours of the palette (gif); fewer are smaller.',
    }),
    dither: choice(['bayer', 'floyd_steinberg', 'none'], {
      default: 'bayer',
      description: 'How shades between the colours are shown (gif): bayer is smallest of the smooth, none is flat.',
    }),
    loop: integer({ default: 0, min: 0, max: 1000, description: 'How often it is played; 0 is for ever.' }),
    output_format: choice(['gif', 'webp'], { default: 'gif', description: 'webp is several times smaller.' }),
  },
});
