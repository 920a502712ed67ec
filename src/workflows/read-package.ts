// What a job's output serves under which name: playlists written from the rows, segments and files by their storage keys. Called by the APIs.
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listPlayableParts, listTasks } from '#database/tasks.ts';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { isFinished, type Job, type JobStatus, type Output, type OutputStatus } from '#domain/job.ts';
import type { OutputPlan, Plan, Timeline } from '#domain/plan.ts';
import { EMPTY_RESULT, type StoredFile } from '#domain/task.ts';
import {
  type MadeByTask,
  type Package,
  type PackagedSegment,
  type PackagedTrack,
  packageOutput,
} from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist, textPlaylist } from '#media/playlist/hls.ts';
import type { Platform } from '#workflows/platform.ts';
import { readOriginal } from '#workflows/read-original.ts';

/** Something that can be sent: a text of ours, or an object of managed storage, which never changes under its key. */
export type ServedFile =
  | { readonly kind: 'text'; readonly text: string; readonly mediaType: string; readonly fixed: boolean }
  | {
      readonly kind: 'object';
      readonly key: string;
      readonly size: number;
      readonly mediaType: string;
      readonly name: string;
    }
  /** On this machine's disk for a while. */
  | {
      readonly kind: 'local';
      readonly path: string;
      readonly key: string;
      readonly size: number;
      readonly mediaType: string;
      readonly name: string;
    }
  /** Made when it is asked for; what its key names never changes. The size is null where only making it tells. */
  | {
      readonly kind: 'made';
      readonly key: string;
      readonly size: number | null;
      readonly mediaType: string;
      readonly name: string;
      readonly make: () => Promise<Buffer>;
    };

export type ServedOutput = {
  readonly status: OutputStatus;
  readonly jobStatus: JobStatus;
  /** True when nothing of it will change any more unless the job is retried or deleted. */
  readonly settled: boolean;
  /** What lies under a name relative to the output: `master.m3u8`, `720p/segment_00000.m4s`, `poster.jpg`; null where nothing does. */
  find(name: string): ServedFile | null;
};

const PLAYLIST = 'application/vnd.apple.mpegurl';

/** What there is of an output, as data. */
export type ReadOutput = {
  readonly job: Job;
  readonly output: Output;
  readonly plan: Plan;
  readonly outputPlan: OutputPlan;
  /** Of an adaptive output. */
  readonly adaptive: { readonly whole: Package; readonly timeline: Timeline } | null;
  /** Pictures beside it, or the one file it is; once it is finished. */
  readonly files: readonly StoredFile[];
};

/** One output as it is now; null where the job, the output or its plan is not there. */
export async function readOutput(
  platform: Platform,
  ref: JobRef & { readonly index: number },
): Promise<ReadOutput | null> {
  const { db } = platform.database;
  const [job, outputs, parts, tasks] = await Promise.all([
    findJob(db, ref, platform.sealer),
    listOutputs(db, ref, platform.sealer),
    listPlayableParts(db, ref),
    listTasks(db, { ...ref, status: 'done' }),
  ]);
  const output = outputs.find(({ index }) => index === ref.index);
  const outputPlan = job?.plan?.outputs.find(({ index }) => index === ref.index);
  // Of a source that still arrives nothing is shown: it may yet turn out to be something else.
  if (!job?.plan || job.arrival === 'arriving' || !output || !outputPlan) return null;
  const made: MadeByTask[] = [
    ...parts.map((part) => ({
      kind: part.kind,
      subject: part.subject,
      result: { ...EMPTY_RESULT, parts: part.parts },
    })),
    // Text tracks are files, not segments.
    ...tasks.filter(({ kind }) => kind === 'subtitles'),
  ];
  const timeline = job.plan.timelines[outputPlan.timeline];
  const isAdaptive = outputPlan.method === 'adaptive' && timeline !== undefined;
  return {
    job,
    output,
    plan: job.plan,
    outputPlan,
    adaptive: isAdaptive ? { timeline, whole: packageOutput(job.plan, outputPlan, made) } : null,
    files: tasks.find(({ kind, subject }) => kind === 'output' && subject === ref.index)?.result?.files ?? [],
  };
}

