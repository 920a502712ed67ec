// The tasks of a plan in the order they should start, and what they will cost.
import type { Preset, VideoCodec } from '#domain/codec.ts';
import type { OutputPlan, PlanCost, PlannedTask, Timeline, VideoRendition } from '#domain/plan.ts';
import { toNumber } from '#media/grid.ts';
import type { Draft } from '#media/plan-draft.ts';

/** CPU seconds for a million pixels of H.264 at veryfast: 110 CPU seconds a minute of a 1080p24 ladder (performance.md §2). */
const CPU_PER_MEGAPIXEL = 0.021;
/** The same relative to veryfast (performance.md §2 and §6). */
const PRESET_COST: Readonly<Record<Preset, number>> = {
  ultrafast: 0.3,
  superfast: 0.6,
  veryfast: 1,
  faster: 1.5,
  fast: 1.8,
  medium: 2.3,
  slow: 4,
  slower: 8,
  veryslow: 14,
};
const CODEC_COST: Readonly<Record<VideoCodec, number>> = { h264: 1, hevc: 3, av1: 2, vp9: 3 };
/** Decoding beside encoding at veryfast: what pictures cost where nothing is encoded. */
const DECODE_COST = 0.2;
/** Sound encodes at about 60 times real time on one core. */
const CPU_PER_SOUND_SECOND = 1 / 60;
const LEAST_WEIGHT = 0.05;
const SCRATCH_BASE = 64 * 1024 ** 2;

/** CPU seconds, about, of one frame of a rendition. */
const frameCost = (rendition: VideoRendition): number =>
  ((rendition.width * rendition.height) / 1e6) *
  CPU_PER_MEGAPIXEL *
  PRESET_COST[rendition.preset] *
  CODEC_COST[rendition.codec] *
  (rendition.rate.mode === 'two-pass' ? 1.6 : 1);

function decodeCost({ facts: { video } }: Draft): number {
  return video ? ((video.width * video.height) / 1e6) * CPU_PER_MEGAPIXEL * DECODE_COST : 0;
}

/** What can be seen first starts first: a copied stream or first light, then the first chunk, sound, the rest. */
export function planTasks(draft: Draft, outputs: readonly OutputPlan[], instant: boolean): PlannedTask[] {
  const tasks = draft.timelines.flatMap((timeline) => timelineTasks(draft, timeline, instant));
  const direct = outputs
    .filter((output) => output.direct !== null)
    .map(
      (output): PlannedTask => ({
        kind: 'direct',
        subject: output.index,
        index: 0,
        weight: directWeight(draft, output),
      }),
    );
  return [...tasks, ...direct];
}

function timelineTasks(draft: Draft, timeline: Timeline, instant: boolean): PlannedTask[] {
  const video = draft.video.filter((rendition) => rendition.timeline === timeline.id);
  const encoded = video.filter((rendition) => rendition.method === 'encoded');
  const sounds = draft.audio.filter((rendition) => rendition.timeline === timeline.id);
  const copied = [...video, ...sounds].filter((rendition) => rendition.method !== 'encoded').length;
  // Where all is copied, poster, storyboard and thumbnails are still taken out of a decode.
  const hasPictures = draft.pictures.some((track) => track.timeline === timeline.id);
  const perFrame =
    encoded.length === 0 ? decodeCost(draft) : encoded.reduce((sum, rendition) => sum + frameCost(rendition), 0);
  const chunks = (encoded.length > 0 || hasPictures ? timeline.chunks : []).map(({ index, startFrame, endFrame }) =>
    task({ kind: 'chunk', timeline, index, weight: (endFrame - startFrame) * perFrame }),
  );
  const sound = sounds.filter((rendition) => rendition.method === 'encoded').length;
  const hasTexts = draft.subtitles.some((track) => track.timeline === timeline.id);
  const needsLight = instant && copied === 0 && encoded.length > 0;
  return [
    ...(copied > 0 ? [task({ kind: 'copy', timeline, weight: timeline.duration / 600 })] : []),
    ...(needsLight ? [task({ kind: 'first-light', timeline, weight: LEAST_WEIGHT })] : []),
    ...chunks.slice(0, 1),
    ...(sound > 0 ? [task({ kind: 'audio', timeline, weight: timeline.duration * sound * CPU_PER_SOUND_SECOND })] : []),
    ...(hasTexts ? [task({ kind: 'subtitles', timeline, weight: LEAST_WEIGHT })] : []),
    ...chunks.slice(1),
  ];
}

