// audio_extract: the film's own sound, copied where the format takes it.
import type { audioExtract as definition } from '#domain/operations/audio-extract.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, soundOptions, soundTarget } from '#media/operations/command.ts';

export const audioExtract: Command<typeof definition> = ({ output_format, bitrate, metadata }) => [
  outputSpec({
    ...soundTarget(output_format),
    audioBitrate: bitrate,
    sound: soundOptions(metadata, { copy: bitrate === null }),
  }),
];
