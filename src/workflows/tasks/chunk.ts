// Encodes one chunk of all renditions of a timeline: one decode, segments stored and published as they come.
import { readdir } from 'node:fs/promises';
import { PlatformError } from '#domain/error.ts';
import type { Chunk, PictureTrack, Timeline, VideoRendition } from '#domain/plan.ts';
import { EMPTY_RESULT, type TaskResult, type TrackPart } from '#domain/task.ts';
import { renderNodeFor } from '#media/capabilities.ts';
import { type ChunkCommand, type ChunkCommandOptions, chunkCommand, firstFrameCommand } from '#media/command/chunk.ts';
import { boundaryTime, frameTime, toNumber } from '#media/grid.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { prepareDrawings } from '#workflows/tasks/drawings.ts';
import { resumeChunk } from '#workflows/tasks/resume-chunk.ts';
import { commandFailure, outputRefused, runCommand, sourceArguments, wasKilled } from '#workflows/tasks/run-command.ts';
import { TrackWriter } from '#workflows/tasks/track-writer.ts';
import { storeTransportSegments } from '#workflows/tasks/transport-segments.ts';

export async function encodeChunk(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, task } = context;
  const timeline = plan.timelines[task.subject];
  const chunk = timeline?.chunks[task.index];
  if (!timeline || !chunk)
    throw new PlatformError('internal', `The plan has no chunk ${task.index} in timeline ${task.subject}`);
  const renditions = plan.video.filter(
    (rendition) => rendition.timeline === timeline.id && rendition.method === 'encoded',
  );
  const pictures = plan.pictures.filter((track) => track.timeline === timeline.id);
  const whole = { timeline, chunk, renditions, pictures, kept: [], before: 0 };
  const { kept, made, rest } = resumeChunk({ ...whole, published: context.published });
  if (kept.length === 0 || !(await landsInTime(platform, context, whole)))
    return encodeFrames(platform, context, whole);
  if (!made) return encodeFrames(platform, context, { ...whole, kept });
  context.log(`chunk ${chunk.index}: goes on behind segment ${made.firstSegment + made.segments - 1}`);
  // Pictures are stored at the end of a run: those of the frames before are taken without encoding.
  const taken = await takePictures(platform, context, { ...whole, chunk: made });
  if (!rest) return { ...EMPTY_RESULT, parts: kept, pictures: taken };
  const further = pictures.filter(({ kind }) => kind !== 'poster');
  const before = (made.endFrame - made.startFrame) / (chunk.endFrame - chunk.startFrame);
  const result = await encodeFrames(platform, context, { ...whole, chunk: rest, pictures: further, kept, before });
  return { ...result, pictures: [...taken, ...result.pictures] };
}

type ChunkWork = {
  readonly timeline: Timeline;
  readonly chunk: Chunk;
  readonly renditions: readonly VideoRendition[];
  readonly pictures: readonly PictureTrack[];
  /** Segments of attempts before this one. */
  readonly kept: readonly TrackPart[];
  /** 0–1 of the task's frames that were done before. */
  readonly before: number;
};
type ChunkRun = ChunkWork & { readonly fromBeginning: boolean };

async function encodeFrames(platform: Platform, context: TaskContext, wanted: ChunkWork): Promise<TaskResult> {
  const { chunk } = wanted;
  const first = await runChunk(platform, context, { ...wanted, fromBeginning: false });
  if (first.isWhole || chunk.startFrame === 0) return first.result;
  // An index that lies, or a stream whose only usable keyframe is far back: reading from the beginning always finds the frames.
  context.log(`chunk ${chunk.index}: the seek landed too late; reading from the beginning`);
  const second = await runChunk(platform, context, { ...wanted, fromBeginning: true });
  if (second.isWhole) return second.result;
  throw new PlatformError('corrupt_media', `Frames ${chunk.startFrame} to ${chunk.endFrame} cannot be decoded`);
}

