// What an adaptive output consists of so far: tracks with their segments in order, out of the plan and the tasks' results. Pure.
import type { AudioRendition, OutputPlan, Plan, SubtitleTrack, VideoRendition } from '#domain/plan.ts';
import type { OriginalTrack, SegmentFacts, StoredFile, TaskResult, TrackPart } from '#domain/task.ts';
import { boundaryTimes } from '#media/grid.ts';

export type PackagedSegment = SegmentFacts & {
  /** `segment_00012.m4s`, what its URL ends in. */
  readonly name: string;
  readonly init: Init | null;
  /** Where it is cut out of the original; null where it lies in storage under its key. */
  readonly original: OriginalTrack | null;
};
export type Init = { readonly key: string; readonly size: number; readonly hash: string; readonly name: string };

/** One rendition as playlists see it. */
export type PackagedTrack<T = VideoRendition | AudioRendition> = {
  readonly rendition: T;
  /** Folder of its playlist and segments: `720p`, `audio`. */
  readonly folder: string;
  readonly codecs: string;
  /** ticks/s */
  readonly timescale: number;
  /** Without a gap from the first: what may be played now. */
  readonly segments: readonly PackagedSegment[];
  /** First light that the real segment has replaced: in no playlist any more, but players that hold an old one still ask for it. */
  readonly retired: readonly PackagedSegment[];
  readonly extension: 'm4s' | 'ts';
  readonly complete: boolean;
};

export type PackagedText = { readonly track: SubtitleTrack; readonly folder: string; readonly file: StoredFile };

export type Package = {
  readonly video: readonly PackagedTrack<VideoRendition>[];
  readonly audio: readonly PackagedTrack<AudioRendition>[];
  readonly texts: readonly PackagedText[];
  /** Whether a player may begin: a picture where there will be one, and every sound track. What is missing now it would never look for again. */
  readonly playable: boolean;
  /** seconds; the longest segment of the timeline, done or not: EXT-X-TARGETDURATION must not change */
  readonly longestSegment: number;
  /** seconds */
  readonly duration: number;
  readonly complete: boolean;
};

/** A task as far as packaging cares: what it made, whether it is done, and whether it is only a first light. */
export type MadeByTask = { readonly kind: string; readonly subject: number; readonly result: TaskResult | null };

/** Gathers an output's tracks. Renditions of which nothing exists yet are left out. */
export function packageOutput(plan: Plan, output: OutputPlan, tasks: readonly MadeByTask[]): Package {
  const timeline = plan.timelines[output.timeline];
  const times = timeline ? boundaryTimes(timeline) : [0];
  const count = times.length - 1;
  const collected = collectParts(tasks);
  const video = pick(plan.video, output.video).map((rendition) =>
    packageTrack({ rendition, folder: rendition.name, parts: collected.get(rendition.id) ?? [], count }),
  );
  const audio = pick(plan.audio, output.audio).map((rendition, i) =>
    packageTrack({
      rendition,
      folder: soundFolder(i),
      parts: collected.get(rendition.id) ?? [],
      count,
    }),
  );
  const texts = packageTexts(plan, output, tasks);
  const tracks = [...video, ...audio];
  const begun = ({ segments }: PackagedTrack) => segments.length > 0;
  return {
    playable: tracks.length > 0 && (video.length === 0 || video.some(begun)) && audio.every(begun),
    video: video.filter(begun),
    audio: audio.filter(begun),
    texts,
    longestSegment: Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? 0)), ...tracks.map(longestOf), 1),
    duration: timeline?.duration ?? 0,
    complete: tracks.every((track) => track.complete) && texts.length === output.subtitles.length,
  };
}

function pick<T extends { readonly id: string }>(all: readonly T[], ids: readonly string[]): T[] {
  return ids.flatMap((id) => all.find((one) => one.id === id) ?? []);
}

type CollectedPart = TrackPart & { readonly isLight: boolean };

/** Parts by rendition in the order of their segments, first light at the very beginning. */
function collectParts(tasks: readonly MadeByTask[]): Map<string, CollectedPart[]> {
  const parts = new Map<string, CollectedPart[]>();
  const all = tasks.flatMap((task) =>
    (task.result?.parts ?? []).map((part) => ({ ...part, isLight: task.kind === 'first-light' })),
  );
  const firstIndex = (part: TrackPart) => part.segments[0]?.index ?? Number.POSITIVE_INFINITY;
  all.sort((a, b) => Number(a.isLight) - Number(b.isLight) || firstIndex(a) - firstIndex(b));
  for (const part of all) {
    const known = parts.get(part.rendition) ?? [];
    // First in the list, so that what is real takes its place.
    parts.set(part.rendition, part.isLight ? [part, ...known] : [...known, part]);
  }
  return parts;
}

