// The sound of one output: one rendition a track, shared by all video renditions.
import { type AudioCodec, CONTAINER_FACTS, MOST_CHANNELS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { AudioRendition, Timeline } from '#domain/plan.ts';
import type { AudioFacts, SourceFacts } from '#domain/source-facts.ts';
import { economicSound, type SharedOut, shareOut } from '#media/economy.ts';
import { type Draft, languageName, share } from '#media/plan-draft.ts';
import { packagesOriginal } from '#media/plan-timeline.ts';

/** Tracks that are carried, at the most. */
const MOST_TRACKS = 8;
const DEFAULT_BITRATE = 128_000;
const USUAL_RATES = [44_100, 48_000];
/** bits/s of one channel that libvorbis starts with, by the rate: measured with one to eight channels. */
const VORBIS: readonly (readonly [below: number, least: number, most: number])[] = [
  [9000, 8000, 32_000],
  [15_000, 15_000, 48_000],
  [19_000, 16_000, 86_000],
  [26_000, 16_000, 80_000],
  [40_000, 32_000, 125_000],
  [Number.POSITIVE_INFINITY, 32_000, 240_000],
];
/** What an MP3 may have in all below each sampling rate (MPEG-2.5, MPEG-2, MPEG-1 Layer III): bits/s at least and at most. */
const MP3: readonly (readonly [belowRate: number, least: number, most: number])[] = [
  [16_000, 8000, 64_000],
  [32_000, 8000, 160_000],
  [Number.POSITIVE_INFINITY, 32_000, 320_000],
];
/** bits/s of one channel that libopus takes at the most. */
const OPUS_MOST = 256_000;
/** bits/s that Layer II knows (ISO/IEC 11172-3, table B.2). */
const MP2 = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384].map((kilo) => kilo * 1000);

export type Coding = { readonly codec: AudioCodec; readonly channels: number; readonly sampleRate: number };

/** The bitrate nearest to a wanted one that the encoder makes: libvorbis and libopus refuse others, LAME takes another. bits/s */
export function possibleBitrate(wanted: number, { codec, channels, sampleRate }: Coding): number {
  if (codec === 'opus') return Math.min(wanted, OPUS_MOST * channels);
  if (codec === 'mp2') return MP2.find((rate) => rate >= wanted) ?? 384_000;
  if (codec === 'ac3') return Math.min(Math.max(wanted, 32_000 * channels), 640_000);
  if (codec !== 'vorbis' && codec !== 'mp3') return wanted;
  const [table, share] = codec === 'mp3' ? [MP3, 1] : [VORBIS, channels];
  const [, least, most] = table.find(([below]) => sampleRate < below) ?? [0, 32_000, 240_000];
  return Math.min(Math.max(wanted, least * share), most * share);
}

/** bits/s that a codec needs for one and for two channels; lossless codecs have none. */
export const isLossless = (codec: AudioCodec): boolean => LOSSLESS.includes(codec);
const LOSSLESS: readonly AudioCodec[] = ['flac', 'alac', 'wav', 'pcm_s24le', 'pcm_s16be', 'pcm_s24be'];

/** Adds the sound tracks of an output to the plan; their ids, the default one first. */
export function planSound(
  draft: Draft,
  { spec, timeline, renditions }: { spec: OutputSpec; timeline: Timeline; renditions: number },
): string[] {
  const allowed = CONTAINER_FACTS[spec.container].audio;
  // Sound in streams is cut from an encode; what is asked to be copied is encoded with the container's own codec.
  const wanted = spec.audioCodec === 'copy' || spec.audioCodec === 'none' ? null : spec.audioCodec;
  const codec = wanted ?? allowed[0];
  if (codec === undefined || !allowed.includes(codec))
    throw new PlatformError('unsupported_codec', `${spec.container} takes ${allowed.join(', ')} as audioCodec`);
  const multiple =
    spec.container === 'hls' ||
    spec.container === 'dash' ||
    spec.container === 'mkv' ||
    spec.container === 'mp4' ||
    spec.container === 'mov';
  const tracks = [...draft.facts.audio]
    .sort((a, b) => Number(b.isDefault) - Number(a.isDefault))
    .slice(0, multiple ? MOST_TRACKS : 1);
  const copied = timeline.keyframes !== null && packagesOriginal(draft) && asItIs(spec);
  const ladderBitrate = spec.renditions?.find((rendition) => rendition.audioBitrate !== null)?.audioBitrate;
  return tracks.map((track, i) =>
    share<AudioRendition>(draft.audio, 'a', {
      name: trackName(track, i, tracks.length),
      language: track.language,
      isDefault: i === 0,
      timeline: timeline.id,
      streamIndex: track.streamIndex,
      codec,
      ...(copied && codec === 'aac' && isStandardSound(track, timeline)
        ? {
            method: 'packaged' as const,
            bitrate: track.bitrate,
            channels: track.channels,
            sampleRate: track.sampleRate,
          }
        : encodedSound(codec, {
            wanted: trackBitrate(draft, { spec, track, timeline, usual: ladderBitrate }),
            channels: soundChannels(track, spec),
            sampleRate: soundRate(track, spec, codec),
          })),
      normalize: spec.normalizeAudio,
      ...(spec.loudness ? { loudness: spec.loudness } : {}),
      segmentFormat: renditions > 0 || spec.container === 'hls' ? spec.segmentFormat : 'cmaf',
    }),
  );
}

