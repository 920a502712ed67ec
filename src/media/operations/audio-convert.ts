// audio_convert: another coding of the same sound.
import type { audioConvert as definition } from '#domain/operations/audio-convert.ts';
import { type Command, output, soundOptions } from '#media/operations/command.ts';

export const audioConvert: Command<typeof definition> = ({
  output_format,
  bitrate,
  sample_rate,
  channels,
  metadata,
}) => [
  output({
    container: output_format,
    audioBitrate: bitrate,
    audioSampleRate: sample_rate,
    audioChannels: channels,
    sound: soundOptions(metadata),
  }),
];