function task({
  kind,
  timeline,
  index,
  weight,
}: {
  kind: PlannedTask['kind'];
  timeline: Timeline;
  index?: number;
  weight: number;
}): PlannedTask {
  return {
    kind,
    subject: timeline.id,
    index: index ?? 0,
    weight: Math.max(LEAST_WEIGHT, Math.round(weight * 1000) / 1000),
  };
}

function directWeight(draft: Draft, { direct }: OutputPlan): number {
  if (!direct) return LEAST_WEIGHT;
  const pixels = ((direct.width ?? 2) * (direct.height ?? 2)) / 1e6;
  const cost = {
    copy: direct.duration / 600,
    audio: direct.duration * CPU_PER_SOUND_SECOND * (direct.normalize ? 2 : 1),
    film: direct.duration * toNumber(direct.fps ?? { num: 25, den: 1 }) * pixels * CPU_PER_MEGAPIXEL,
    animation: direct.duration * 15 * pixels * CPU_PER_MEGAPIXEL * 4,
    image: draft.facts.isStill ? 0.2 : 0.5,
  }[direct.kind];
  return Math.max(LEAST_WEIGHT, Math.round(cost * 1000) / 1000);
}

/** A forecast, for admission and for the user: never a promise. */
export function planCost(draft: Draft, outputs: readonly OutputPlan[], tasks: readonly PlannedTask[]): PlanCost {
  const seconds = (timeline: number) => draft.timelines[timeline]?.duration ?? 0;
  const videoBytes = draft.video.reduce(
    (sum, rendition) => sum + (expectedBitrate(draft, rendition) / 8) * seconds(rendition.timeline),
    0,
  );
  const soundBytes = draft.audio.reduce(
    (sum, rendition) =>
      sum + ((rendition.bitrate || rendition.sampleRate * rendition.channels * 16) / 8) * seconds(rendition.timeline),
    0,
  );
  const files = outputs.filter((output) => output.method !== 'adaptive');
  const fileBytes = files.reduce((sum, output) => sum + fileSize(draft, output), 0);
  return {
    cpuSeconds: Math.round(tasks.reduce((sum, { weight }) => sum + weight, 0) * 10) / 10,
    scratchBytes: Math.round(SCRATCH_BASE + fileBytes),
    outputBytes: Math.round(
      videoBytes +
        soundBytes +
        files.filter((output) => output.direct).reduce((sum, output) => sum + fileSize(draft, output), 0),
    ),
    outputMinutes:
      Math.round((draft.video.reduce((sum, rendition) => sum + seconds(rendition.timeline), 0) / 60) * 100) / 100,
  };
}

/** Capped quality stays under its cap on most films; the cap is what must fit. */
function expectedBitrate(draft: Draft, rendition: VideoRendition): number {
  if (rendition.method === 'packaged') return 0;
  if (rendition.method === 'copied') return draft.facts.video?.bitrate ?? 0;
  return rendition.rate.maxBitrate;
}

function fileSize(draft: Draft, output: OutputPlan): number {
  const { direct } = output;
  if (direct)
    return direct.kind === 'copy'
      ? draft.facts.size
      : Math.max(1e6, (direct.duration * (direct.audioBitrate || direct.sampleRate * direct.channels * 16)) / 8);
  const bits = [
    ...output.video.map((id) => draft.video.find((rendition) => rendition.id === id)?.rate.maxBitrate ?? 0),
    ...output.audio.map((id) => draft.audio.find((rendition) => rendition.id === id)?.bitrate ?? 0),
  ].reduce((sum, rate) => sum + rate, 0);
  return (bits / 8) * (draft.timelines[output.timeline]?.duration ?? 0);
}
