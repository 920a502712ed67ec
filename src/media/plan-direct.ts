// Outputs that are one file by a command of its own: copies, sound files, animations, pictures.
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { OutputPlan } from '#domain/plan.ts';
import { isStandard } from '#media/doctor.ts';
import { usualBitrate } from '#media/ladder.ts';
import { blankDirect } from '#media/plan-blank.ts';
import { isDecorated } from '#media/plan-decoration.ts';
import type { Draft } from '#media/plan-draft.ts';
import { planFilmFile } from '#media/plan-film-file.ts';
import { planPictureFile } from '#media/plan-picture-file.ts';
import { isLossless, possibleBitrate, soundRate } from '#media/plan-sound.ts';
import { COPYABLE_SOUND, DEFAULT_BITRATE, planSoundFile } from '#media/plan-sound-file.ts';
import { planTimeline } from '#media/plan-timeline.ts';

/** Codecs whose packets a container takes as they are. */
const COPYABLE: Readonly<Record<string, readonly string[]>> = {
  mp4: ['h264', 'hevc', 'av1', 'vp9', 'mpeg4'],
  mov: ['h264', 'hevc', 'mpeg4', 'prores', 'mjpeg', 'dnxhd'],
  webm: ['vp8', 'vp9', 'av1'],
  mkv: [],
  ts: ['h264', 'hevc', 'mpeg2video', 'mpeg1video', 'mpeg4'],
  flv: ['h264'],
  '3gp': ['h264'],
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
    // A preset says how to encode; operations give theirs for the case that something must be.
    ...(spec.economy ? {} : { preset: null }),
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
    // Who asks for another container alone wants the same film, whatever it weighs.
    (spec.economy === 'full' || video.bitrate <= rate * 1.07)
  );
}

const takes = (table: Readonly<Record<string, readonly string[]>>, container: string, codec: string): boolean =>
  container === 'mkv' || (table[container] ?? []).includes(codec);

export function planDirect(draft: Draft, spec: OutputSpec, index: number): OutputPlan {
  const { kind } = CONTAINER_FACTS[spec.container];
  const direct =
    kind === 'audio'
      ? planSoundFile(draft, spec)
      : kind === 'video'
        ? copy(draft, spec, index)
        : kind === 'film'
          ? planFilmFile(draft, spec, index)
          : planPictureFile(draft, spec, index);
  // The timeline of a picture or an animation is its place on the source's clock; sound and copies need only start and length.
  const timeline = planTimeline(
    draft,
    direct.fps ? { ...spec, fps: direct.fps, duration: direct.duration } : spec,
    direct.kind === 'animation' || direct.kind === 'image' || direct.kind === 'film',
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
  // MP4 and MOV carry the rotation along; in the others the film would lie on its side.
  if ((facts.video.rotation !== 0 || facts.video.mirrored) && spec.container !== 'mp4' && spec.container !== 'mov')
    throw new PlatformError(
      'unsupported_media',
      `outputs.${index}: a turned video cannot be copied into ${spec.container}; take mp4 or mov, or leave videoCodec out to convert it`,
    );
  const all = spec.audioCodec === 'none' ? [] : facts.audio;
  // FLV has room for one sound.
  const tracks =
    spec.container === 'flv'
      ? all
          .filter(({ isDefault }) => isDefault)
          .concat(all)
          .slice(0, 1)
      : all;
  const copies =
    (spec.audioCodec === null || spec.audioCodec === 'copy') &&
    tracks.every((track) => takes(COPYABLE_SOUND, spec.container, track.codec));
  const wanted = spec.audioCodec === 'copy' || spec.audioCodec === 'none' ? null : spec.audioCodec;
  const codec = wanted ?? CONTAINER_FACTS[spec.container].audio[0] ?? 'aac';
  const channels = spec.audioChannels ?? Math.max(1, ...tracks.map((track) => Math.min(2, track.channels)));
  const sampleRate = tracks[0] ? soundRate(tracks[0], spec, codec) : 48_000;
  return {
    ...blankDirect(draft, spec),
    kind: 'copy',
    videoStream: facts.video.streamIndex,
    audioStreams: tracks.map((track) => track.streamIndex),
    audioCodec: copies || tracks.length === 0 ? 'copy' : codec,
    audioBitrate: isLossless(codec)
      ? 0
      : possibleBitrate(spec.audioBitrate ?? DEFAULT_BITRATE, { codec, channels, sampleRate }),
    channels,
    sampleRate,
  };
}
