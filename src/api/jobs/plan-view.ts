// A dry run as it is shown: facts, findings, and the plan as rows that a person can read. Used by POST /plan and `rendition plan`.
import type { EncodeRate, OutputPlan, Plan } from '#domain/plan.ts';
import type { Rational, SourceFacts } from '#domain/source-facts.ts';

const rateText = ({ num, den }: Rational): string => (den === 1 ? String(num) : `${num}/${den}`);
const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

export type PlanView = ReturnType<typeof viewPlan>;

export function viewPlan(facts: SourceFacts, plan: Plan) {
  return {
    facts: viewFacts(facts),
    findings: [...plan.findings],
    outputs: plan.outputs.map((output) => viewOutput(plan, output)),
    renditions: plan.video.map((one) => ({
      name: one.name,
      codec: one.codec,
      width: one.width,
      height: one.height,
      method: one.method,
      encoder: one.method === 'encoded' ? (one.hardware ?? 'software') : 'none: the packets of the source',
      preset: one.method === 'encoded' ? one.preset : null,
      rate: one.method === 'encoded' ? describeRate(one.rate) : null,
      segments: one.segmentFormat,
    })),
    audio: plan.audio.map(({ name, language, codec, method, bitrate, channels, sampleRate, normalize }) => ({
      name,
      language,
      codec,
      method,
      bitrate,
      channels,
      sampleRate,
      normalize,
    })),
    subtitles: plan.subtitles.map(({ name, language }) => ({ name, language, format: 'webvtt' })),
    pictures: plan.pictures.map(({ kind, count, width, height, spec }) => ({
      kind,
      count,
      width,
      height,
      format: spec.format,
    })),
    timelines: plan.timelines.map((timeline) => ({
      start: round(timeline.sourceStart),
      duration: round(timeline.duration),
      fps: rateText(timeline.fps),
      frames: timeline.frames,
      segments: timeline.boundaries.length - 1,
      keyframes: timeline.gopFrames === null ? 'where the source has them' : `every ${timeline.gopFrames} frames`,
      chunks: timeline.chunks.map(({ index, firstSegment, segments, startFrame, endFrame }) => ({
        index,
        firstSegment,
        segments,
        startFrame,
        endFrame,
      })),
    })),
    tasks: plan.tasks.map(({ kind, subject, index, weight }) => ({ kind, subject, index, weight: round(weight, 0) })),
    cost: {
      cpuSeconds: round(plan.cost.cpuSeconds, 1),
      scratchBytes: Math.round(plan.cost.scratchBytes),
      outputBytes: Math.round(plan.cost.outputBytes),
      outputMinutes: round(plan.cost.outputMinutes, 2),
    },
    reasons: reasonsOf(plan),
  };
}

function viewFacts({ video, audio, subtitles, ...facts }: SourceFacts) {
  return {
    container: facts.container,
    size: facts.size,
    duration: round(facts.duration),
    bitrate: Math.round(facts.bitrate),
    still: facts.isStill,
    video: video && {
      codec: video.codec,
      profile: video.profile,
      width: video.width,
      height: video.height,
      shownAs: `${video.displayWidth}x${video.displayHeight}`,
      rotation: video.rotation,
      fps: video.averageFrameRate && rateText(video.averageFrameRate),
      constantFrameRate: video.constantFrameRate,
      frames: video.frames,
      bitDepth: video.bitDepth,
      pixelFormat: video.pixelFormat,
      hdr: video.hdr,
      bitrate: Math.round(video.bitrate),
      keyframes: video.keyframes.length,
      longestGop: round(video.longestGop),
    },
    audio: audio.map(({ codec, channels, channelLayout, sampleRate, language, title, bitrate }) => ({
      codec,
      channels,
      channelLayout,
      sampleRate,
      language,
      title,
      bitrate: Math.round(bitrate),
    })),
    subtitles: subtitles.map(({ codec, kind, language, title }) => ({ codec, kind, language, title })),
    warnings: [...facts.warnings],
  };
}

function describeRate(rate: EncodeRate): string {
  const cap = `at most ${Math.round(rate.maxBitrate / 1000)} kb/s`;
  return rate.mode === 'capped-crf'
    ? `CRF ${rate.crf}, ${cap}`
    : `${rate.mode === 'abr' ? 'ABR' : 'two-pass'} ${Math.round(rate.bitrate / 1000)} kb/s, ${cap}`;
}

const METHODS: Readonly<Record<OutputPlan['method'], string>> = {
  adaptive: 'playlists over shared segments',
  joined: 'one file, joined from segments without encoding again',
  direct: 'one file by a command of its own',
  image: 'one picture',
};

function viewOutput(plan: Plan, output: OutputPlan) {
  const names = (ids: readonly string[], all: readonly { readonly id: string; readonly name: string }[]) =>
    ids.map((id) => all.find((one) => one.id === id)?.name ?? id);
  return {
    index: output.index,
    container: output.container,
    method: output.method,
    how: output.refused ? output.refused.message : METHODS[output.method],
    refused: output.refused,
    renditions: names(output.video, plan.video),
    audio: names(output.audio, plan.audio),
    subtitles: names(output.subtitles, plan.subtitles),
    pictures: [...output.pictures],
  };
}

/** Why it is done so, one sentence each. */
function reasonsOf(plan: Plan): string[] {
  const reasons = plan.findings.map(({ detail, action }) => `${detail}: ${action}`);
  const copied = plan.video.filter(({ method }) => method !== 'encoded').map(({ name }) => name);
  if (copied.length > 0)
    reasons.push(`${copied.join(', ')}: the source's own stream is good enough and is not encoded again`);
  for (const { chunks, boundaries } of plan.timelines) {
    if (chunks.length > 1)
      reasons.push(
        `${boundaries.length - 1} segments in ${chunks.length} chunks: several workers share them, and each finished one is kept`,
      );
  }
  if (plan.tasks.some(({ kind }) => kind === 'first-light'))
    reasons.push('a quick first segment is made alone, so that a player shows a picture soon');
  return reasons;
}
