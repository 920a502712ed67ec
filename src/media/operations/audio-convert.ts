// audio_convert: another coding of the same sound.
import type { audioConvert as definition } from '#domain/operations/audio-convert.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, soundOptions, soundTarget } from '#media/operations/command.ts';

export const audioConvert: Command<typeof definition> = ({
  output_format,
  bitrate,
  sample_rate,
  channels,
  metadata,
}) => [
  outputSpec({
    ...soundTarget(output_format),
    audioBitrate: bitrate,
    audioSampleRate: sample_rate,
    audioChannels: channels,
    sound: soundOptions(metadata),
  }),
];
