// video_thumbnail: one frame, made a picture by the image library.
import type { videoThumbnail as definition } from '#domain/operations/video-thumbnail.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, pictureOptions } from '#media/operations/command.ts';

/** Past titles and fades, before anything is given away. */
const USUAL_PLACE = 0.1;

export const videoThumbnail: Command<typeof definition> = ({ time, width, height, fit, output_format, quality }) => [
  outputSpec({
    container: output_format,
    width,
    height,
    fit,
    ...(time === null ? { startShare: USUAL_PLACE } : { start: time }),
    // As films are: what is transparent lies on black.
    picture: pictureOptions({ quality, animated: false, background: '#000000' }),
  }),
];
