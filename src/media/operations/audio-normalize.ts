// audio_normalize: measured, then raised or lowered as a whole.
import type { audioNormalize as definition } from '#domain/operations/audio-normalize.ts';
import { VIDEO_INPUTS } from '#domain/operations/formats.ts';
import { SOUND_FORMATS, type SoundFormat } from '#domain/operations/sound-options.ts';
import { outputSpec } from '#domain/output.ts';
import { type Command, type OperationInput, soundOptions, soundTarget } from '#media/operations/command.ts';

function ownFormat({ format }: OperationInput): SoundFormat {
  if (VIDEO_INPUTS.some((one) => one === format)) return 'm4a';
  return SOUND_FORMATS.find((one) => one === format) ?? 'mp3';
}

export const audioNormalize: Command<typeof definition> = (values, input) => {
  const { target_lufs, true_peak, output_format, bitrate, metadata } = values;
  return [
    outputSpec({
      ...soundTarget(output_format ?? ownFormat(input)),
      audioBitrate: bitrate,
      normalizeAudio: true,
      sound: soundOptions(metadata, { loudness: { integrated: target_lufs, truePeak: true_peak } }),
    }),
  ];
};