/** Where the seek lands too late, what an interrupted attempt has left shows other frames than it should: it had not come to know that yet. */
async function landsInTime(platform: Platform, context: TaskContext, work: ChunkWork): Promise<boolean> {
  if (work.chunk.startFrame === 0) return true;
  let frames = 0;
  const args = firstFrameCommand(commandOptions(platform, context, { ...work, fromBeginning: false }));
  await runCommand(platform, context, {
    args,
    mayFail: true,
    onProgress: ({ frame }) => {
      frames = frame;
    },
  });
  return frames === 1;
}

async function takePictures(
  platform: Platform,
  context: TaskContext,
  work: ChunkWork,
): Promise<TaskResult['pictures']> {
  const command = chunkCommand(commandOptions(platform, context, { ...work, renditions: [], fromBeginning: false }));
  if (command.pictures.length === 0) return [];
  for (const args of command.passes) await runCommand(platform, context, { args });
  return storePictures(platform, context, command);
}

function commandOptions(
  platform: Platform,
  context: TaskContext,
  { timeline, chunk, renditions, pictures, fromBeginning }: ChunkRun,
): ChunkCommandOptions {
  const { facts, plan, scratch } = context;
  if (!facts.video) throw new PlatformError('no_video', 'The source has no video');
  return {
    ...{ timeline, chunk, renditions, pictures, fromBeginning, facts, scratch },
    inputArguments: sourceArguments(platform, context),
    video: facts.video,
    preparation: plan.preparation,
    threads: platform.config.ENCODE_THREADS,
    renderNode: renderNodeFor(platform.tool, context.task.index),
  };
}

async function runChunk(
  platform: Platform,
  context: TaskContext,
  run: ChunkRun,
): Promise<{ result: TaskResult; isWhole: boolean }> {
  const { timeline, chunk, renditions, kept, before } = run;
  const command = chunkCommand({
    ...commandOptions(platform, context, run),
    drawings: await prepareDrawings(platform, context, { ...chunk, renditions, timeline }),
  });
  const writers: TrackWriter[] = command.sinks.map((rendition) => {
    const track = { rendition: rendition.id, firstSegment: chunk.firstSegment, kept, all: () => writers };
    return trackWriter(platform, context, track);
  });
  const expected = chunk.endFrame - chunk.startFrame;
  const offset = frameTime(chunk.startFrame, timeline.fps);
  const boundaries = timeline.boundaries
    .slice(chunk.firstSegment, chunk.firstSegment + chunk.segments + 1)
    .map((boundary) => boundaryTime(timeline, boundary));
  const result = await runPasses(platform, context, {
    command,
    expected,
    before,
    fps: toNumber(timeline.fps),
    sinks: writers.map((writer) => (stream) => writer.read(stream, { boundaries, alignment: 'exact', offset })),
  });
  const transport = renditions.filter((rendition) => rendition.segmentFormat === 'ts');
  const transportParts = await Promise.all(
    transport.map((rendition) =>
      storeTransportSegments(platform, context, {
        rendition: rendition.id,
        firstSegment: chunk.firstSegment,
        boundaries,
        fps: timeline.fps,
      }),
    ),
  );
  const parts = [...writers.flatMap((writer) => writer.parts), ...transportParts];
  const isWhole =
    writers.every((writer) => writer.samples === expected) &&
    renditions.every(({ id }) => reaches(parts, id, chunk.firstSegment + chunk.segments));
  if (!isWhole && (run.fromBeginning || chunk.startFrame === 0)) throw undecodable(context, renditions, result);
  if (!isWhole) return { result: { parts: [], pictures: [], files: [], frames: 0, seconds: result.seconds }, isWhole };
  const pictures = await storePictures(platform, context, command);
  return {
    result: { parts, pictures, files: [], frames: expected * renditions.length, seconds: result.seconds },
    isWhole,
  };
}

/** Whether a rendition's last segment is the one before `end`, and none is missing since the first. */
function reaches(parts: readonly TrackPart[], rendition: string, end: number): boolean {
  const indexes = parts.filter((part) => part.rendition === rendition).flatMap(({ segments }) => segments);
  return indexes.length > 0 && (indexes[0]?.index ?? 0) + indexes.length === end;
}

