// From an operation and its values to the outputs of a job. Called by the workflow that submits an operation.
import type { ParameterValues } from '#domain/operations/definition.ts';
import type { OPERATIONS, OperationName } from '#domain/operations/registry.ts';
import type { OutputSpec } from '#domain/output.ts';
import { audioConvert } from '#media/operations/audio-convert.ts';
import { audioExtract } from '#media/operations/audio-extract.ts';
import { audioNormalize } from '#media/operations/audio-normalize.ts';
import type { Command, OperationInput } from '#media/operations/command.ts';
import { imageCompress } from '#media/operations/image-compress.ts';
import { imageConvert } from '#media/operations/image-convert.ts';
import { imageResize } from '#media/operations/image-resize.ts';
import { videoCompress } from '#media/operations/video-compress.ts';
import { videoConvert } from '#media/operations/video-convert.ts';
import { videoResize } from '#media/operations/video-resize.ts';
import { videoThumbnail } from '#media/operations/video-thumbnail.ts';
import { videoToGif } from '#media/operations/video-to-gif.ts';
import { videoTrim } from '#media/operations/video-trim.ts';

/** Each command under its operation's name: one that is missing is a type error. */
const COMMANDS: { readonly [N in OperationName]: Command<(typeof OPERATIONS)[N]> } = {
  video_compress: videoCompress,
  video_convert: videoConvert,
  video_resize: videoResize,
  video_trim: videoTrim,
  video_thumbnail: videoThumbnail,
  video_to_gif: videoToGif,
  image_resize: imageResize,
  image_convert: imageConvert,
  image_compress: imageCompress,
  audio_convert: audioConvert,
  audio_extract: audioExtract,
  audio_normalize: audioNormalize,
};

/** @param values as validateParameters gave them, every parameter with its value */
export function toJob(
  { name }: { readonly name: OperationName },
  values: ParameterValues,
  input: OperationInput,
): readonly OutputSpec[] {
  return COMMANDS[name](values as never, input);
}
