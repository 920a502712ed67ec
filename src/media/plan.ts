// From facts and wishes to the plan of a job: which timelines, renditions, tracks, pictures and tasks. Pure; called by run-job and POST /plan.
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError, toFailure } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { OutputPlan, Plan, Timeline } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { examine, preparation } from '#media/doctor.ts';
import { copiesFile, planDirect } from '#media/plan-direct.ts';
import { type Draft, languageName, type PlanOptions, share } from '#media/plan-draft.ts';
import { planPictures } from '#media/plan-pictures.ts';
import { planSound } from '#media/plan-sound.ts';
import { planCost, planTasks } from '#media/plan-tasks.ts';
import { planTimeline } from '#media/plan-timeline.ts';
import { planVideo } from '#media/plan-video.ts';

/** Text tracks that are carried, at the most. */
const MOST_SUBTITLES = 32;

/**
 * Plans a whole job. An output that cannot be made is refused by itself; the job goes on while one is left.
 * @throws PlatformError where none is left: `no_video`/`no_audio` where an output needs what the source lacks, `unsupported_media` where nothing can be copied,
 *   `unsupported_codec` where this FFmpeg has no such encoder.
 */
export function makePlan({
  facts,
  outputs,
  options,
  refusals = new Map(),
}: {
  facts: SourceFacts;
  outputs: readonly OutputSpec[];
  options: PlanOptions;
  /** Outputs, by index, that were found impossible before. */
  refusals?: ReadonlyMap<number, PlatformError>;
}): Plan {
  const draft: Draft = {
    facts,
    options,
    specs: outputs,
    timelines: [],
    video: [],
    audio: [],
    subtitles: [],
    pictures: [],
  };
  const outputPlans = outputs.map((spec, index) => planOrRefuse(draft, { spec, index, refusal: refusals.get(index) }));
  requireOne(outputPlans);
  const instant = outputs.some((spec, index) => spec.instant && outputPlans[index]?.method === 'adaptive');
  const tasks = planTasks(draft, outputPlans, instant);
  return {
    findings: examine(facts, options.limits),
    videoStream: facts.video?.streamIndex ?? null,
    preparation: preparation(facts),
    timelines: draft.timelines,
    video: draft.video,
    audio: draft.audio,
    subtitles: draft.subtitles,
    pictures: draft.pictures,
    outputs: outputPlans,
    tasks,
    cost: planCost(draft, outputPlans, tasks),
  };
}

type Wish = { readonly spec: OutputSpec; readonly index: number; readonly refusal: PlatformError | undefined };

function planOrRefuse(draft: Draft, { spec, index, refusal }: Wish): OutputPlan {
  const parts: unknown[][] = [draft.timelines, draft.video, draft.audio, draft.subtitles, draft.pictures];
  const lengths = parts.map((part) => part.length);
  try {
    if (refusal) throw refusal;
    return planOutput(draft, spec, index);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    // What it had brought so far would be encoded for nobody.
    for (const [i, part] of parts.entries()) part.length = lengths[i] ?? 0;
    const nothing = { video: [], audio: [], subtitles: [], pictures: [], direct: null };
    return { index, container: spec.container, method: 'direct', timeline: 0, ...nothing, refused: toFailure(error) };
  }
}

function requireOne(outputs: readonly OutputPlan[]): void {
  const [first] = outputs;
  if (first?.refused && outputs.every(({ refused }) => refused))
    throw new PlatformError(first.refused.code, first.refused.message);
}

function planOutput(draft: Draft, spec: OutputSpec, index: number): OutputPlan {
  const { facts } = draft;
  const { kind } = CONTAINER_FACTS[spec.container];
  if (kind === 'audio' && facts.audio.length === 0)
    throw new PlatformError(
      'no_audio',
      `outputs.${index}: the source has no sound, so no ${spec.container} can be made of it`,
    );
  if ((kind === 'image' || kind === 'animation') && !facts.video) {
    throw new PlatformError(
      'no_video',
      `outputs.${index}: the source has no picture, so no ${spec.container} can be made of it`,
    );
  }
  if (kind === 'video' && copiesFile(draft, spec))
    return planDirect(draft, { ...spec, videoCodec: 'copy', audioCodec: 'copy' }, index);
  if (kind !== 'adaptive' && (kind !== 'video' || spec.videoCodec === 'copy')) return planDirect(draft, spec, index);
  const wantsVideo = facts.video !== null && spec.videoCodec !== 'none';
  const wantsSound = facts.audio.length > 0 && spec.audioCodec !== 'none';
  if (!wantsVideo && !wantsSound) {
    const missing = spec.videoCodec === 'none' ? 'no_audio' : 'no_video';
    throw new PlatformError(missing, `outputs.${index}: nothing is left to put into a ${spec.container}`);
  }
  const timeline = planTimeline(draft, spec, wantsVideo);
  const video = wantsVideo ? planVideo(draft, { spec, index, timeline }) : [];
  const audio = wantsSound ? planSound(draft, { spec, timeline, renditions: video.length }) : [];
  return {
    index,
    container: spec.container,
    method: kind === 'adaptive' ? 'adaptive' : 'joined',
    timeline: timeline.id,
    video,
    audio,
    ...(hasSoundInside(spec, { video, audio }) ? { soundInside: true } : {}),
    subtitles: planSubtitles(draft, { timeline, burnt: burntStream(draft, video) }),
    pictures: wantsVideo ? planPictures(draft, { spec, index, timeline }) : [],
    direct: null,
    refused: null,
  };
}

function hasSoundInside(
  { soundInside = false, segmentFormat, container, destination }: OutputSpec,
  { video, audio }: { readonly video: readonly string[]; readonly audio: readonly string[] },
): boolean {
  const isElsewhere = destination !== null && destination.kind !== 'managed';
  return (
    soundInside &&
    isElsewhere &&
    container === 'hls' &&
    segmentFormat === 'ts' &&
    video.length > 0 &&
    audio.length === 1
  );
}

const burntStream = (draft: Draft, video: readonly string[]): number | null =>
  draft.video.find(({ id }) => id === video[0])?.decoration?.burn?.streamIndex ?? null;

type Texts = { readonly timeline: Timeline; readonly burnt: number | null };

function planSubtitles(draft: Draft, { timeline, burnt }: Texts): string[] {
  const texts = draft.facts.subtitles
    .filter((track) => track.kind === 'text' && track.streamIndex !== burnt)
    .slice(0, MOST_SUBTITLES);
  return texts.map((track, i) => {
    const name = track.title ?? (track.language ? languageName(track.language) : `Subtitles ${i + 1}`);
    const { streamIndex, language, isDefault, isForced } = track;
    return share(draft.subtitles, 's', { name, language, isDefault, isForced, timeline: timeline.id, streamIndex });
  });
}
