// The table of operations. A new one is its definition in this folder, its command in media/operations, and a line in each table.
import { PlatformError } from '#domain/error.ts';
import { audioConvert } from '#domain/operations/audio-convert.ts';
import { audioExtract } from '#domain/operations/audio-extract.ts';
import { audioNormalize } from '#domain/operations/audio-normalize.ts';
import type { MediaType, Operation, OperationDefinition, Parameter } from '#domain/operations/definition.ts';
import { imageCompress } from '#domain/operations/image-compress.ts';
import { imageConvert } from '#domain/operations/image-convert.ts';
import { imageResize } from '#domain/operations/image-resize.ts';
import { videoCompress } from '#domain/operations/video-compress.ts';
import { videoConvert } from '#domain/operations/video-convert.ts';
import { videoResize } from '#domain/operations/video-resize.ts';
import { videoThumbnail } from '#domain/operations/video-thumbnail.ts';
import { videoToGif } from '#domain/operations/video-to-gif.ts';
import { videoTrim } from '#domain/operations/video-trim.ts';

export const OPERATIONS = {
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
} as const;

export type OperationName = keyof typeof OPERATIONS;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

const isOperationName = (name: string): name is OperationName => Object.hasOwn(OPERATIONS, name);

/** An operation whose parameters' types are forgotten: what validates, shows and lists takes any. */
export type AnyOperation = Omit<Operation, 'rules' | 'name'> & {
  readonly name: OperationName;
  readonly rules: (values: never) => ReturnType<Operation['rules']>;
};

/** null where there is none of this name. */
export function findOperation(name: string): AnyOperation | null {
  return isOperationName(name) ? OPERATIONS[name] : null;
}

/** As the API shows it. @param limits bytes that a file of each media type may have */
export function describeOperation(
  operation: AnyOperation,
  limits: Readonly<Record<MediaType, number>>,
): OperationDefinition {
  const { name, media_type, input_type, description, parameters, input_formats, output_formats } = operation;
  return {
    name,
    media_type,
    description,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, parameter]) => [key, publicParameter(parameter)]),
    ),
    input_formats,
    output_formats,
    max_file_size: limits[input_type],
  };
}

function publicParameter({
  words: _words,
  value: _value,
  ...shown
}: Parameter): OperationDefinition['parameters'][string] {
  return shown;
}

/** @throws PlatformError `unsupported_media` where the operation does not take files of this format */
export function requireInput(operation: AnyOperation, format: string): void {
  if (operation.input_formats.includes(format)) return;
  const others = OPERATION_NAMES.filter((name) => OPERATIONS[name].input_formats.some((one) => one === format));
  const hint = others.length > 0 ? `; ${format} can be given to ${others.join(', ')}` : '';
  throw new PlatformError(
    'unsupported_media',
    `${operation.name} takes ${operation.input_formats.join(', ')}, and the file is ${format}${hint}`,
  );
}
