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

/** Names of encoders that are not their codec's. */
const CODECS: Readonly<Record<string, string>> = { wav: 'pcm_s16le', wma: 'wmav2' };
/** PCM of 24 bits, by the name of the one with 16. */
const DEEP: Readonly<Record<string, string>> = { wav: 'pcm_s24le', pcm_s16be: 'pcm_s24be' };

/** Of a job's first output, which is an operation's only one. What was copied is as it was in the source. */
export function resultMetadata(result: OutputResult, plan: Plan | null, facts: SourceFacts | null): FileMetadata {
  const [output] = plan?.outputs ?? [];
  const direct = output?.direct ?? null;
  const isPicture = output?.method === 'image';
  const film = plan?.video.find(({ id }) => output?.video.includes(id));
  const timeline = output && plan?.timelines[output.timeline];
  const copied = direct?.kind === 'copy' ? (facts?.video ?? null) : null;
  const codec = film?.codec ?? direct?.film?.codec ?? result.videoCodec;
  const rate = copied ? copied.averageFrameRate : film || direct?.fps ? timeline?.fps : null;
  return known({
    format: result.container,
    duration: isPicture ? null : rounded(result.duration, 3),
    width: result.width ?? copied?.displayWidth,
    height: result.height ?? copied?.displayHeight,
    video_codec: isPicture ? null : codec === 'copy' ? facts?.video?.codec : codec,
    frame_rate: isPicture || !rate ? null : perSecond(rate),
    ...soundMetadata(result, plan, facts),
    bitrate: isPicture || result.duration <= 0 ? null : Math.round((result.size * 8) / result.duration),
  });
}

type SoundMetadata = Pick<FileMetadata, 'audio_codec' | 'sample_rate' | 'channels'>;

function soundMetadata(result: OutputResult, plan: Plan | null, facts: SourceFacts | null): SoundMetadata {
  const [output] = plan?.outputs ?? [];
  const direct = output?.direct ?? null;
  const sound = plan?.audio.find(({ id }) => output?.audio.includes(id)) ?? direct;
  if (!sound || (direct && direct.audioStreams.length === 0)) return {};
  const copied =
    direct?.audioCodec === 'copy' ? facts?.audio.find((track) => track.streamIndex === direct.audioStreams[0]) : null;
  const codec = result.audioCodec === 'copy' ? facts?.audio[0]?.codec : result.audioCodec;
  const deep = direct?.sound?.bits === 24 ? DEEP[codec ?? ''] : undefined;
  return known({
    audio_codec: deep ?? copied?.codec ?? CODECS[codec ?? ''] ?? codec,
    sample_rate: copied?.sampleRate ?? sound.sampleRate,
    channels: copied?.channels ?? sound.channels,
  });
}
