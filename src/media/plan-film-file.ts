// Files of older players (AVI, WMV, MPEG, Ogg): one run over the whole, in the codecs that those players know. Used by plan-direct.ts.
import type { AudioCodec, Container } from '#domain/codec.ts';
import { CONTAINER_FACTS, MOST_CHANNELS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { DirectPlan, FilmFilePlan } from '#domain/plan.ts';
import type { AudioFacts, Rational } from '#domain/source-facts.ts';
import { chooseFrameRate, mpegRate, rateNumber } from '#media/frame-rate.ts';
import { blankDirect } from '#media/plan-blank.ts';
import { planDecoration } from '#media/plan-decoration.ts';
import type { Draft } from '#media/plan-draft.ts';
import { possibleBitrate, soundChannels, soundRate } from '#media/plan-sound.ts';
import { fileSize } from '#media/plan-video.ts';

const FILM_CODECS: Readonly<Partial<Record<Container, FilmFilePlan['codec']>>> = {
  avi: 'mpeg4',
  wmv: 'wmv2',
  mpg: 'mpeg2video',
  ogv: 'theora',
};
/** x264's scale, where nothing is said. */
const USUAL_QUALITY = 21;
/** bits/s of stereo */
const USUAL_SOUND = 192_000;
/** MPEG-4 counts its clock in 16 bits. */
const FINEST_CLOCK = 65_535;

/** @throws PlatformError `no_video` where there is no picture that moves */
export function planFilmFile(draft: Draft, spec: OutputSpec, index: number): DirectPlan {
  const { facts, options } = draft;
  const { video } = facts;
  if (!video || facts.isStill)
    throw new PlatformError('no_video', `outputs.${index}: a ${spec.container} needs a film, and the source is none`);
  const size = fileSize({ width: video.displayWidth, height: video.displayHeight }, spec);
  const [track] = [...facts.audio].sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  const { rate } = spec;
  const bitrate = rate.mode !== 'capped-crf' ? rate.bitrate : rate.crf === null ? rate.maxBitrate : null;
  return {
    ...blankDirect(draft, spec),
    kind: 'film',
    ...size,
    fps: filmRate(spec.container, chooseFrameRate(video, spec.fps, options.limits.maxFrameRate)),
    decoration: planDecoration(draft, { spec, index, shortSide: Math.min(size.width, size.height) }),
    videoStream: video.streamIndex,
    ...(track && spec.audioCodec !== 'none' ? filmSound(track, spec) : {}),
    film: {
      codec: FILM_CODECS[spec.container] ?? 'mpeg4',
      bitrate,
      quality: (rate.mode === 'capped-crf' ? rate.crf : null) ?? USUAL_QUALITY,
    },
  };
}

function filmRate(container: Container, fps: Rational): Rational {
  if (container === 'mpg') return mpegRate(fps);
  return fps.num <= FINEST_CLOCK ? fps : { num: Math.round(rateNumber(fps) * 1000), den: 1000 };
}

type FilmSound = Pick<
  DirectPlan,
  'audioStreams' | 'audioCodec' | 'audioBitrate' | 'channels' | 'sampleRate' | 'normalize'
>;

function filmSound(track: AudioFacts, spec: OutputSpec): FilmSound {
  const codec: AudioCodec = CONTAINER_FACTS[spec.container].audio[0] ?? 'mp3';
  const channels = Math.min(soundChannels(track, spec), MOST_CHANNELS[codec] ?? 2);
  const sampleRate = soundRate(track, spec, codec);
  return {
    audioStreams: [track.streamIndex],
    audioCodec: codec,
    audioBitrate: possibleBitrate(spec.audioBitrate ?? USUAL_SOUND, { codec, channels, sampleRate }),
    channels,
    sampleRate,
    normalize: spec.normalizeAudio,
  };
}
