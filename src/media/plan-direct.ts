// Outputs that are one file by a command of its own: copies, sound files, animations, pictures.
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { DirectPlan, OutputPlan } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';
import { isStandard } from '#media/doctor.ts';
import { usualBitrate } from '#media/ladder.ts';
import { isDecorated, planDecoration } from '#media/plan-decoration.ts';
import type { Draft } from '#media/plan-draft.ts';
import { isLossless, soundChannels, soundRate } from '#media/plan-sound.ts';
import { planTimeline, span } from '#media/plan-timeline.ts';
import { fileSize } from '#media/plan-video.ts';

/** An animation that names nothing: small enough to send around. */
const ANIMATION_RATE: Rational = { num: 12, den: 1 };
const ANIMATION_WIDTH = 480;
const DEFAULT_BITRATE = 192_000;

/** Codecs whose packets a container takes as they are. */
const COPYABLE: Readonly<Record<string, readonly string[]>> = {
  mp4: ['h264', 'hevc', 'av1', 'vp9', 'mpeg4'],
  mov: ['h264', 'hevc', 'mpeg4', 'prores', 'mjpeg', 'dnxhd'],
  webm: ['vp8', 'vp9', 'av1'],
  mkv: [],
  ts: ['h264', 'hevc', 'mpeg2video', 'mpeg1video', 'mpeg4'],
};
const COPYABLE_SOUND: Readonly<Record<string, readonly string[]>> = {
  mp4: ['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac'],
  mov: ['aac', 'mp3', 'ac3', 'eac3', 'alac', 'pcm_s16le', 'pcm_s24le'],
  webm: ['opus', 'vorbis'],
  mkv: [],
  ts: ['aac', 'mp3', 'mp2', 'ac3', 'eac3'],
  mp3: ['mp3'],
  m4a: ['aac', 'alac'],
  aac: ['aac'],
  ogg: ['vorbis', 'opus', 'flac'],
  opus: ['opus'],
  flac: ['flac'],
  wav: ['pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le'],
};

/**
 * Whether a video file that asks for nothing but a container is the source's own packets: a standard source whose rate is
 * no higher than an encode's would be loses by encoding, and takes a hundred times as long.
 */
export function copiesFile(draft: Draft, spec: OutputSpec): boolean {
  const { facts } = draft;
  const { video } = facts;
  if (!video || spec.passthrough === 'never' || spec.videoCodec !== null || !isStandard(facts).standard) return false;
  const plain = {
    width: null,
    height: null,
    fps: null,
    preset: null,
    audioCodec: null,
    audioBitrate: null,
    audioChannels: null,
    audioSampleRate: null,
    duration: null,
    thumbnails: null,
  };
  const asksNothing =
    Object.keys(plain).every((key) => spec[key as keyof typeof plain] === null) &&
    spec.start === 0 &&
    !spec.normalizeAudio;
  const usualRate = spec.rate.mode === 'capped-crf' && spec.rate.crf === null && spec.rate.maxBitrate === null;
  if (!asksNothing || !usualRate || isDecorated(spec)) return false;
  const rate = usualBitrate(video.width * video.height, video.averageFrameRate ?? { num: 25, den: 1 });
  return (
    takes(COPYABLE, spec.container, video.codec) &&
    facts.audio.every((track) => takes(COPYABLE_SOUND, spec.container, track.codec)) &&
    video.bitrate <= rate * 1.07
  );
}

const takes = (table: Readonly<Record<string, readonly string[]>>, container: string, codec: string): boolean =>
  container === 'mkv' || (table[container] ?? []).includes(codec);

export function planDirect(draft: Draft, spec: OutputSpec, index: number): OutputPlan {
  const { kind } = CONTAINER_FACTS[spec.container];
  const direct =
    kind === 'audio'
      ? soundFile(draft, spec)
      : kind === 'video'
        ? copy(draft, spec, index)
        : picture(draft, spec, index);
  // The timeline of a picture or an animation is its place on the source's clock; sound and copies need only start and length.
  const timeline = planTimeline(
    draft,
    direct.fps ? { ...spec, fps: direct.fps, duration: direct.duration } : spec,
    direct.kind === 'animation' || direct.kind === 'image',
  );
  return {
    index,
    container: spec.container,
    method: direct.kind === 'image' ? 'image' : 'direct',
    timeline: timeline.id,
    video: [],
    audio: [],
    subtitles: [],
    pictures: [],
    direct,
    refused: null,
  };
}

