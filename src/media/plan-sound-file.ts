// Sound files: which codec, how many channels, at which rates, with which tags. Used by plan-direct.ts.
import { AUDIO_SAMPLE_RATES, type AudioCodec, CONTAINER_FACTS, MOST_CHANNELS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec, SoundOptions } from '#domain/output.ts';
import type { DirectPlan, SoundFilePlan } from '#domain/plan.ts';
import type { AudioFacts } from '#domain/source-facts.ts';
import { blankDirect } from '#media/plan-blank.ts';
import type { Draft } from '#media/plan-draft.ts';
import { type Coding, isLossless, possibleBitrate, soundChannels, soundRate } from '#media/plan-sound.ts';

export const DEFAULT_BITRATE = 192_000;

/** Codecs whose packets a container takes as they are. */
export const COPYABLE_SOUND: Readonly<Record<string, readonly string[]>> = {
  mp4: ['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac'],
  mov: ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'pcm_s16le', 'pcm_s24le'],
  webm: ['opus', 'vorbis'],
  mkv: [],
  ts: ['aac', 'mp3', 'mp2', 'ac3', 'eac3'],
  mp3: ['mp3'],
  flv: ['aac', 'mp3'],
  '3gp': ['aac'],
  m4a: ['aac', 'alac'],
  m4b: ['aac'],
  aac: ['aac'],
  ogg: ['vorbis', 'opus', 'flac'],
  opus: ['opus'],
  flac: ['flac'],
  wav: ['pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le'],
  aiff: ['pcm_s16be', 'pcm_s24be'],
  ac3: ['ac3'],
  wma: ['wmav2', 'wmav1'],
};

/** bits/s of one, two, six and eight channels, where nothing is asked. */
const USUAL = { 1: 128_000, 2: 192_000, 6: 384_000, 8: 512_000 } as const;
/** Opus needs less for the same. */
const USUAL_OPUS = { 1: 96_000, 2: 128_000, 6: 256_000, 8: 384_000 } as const;
/** Containers that have a place for a cover that FFmpeg can write. */
const WITH_COVER = ['mp3', 'm4a', 'm4b', 'flac'];

export function planSoundFile(draft: Draft, spec: OutputSpec): DirectPlan {
  const track = [...draft.facts.audio].sort((a, b) => Number(b.isDefault) - Number(a.isDefault))[0];
  const allowed = CONTAINER_FACTS[spec.container].audio;
  const [fallback] = allowed;
  if (!track || !fallback) throw new PlatformError('no_audio', 'The source has no sound');
  const codec =
    spec.audioCodec === null || spec.audioCodec === 'copy' || spec.audioCodec === 'none' ? fallback : spec.audioCodec;
  if (!allowed.includes(codec))
    throw new PlatformError('unsupported_codec', `${spec.container} takes ${allowed.join(', ')} as audioCodec`);
  const copied = copiesSound(spec, track);
  const channels = fileChannels(track, { spec, codec });
  const sampleRate = spec.sound ? fileRate(track, spec, { codec, channels }) : soundRate(track, spec, codec);
  return {
    ...blankDirect(draft, spec),
    kind: 'audio',
    audioStreams: [track.streamIndex],
    audioCodec: copied ? 'copy' : codec,
    audioBitrate: isLossless(codec) ? 0 : fileBitrate(spec, { codec, channels, sampleRate }),
    channels,
    sampleRate,
    normalize: spec.normalizeAudio,
    ...(spec.loudness ? { loudness: spec.loudness } : {}),
    ...(spec.sound ? { sound: soundDetails(draft, { spec, track, sound: spec.sound }) } : {}),
  };
}

/** @throws PlatformError `unsupported_media` where a copy was asked for that cannot be */
function copiesSound(spec: OutputSpec, track: AudioFacts): boolean {
  const { container, audioCodec, normalizeAudio, sound } = spec;
  const copyable =
    (COPYABLE_SOUND[container] ?? []).includes(track.codec) && track.right === undefined && !normalizeAudio;
  if (audioCodec === 'copy' && !copyable)
    throw new PlatformError(
      'unsupported_media',
      `${track.codec} cannot be copied into ${container}; leave audioCodec out to convert it`,
    );
  const untouched = spec.audioBitrate === null && spec.audioChannels === null && spec.audioSampleRate === null;
  return copyable && (audioCodec === 'copy' || ((sound?.copy ?? false) && audioCodec === null && untouched));
}

/** A sound file keeps its channels where the codec can: 5.1 in FLAC stays 5.1. */
function fileChannels(track: AudioFacts, { spec, codec }: { spec: OutputSpec; codec: AudioCodec }): number {
  const most = MOST_CHANNELS[codec] ?? 8;
  if (spec.audioChannels !== null) return Math.min(most, spec.audioChannels);
  if (isLossless(codec) && holdsAll(codec, track.channels)) return track.channels;
  // Lossy codecs know the usual layouts.
  const surround = spec.sound?.keepChannels && most > 2 && (track.channels === 6 || track.channels === 8);
  return surround ? Math.min(most, track.channels) : soundChannels(track, spec);
}

/** Samples as they are may have any number of channels; FLAC and its like have eight. */
const holdsAll = (codec: AudioCodec, channels: number): boolean =>
  channels <= 8 || codec === 'wav' || codec.startsWith('pcm_');

/** Hz: the source's where the codec can hold it, else the next higher it can, else its highest; of MP3 lower where so few bits were asked for. */
function fileRate(track: AudioFacts, spec: OutputSpec, { codec, channels }: Omit<Coding, 'sampleRate'>): number {
  const rates = AUDIO_SAMPLE_RATES[codec];
  const wanted = spec.audioSampleRate ?? track.sampleRate;
  if (!rates) return Math.min(192_000, Math.max(8000, wanted));
  const own = rates.find((rate) => rate >= wanted) ?? rates.at(-1) ?? 48_000;
  const bitrate = spec.audioBitrate;
  // Vorbis is given more bits instead: eight channels would end at 8 kHz.
  if (codec !== 'mp3' || bitrate === null || spec.audioSampleRate !== null) return own;
  const enough = rates.filter(
    (sampleRate) => sampleRate <= own && possibleBitrate(bitrate, { codec, channels, sampleRate }) <= bitrate,
  );
  return enough.at(-1) ?? own;
}

function fileBitrate(spec: OutputSpec, { codec, channels, sampleRate }: Coding): number {
  const usual = codec === 'opus' ? USUAL_OPUS : USUAL;
  const fallback = spec.sound ? (usual[channels as 1] ?? Math.min(512_000, 96_000 * channels)) : DEFAULT_BITRATE;
  return possibleBitrate(spec.audioBitrate ?? fallback, { codec, channels, sampleRate });
}

type Detailed = { readonly spec: OutputSpec; readonly track: AudioFacts; readonly sound: SoundOptions };

function soundDetails({ facts }: Draft, { spec, track, sound }: Detailed): SoundFilePlan {
  return {
    tags: sound.metadata,
    cover: sound.metadata !== 'none' && WITH_COVER.includes(spec.container) ? facts.coverArt : null,
    bits: (track.bitDepth ?? 16) > 16 ? 24 : 16,
    loudness: spec.normalizeAudio ? sound.loudness : null,
  };
}
