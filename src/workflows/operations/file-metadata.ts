// What the record of a file says of its content. Pure; used by create-operation.ts and follow-operation-job.ts.
import type { OutputResult } from '#domain/job.ts';
import type { FileMetadata } from '#domain/operation.ts';
import type { Plan } from '#domain/plan.ts';
import type { Rational, SourceFacts } from '#domain/source-facts.ts';

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
const perSecond = ({ num, den }: Rational): number => rounded(num / den, 3);

/** Only what has a value: a picture has no duration, a film without sound no channels. */
const known = (fields: { readonly [K in keyof FileMetadata]: FileMetadata[K] | null | undefined }): FileMetadata =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== 0),
  );

export function sourceMetadata(facts: SourceFacts, format: string): FileMetadata {
  const { video, isStill } = facts;
  const [sound] = facts.audio;
  return known({
    format,
    duration: isStill ? null : rounded(facts.duration, 3),
    width: video?.displayWidth,
    height: video?.displayHeight,
    video_codec: isStill ? null : video?.codec,
    audio_codec: sound?.codec,
    frame_rate: isStill || !video?.averageFrameRate ? null : perSecond(video.averageFrameRate),
    sample_rate: sound?.sampleRate,
    channels: sound?.channels,
    bitrate: isStill ? null : Math.round(facts.bitrate),
  });
}

/** Of a job's first output, which is an operation's only one. */
export function resultMetadata(result: OutputResult, plan: Plan | null, facts: SourceFacts | null): FileMetadata {
  const [output] = plan?.outputs ?? [];
  const direct = output?.direct ?? null;
  const isPicture = output?.method === 'image';
  const film = plan?.video.find(({ id }) => output?.video.includes(id));
  const sound = plan?.audio.find(({ id }) => output?.audio.includes(id)) ?? null;
  const hasSound = sound !== null || (direct !== null && direct.audioStreams.length > 0);
  const timeline = output && plan?.timelines[output.timeline];
  const codec = (name: string | null | undefined, copied: string | undefined) => (name === 'copy' ? copied : name);
  return known({
    format: result.container,
    duration: isPicture ? null : rounded(result.duration, 3),
    width: result.width,
    height: result.height,
    video_codec: isPicture ? null : codec(film?.codec ?? result.videoCodec, facts?.video?.codec),
    audio_codec: hasSound ? codec(result.audioCodec, facts?.audio[0]?.codec) : null,
    frame_rate: isPicture || !timeline || !(film || direct?.fps) ? null : perSecond(timeline.fps),
    sample_rate: hasSound ? (sound?.sampleRate ?? direct?.sampleRate) : null,
    channels: hasSound ? (sound?.channels ?? direct?.channels) : null,
    bitrate: isPicture || result.duration <= 0 ? null : Math.round((result.size * 8) / result.duration),
  });
}