function base(draft: Draft, spec: OutputSpec): DirectPlan {
  const { sourceStart, duration } = span(draft.facts, spec);
  return {
    kind: 'copy',
    start: sourceStart,
    duration,
    width: null,
    height: null,
    fps: null,
    fit: spec.fit,
    decoration: null,
    videoStream: null,
    audioStreams: [],
    audioCodec: null,
    audioBitrate: 0,
    channels: 2,
    sampleRate: 48_000,
    normalize: false,
  };
}

function soundFile(draft: Draft, spec: OutputSpec): DirectPlan {
  const track = [...draft.facts.audio].sort((a, b) => Number(b.isDefault) - Number(a.isDefault))[0];
  const allowed = CONTAINER_FACTS[spec.container].audio;
  const [fallback] = allowed;
  if (!track || !fallback) throw new PlatformError('no_audio', 'The source has no sound');
  const copyable =
    spec.audioCodec === 'copy' && (COPYABLE_SOUND[spec.container] ?? []).includes(track.codec) && !spec.normalizeAudio;
  if (spec.audioCodec === 'copy' && !copyable)
    throw new PlatformError(
      'unsupported_media',
      `${track.codec} cannot be copied into ${spec.container}; leave audioCodec out to convert it`,
    );
  const codec =
    spec.audioCodec === null || spec.audioCodec === 'copy' || spec.audioCodec === 'none' ? fallback : spec.audioCodec;
  if (!allowed.includes(codec))
    throw new PlatformError('unsupported_codec', `${spec.container} takes ${allowed.join(', ')} as audioCodec`);
  return {
    ...base(draft, spec),
    kind: 'audio',
    audioStreams: [track.streamIndex],
    audioCodec: copyable ? 'copy' : codec,
    audioBitrate: isLossless(codec) ? 0 : (spec.audioBitrate ?? DEFAULT_BITRATE),
    // A sound file keeps its channels where the codec can: 5.1 in FLAC stays 5.1.
    channels: spec.audioChannels ?? (isLossless(codec) ? track.channels : soundChannels(track, spec)),
    sampleRate: soundRate(track, spec, codec),
    normalize: spec.normalizeAudio,
  };
}

function copy(draft: Draft, spec: OutputSpec, index: number): OutputPlan['direct'] & object {
  const { facts } = draft;
  if (!facts.video || facts.isStill)
    throw new PlatformError('no_video', `outputs.${index}: the source has no video to copy`);
  if (!takes(COPYABLE, spec.container, facts.video.codec)) {
    throw new PlatformError(
      'unsupported_media',
      `outputs.${index}: ${facts.video.codec} cannot be copied into ${spec.container}; leave videoCodec out to convert it`,
    );
  }
  const tracks = spec.audioCodec === 'none' ? [] : facts.audio;
  const copies =
    (spec.audioCodec === null || spec.audioCodec === 'copy') &&
    tracks.every((track) => takes(COPYABLE_SOUND, spec.container, track.codec));
  const wanted = spec.audioCodec === 'copy' || spec.audioCodec === 'none' ? null : spec.audioCodec;
  const codec = wanted ?? CONTAINER_FACTS[spec.container].audio[0] ?? 'aac';
  return {
    ...base(draft, spec),
    kind: 'copy',
    videoStream: facts.video.streamIndex,
    audioStreams: tracks.map((track) => track.streamIndex),
    audioCodec: copies || tracks.length === 0 ? 'copy' : codec,
    audioBitrate: isLossless(codec) ? 0 : (spec.audioBitrate ?? DEFAULT_BITRATE),
    channels: spec.audioChannels ?? Math.max(1, ...tracks.map((track) => Math.min(2, track.channels))),
    sampleRate: tracks[0] ? soundRate(tracks[0], spec, codec) : 48_000,
  };
}

function picture(draft: Draft, spec: OutputSpec, index: number): DirectPlan {
  const { video } = draft.facts;
  if (!video) throw new PlatformError('no_video', 'The source has no picture');
  const source = { width: video.displayWidth, height: video.displayHeight };
  const animation = spec.container === 'gif';
  const wish =
    animation && spec.width === null && spec.height === null
      ? { ...spec, width: Math.min(ANIMATION_WIDTH, source.width) }
      : spec;
  // Pictures may have odd sizes: a still that is not resized keeps every pixel.
  const size = !animation && spec.width === null && spec.height === null ? source : fileSize(source, wish);
  const direct = base(draft, spec);
  return {
    ...direct,
    kind: animation ? 'animation' : 'image',
    ...size,
    decoration: planDecoration(draft, { spec, index, shortSide: Math.min(size.width, size.height) }),
    fps: animation ? (spec.fps ?? ANIMATION_RATE) : null,
    duration: direct.duration,
    videoStream: video.streamIndex,
  };
}