/** One output as it can be served now; null where the job, the output or its plan is not there. */
export async function readPackage(
  platform: Platform,
  ref: JobRef & { readonly index: number },
): Promise<ServedOutput | null> {
  const read = await readOutput(platform, ref);
  if (!read) return null;
  const { job, output, outputPlan, adaptive, files } = read;
  return {
    status: output.status,
    jobStatus: job.status,
    settled: isFinished(job.status),
    find: (name) =>
      findFile(files, name) ?? (adaptive ? findInPackage(platform, adaptive, { plan: outputPlan, name }) : null),
  };
}

export function findFile(files: readonly StoredFile[], name: string): ServedFile | null {
  const file = files.find((one) => one.name === name);
  return file ? { kind: 'object', key: file.key, size: file.size, mediaType: file.mediaType, name } : null;
}

function findInPackage(
  platform: Platform,
  { whole, timeline }: { readonly whole: Package; readonly timeline: Timeline },
  { plan, name }: { readonly plan: OutputPlan; readonly name: string },
): ServedFile | null {
  if (name === 'master.m3u8') return text(masterPlaylist(whole, timeline), PLAYLIST, whole.complete);
  // A manifest of type static needs all of it; a film in MPEG-TS has none (its segments are no CMAF).
  if (name === 'manifest.mpd') {
    const cmaf = [...whole.video, ...whole.audio].every((track) => track.extension === 'm4s');
    return whole.complete && cmaf ? text(dashManifest(whole, timeline), CONTAINER_FACTS.dash.mediaType, true) : null;
  }
  const [folder, file, ...rest] = name.split('/');
  if (file === undefined || rest.length > 0 || plan.method !== 'adaptive') return null;
  const track = [...whole.video, ...whole.audio].find((one) => one.folder === folder);
  if (track) {
    if (file === 'playlist.m3u8') return text(mediaPlaylist(whole, track), PLAYLIST, track.complete);
    return findSegment(platform, track, file);
  }
  const words = whole.texts.find((one) => one.folder === folder);
  if (!words) return null;
  if (file === 'playlist.m3u8') return text(textPlaylist(whole), PLAYLIST, true);
  return file === 'subtitles.vtt'
    ? { kind: 'object', key: words.file.key, size: words.file.size, mediaType: 'text/vtt', name: file }
    : null;
}

/** A segment of a track, or an init segment. */
export function findSegment(platform: Platform, track: PackagedTrack, file: string): ServedFile | null {
  const served = [...track.segments, ...track.retired];
  const sound = 'channels' in track.rendition;
  const segment = served.find((one) => one.name === file);
  if (segment) {
    const mediaType = track.extension === 'ts' ? 'video/mp2t' : sound ? 'audio/mp4' : 'video/mp4';
    return piece(platform, { ...segment, name: file, mediaType }, segment);
  }
  const first = served.find((one) => one.init?.name === file);
  if (!first?.init) return null;
  const mediaType = sound ? 'audio/mp4' : 'video/mp4';
  return piece(platform, { ...first.init, name: file, mediaType, original: first.original }, null);
}

type Piece = Pick<PackagedSegment, 'key' | 'size' | 'name' | 'original'> & { readonly mediaType: string };

function piece(
  platform: Platform,
  { key, size, name, mediaType, original }: Piece,
  segment: PackagedSegment | null,
): ServedFile {
  if (!original) return { kind: 'object', key, size, mediaType, name };
  return { kind: 'made', key, size, mediaType, name, make: () => readOriginal(platform, { original, segment }) };
}

export const text = (body: string | null, mediaType: string, fixed: boolean): ServedFile | null =>
  body === null ? null : { kind: 'text', text: body, mediaType, fixed };