function encodedSound(codec: AudioCodec, sound: Omit<Coding, 'codec'> & { readonly wanted: number }) {
  const { wanted, sampleRate } = sound;
  const channels = Math.min(sound.channels, MOST_CHANNELS[codec] ?? 8);
  const bitrate = isLossless(codec) ? 0 : possibleBitrate(wanted, { codec, channels, sampleRate });
  return { method: 'encoded' as const, bitrate, channels, sampleRate };
}

/** Nothing is asked of the sound that needs an encoder. */
const asItIs = (spec: OutputSpec): boolean =>
  spec.passthrough === 'auto' &&
  spec.audioBitrate === null &&
  spec.audioChannels === null &&
  spec.audioSampleRate === null &&
  !spec.normalizeAudio;

/** bits/s; above it, sound takes from the picture what nobody hears. */
const MOST_BITRATE = 400_000;
/** Seconds by which sound may begin later than the picture, and end before it. */
const LATE = 0.1;
const SHORT = 0.5;

/** AAC-LC that every player takes as it is, for as long as the picture lasts. */
function isStandardSound(track: AudioFacts, { sourceStart, duration }: Timeline): boolean {
  return (
    track.codec === 'aac' &&
    track.profile === 'LC' &&
    track.channels >= 1 &&
    track.channels <= 2 &&
    USUAL_RATES.includes(track.sampleRate) &&
    track.bitrate <= MOST_BITRATE &&
    track.startTime - sourceStart < LATE &&
    track.endTime > sourceStart + duration - SHORT
  );
}

type Rated = {
  readonly spec: OutputSpec;
  readonly track: AudioFacts;
  readonly timeline: Timeline;
  readonly usual: number | null | undefined;
};

function trackBitrate({ facts }: Draft, { spec, track, timeline, usual }: Rated): number {
  if (spec.targetSize !== undefined) return soundBudget(facts, spec, timeline.duration).sound;
  const wanted = spec.audioBitrate ?? usual ?? DEFAULT_BITRATE;
  return spec.economy === 'smaller' ? economicSound(wanted, track.bitrate) : wanted;
}

/** What an output of so many bytes has for its picture and for each of its sounds. @throws PlatformError `invalid_request` */
export function soundBudget(facts: SourceFacts, spec: OutputSpec, duration: number): SharedOut {
  const tracks = spec.audioCodec === 'none' ? 0 : Math.min(facts.audio.length, MOST_TRACKS);
  return shareOut(spec.targetSize ?? 0, { duration, tracks, audioBitrate: spec.audioBitrate ?? DEFAULT_BITRATE });
}

/** Mono stays mono, everything else is mixed down to stereo, unless the request says otherwise. */
export function soundChannels(track: Pick<AudioFacts, 'channels'>, spec: Pick<OutputSpec, 'audioChannels'>): number {
  return spec.audioChannels ?? Math.max(1, Math.min(2, track.channels));
}

/** Hz: 44.1 and 48 kHz stay, others become 48 kHz; lossless keeps any. */
export function soundRate(
  track: Pick<AudioFacts, 'sampleRate'>,
  spec: Pick<OutputSpec, 'audioSampleRate'>,
  codec: AudioCodec,
): number {
  if (spec.audioSampleRate !== null) return spec.audioSampleRate;
  if (codec === 'opus') return 48_000;
  return isLossless(codec) || USUAL_RATES.includes(track.sampleRate) ? track.sampleRate : 48_000;
}

function trackName(track: AudioFacts, i: number, count: number): string {
  return track.title ?? (track.language ? languageName(track.language) : count > 1 ? `Track ${i + 1}` : 'Audio');
}