type Passes = {
  readonly command: ChunkCommand;
  readonly expected: number;
  /** 0–1 of the task that was done before. */
  readonly before: number;
  /** frames/s of the timeline */
  readonly fps: number;
  readonly sinks: readonly ((stream: import('node:stream').Readable) => Promise<void>)[];
};

type PassesResult = {
  readonly seconds: number;
  readonly failure: PlatformError | null;
  /** Whether the failure can be the source's: an encoder that did not start says nothing of it. */
  readonly blamesSource: boolean;
};

async function runPasses(
  platform: Platform,
  context: TaskContext,
  { command, expected, before, fps, sinks }: Passes,
): Promise<PassesResult> {
  const count = command.passes.length;
  let seconds = 0;
  let failure: PlatformError | null = null;
  let blamesSource = true;
  for (const [i, args] of command.passes.entries()) {
    const isLast = i === count - 1;
    const started = performance.now();
    // FFmpeg's own speed follows the stream that is furthest behind, and pictures come once in seconds: frames are what was done.
    const speedAt = (frame: number) => frame / fps / ((performance.now() - started) / 1000);
    const run = await runCommand(platform, context, {
      args,
      mayFail: true,
      ...(isLast ? { sinks } : {}),
      onProgress: ({ frame }) =>
        context.progress(
          before + (1 - before) * Math.min(1, (i + frame / expected) / count),
          frame > 0 ? speedAt(frame) : null,
        ),
    });
    seconds += run.seconds;
    if (run.exitCode === 0 && !run.signal) continue;
    failure = commandFailure(run);
    blamesSource &&= !outputRefused(run) && !wasKilled(run);
  }
  return { seconds, failure, blamesSource };
}

/** Too few frames came out: the source's fault, unless FFmpeg says otherwise or hardware was at work. */
function undecodable(
  context: TaskContext,
  renditions: readonly VideoRendition[],
  { failure, blamesSource }: PassesResult,
): PlatformError {
  if (renditions.some((rendition) => rendition.hardware))
    return new PlatformError('hardware_failed', 'The hardware encoder failed', { cause: failure });
  if (failure && (failure.code !== 'encode_failed' || !blamesSource)) return failure;
  const codec = context.facts.video?.codec ?? 'unknown';
  return new PlatformError(
    'corrupt_media',
    `The ${codec} video of the source cannot be decoded${failure ? `: ${failure.message}` : ''}`,
    { cause: failure },
  );
}

/** A writer that publishes all tracks of its attempt whenever one of them has a new segment. */
function trackWriter(
  platform: Platform,
  context: TaskContext,
  track: {
    rendition: string;
    firstSegment: number;
    kept: readonly TrackPart[];
    all: () => readonly TrackWriter[];
  },
): TrackWriter {
  return new TrackWriter({
    storage: platform.storage,
    prefix: context.prefix,
    rendition: track.rendition,
    firstSegment: track.firstSegment,
    signal: context.signal,
    kept: track.kept,
    onSegment: () => context.publish(track.all().flatMap((writer) => writer.shown)),
  });
}

async function storePictures(
  platform: Platform,
  context: TaskContext,
  command: ChunkCommand,
): Promise<TaskResult['pictures']> {
  const made = new Set(await readdir(context.scratch));
  const stored: { track: string; frame: number; key: string }[] = [];
  for (const { track, frames, pattern } of command.pictures) {
    for (const [i, frame] of frames.entries()) {
      const path = pattern.replace('%d', String(i));
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (!made.has(name)) continue;
      const key = `${context.prefix}/${track.id}/${String(frame).padStart(8, '0')}${name.slice(name.lastIndexOf('.'))}`;
      await platform.storage.adopt(path, key, {
        contentType: name.endsWith('.png') ? 'image/png' : 'image/jpeg',
        signal: context.signal,
      });
      stored.push({ track: track.id, frame, key });
    }
  }
  return stored;
}
