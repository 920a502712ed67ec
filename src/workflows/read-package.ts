// What a job's output serves under which name: playlists written from the rows, segments and files by their storage keys. Called by the APIs.
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listPlayableParts, listTasks } from '#database/tasks.ts';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { isFinished, type JobStatus, type OutputStatus } from '#domain/job.ts';
import type { OutputPlan, Timeline } from '#domain/plan.ts';
import { EMPTY_RESULT, type StoredFile } from '#domain/task.ts';
import { type MadeByTask, type Package, type PackagedTrack, packageOutput } from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist, textPlaylist } from '#media/playlist/hls.ts';
import type { Platform } from '#workflows/platform.ts';
import type { OriginalPiece } from '#workflows/read-original.ts';

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
  /** Cut out of the original when it is asked for; the key only names it, and what it names never changes. */
  | {
      readonly kind: 'original';
      readonly key: string;
      readonly size: number;
      readonly mediaType: string;
      readonly name: string;
      readonly piece: OriginalPiece;
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

/** One output as it can be served now; null where the job, the output or its plan is not there. */
export async function readPackage(
  platform: Platform,
  ref: JobRef & { readonly index: number },
): Promise<ServedOutput | null> {
  const { db } = platform.database;
  const [job, outputs, parts, tasks] = await Promise.all([
    findJob(db, ref, platform.sealer),
    listOutputs(db, ref, platform.sealer),
    listPlayableParts(db, ref),
    listTasks(db, { ...ref, status: 'done' }),
  ]);
  const output = outputs.find(({ index }) => index === ref.index);
  const plan = job?.plan?.outputs.find(({ index }) => index === ref.index);
  if (!job || !output || !job.plan || !plan) return null;
  const made: MadeByTask[] = [
    ...parts.map((part) => ({
      kind: part.kind,
      subject: part.subject,
      result: { ...EMPTY_RESULT, parts: part.parts },
    })),
    // Text tracks are files, not segments.
    ...tasks.filter(({ kind }) => kind === 'subtitles'),
  ];
  const timeline = job.plan.timelines[plan.timeline];
  const files = tasks.find(({ kind, subject }) => kind === 'output' && subject === ref.index)?.result?.files ?? [];
  const adaptive =
    plan.method === 'adaptive' && timeline ? { timeline, whole: packageOutput(job.plan, plan, made) } : null;
  return {
    status: output.status,
    jobStatus: job.status,
    settled: isFinished(job.status),
    find: (name) => findFile(files, name) ?? (adaptive ? findInPackage(adaptive, plan, name) : null),
  };
}

function findFile(files: readonly StoredFile[], name: string): ServedFile | null {
  const file = files.find((one) => one.name === name);
  return file ? { kind: 'object', key: file.key, size: file.size, mediaType: file.mediaType, name } : null;
}

function findInPackage(
  { whole, timeline }: { whole: Package; timeline: Timeline },
  plan: OutputPlan,
  name: string,
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
  if (track) return findInTrack(whole, track, file);
  const words = whole.texts.find((one) => one.folder === folder);
  if (!words) return null;
  if (file === 'playlist.m3u8') return text(textPlaylist(whole), PLAYLIST, true);
  return file === 'subtitles.vtt'
    ? { kind: 'object', key: words.file.key, size: words.file.size, mediaType: 'text/vtt', name: file }
    : null;
}

function findInTrack(whole: Package, track: PackagedTrack, file: string): ServedFile | null {
  if (file === 'playlist.m3u8') return text(mediaPlaylist(whole, track), PLAYLIST, track.complete);
  const served = [...track.segments, ...track.retired];
  const segment = served.find((one) => one.name === file);
  const sound = 'channels' in track.rendition;
  if (segment) {
    const mediaType = track.extension === 'ts' ? 'video/mp2t' : sound ? 'audio/mp4' : 'video/mp4';
    const { key, size } = segment;
    if (segment.original)
      return { kind: 'original', key, size, mediaType, name: file, piece: { original: segment.original, segment } };
    return { kind: 'object', key, size, mediaType, name: file };
  }
  const first = served.find((one) => one.init?.name === file);
  if (!first?.init) return null;
  const { key, size } = first.init;
  const mediaType = sound ? 'audio/mp4' : 'video/mp4';
  if (first.original)
    return { kind: 'original', key, size, mediaType, name: file, piece: { original: first.original, segment: null } };
  return { kind: 'object', key, size, mediaType, name: file };
}

const text = (body: string | null, mediaType: string, fixed: boolean): ServedFile | null =>
  body === null ? null : { kind: 'text', text: body, mediaType, fixed };