type TrackInput<T> = {
  readonly rendition: T;
  readonly folder: string;
  readonly parts: readonly CollectedPart[];
  readonly count: number;
};

function packageTrack<T extends VideoRendition | AudioRendition>({
  rendition,
  folder,
  parts,
  count,
}: TrackInput<T>): PackagedTrack<T> {
  const extension = rendition.segmentFormat === 'ts' ? 'ts' : 'm4s';
  const inits = new Map<string, Init>();
  const byIndex = new Map<number, PackagedSegment>();
  const retired: PackagedSegment[] = [];
  for (const part of parts) {
    // First light may have the very init of the real segments, which are still to be found under its usual name.
    const known = `${part.isLight} ${part.init?.hash}`;
    const init = part.init && (inits.get(known) ?? { ...part.init, name: initName(part, inits) });
    if (init) inits.set(known, init);
    for (const segment of part.segments) {
      // First light has names of its own: what is cached under a name for ever must never change.
      const name = part.isLight ? `light_${number(segment.index)}.m4s` : segmentName({ extension }, segment.index);
      const replaced = byIndex.get(segment.index);
      if (replaced?.name.startsWith('light_')) retired.push(replaced);
      byIndex.set(segment.index, { ...segment, name, init, original: part.original ?? null });
    }
  }
  const segments: PackagedSegment[] = [];
  for (let segment = byIndex.get(0); segment; segment = byIndex.get(segments.length)) segments.push(segment);
  const real = parts.find((part) => !part.isLight) ?? parts[0];
  return {
    rendition,
    folder,
    codecs: real?.codecs ?? '',
    timescale: real?.timescale ?? 1,
    segments,
    retired,
    extension,
    complete: segments.length === count && !segments.some(({ name }) => name.startsWith('light_')),
  };
}

/** The usual one is `init.mp4`; one that differs carries its hash. */
function initName(part: CollectedPart, inits: ReadonlyMap<string, Init>): string {
  if (part.isLight) return 'init-light.mp4';
  const isUsual = ![...inits.values()].some(({ name }) => name === 'init.mp4');
  return isUsual ? 'init.mp4' : `init-${part.init?.hash.slice(0, 8)}.mp4`;
}

const longestOf = ({ segments, timescale }: PackagedTrack): number =>
  Math.max(0, ...segments.map((segment) => segment.duration / timescale));

function packageTexts(plan: Plan, output: OutputPlan, tasks: readonly MadeByTask[]): PackagedText[] {
  const files = tasks.filter((task) => task.kind === 'subtitles').flatMap((task) => task.result?.files ?? []);
  return pick(plan.subtitles, output.subtitles).flatMap((track, i) => {
    const file = files.find(({ name }) => name === `${track.id}.vtt`);
    return file ? [{ track, folder: `subtitles-${i + 1}`, file }] : [];
  });
}

/** `segment_00012.m4s` */
export const segmentName = (track: Pick<PackagedTrack, 'extension'>, index: number): string =>
  `segment_${number(index)}.${track.extension}`;

const number = (index: number): string => String(index).padStart(5, '0');

/** bits/s of a track: the highest of any segment, and over all. */
export function bitrates(track: PackagedTrack): { peak: number; average: number } {
  const rates = track.segments
    .filter((segment) => segment.duration > 0)
    .map((segment) => (segment.size * 8 * track.timescale) / segment.duration);
  const bytes = track.segments.reduce((sum, segment) => sum + segment.size, 0);
  const ticks = track.segments.reduce((sum, segment) => sum + segment.duration, 0);
  return {
    peak: Math.ceil(Math.max(0, ...rates)),
    average: ticks > 0 ? Math.ceil((bytes * 8 * track.timescale) / ticks) : 0,
  };
}

/** Where a rendition's segments lie below an output: what packageOutput calls its tracks' folders. Null where it is none of the output's. */
export function folderOf(plan: Plan, output: OutputPlan, rendition: string): string | null {
  const sound = output.audio.indexOf(rendition);
  if (sound >= 0) return soundFolder(sound);
  return (output.video.includes(rendition) && plan.video.find(({ id }) => id === rendition)?.name) || null;
}

const soundFolder = (place: number): string => (place === 0 ? 'audio' : `audio-${place + 1}`);
