// Encodes one chunk of all renditions of a timeline: one decode, segments stored and published as they come.
import { readdir } from 'node:fs/promises';
import { PlatformError } from '#domain/error.ts';
import type { Chunk, Timeline, VideoRendition } from '#domain/plan.ts';
import type { TaskResult, TrackPart } from '#domain/task.ts';
import { renderNodeFor } from '#media/capabilities.ts';
import { type ChunkCommand, chunkCommand } from '#media/command/chunk.ts';
import { boundaryTime, frameTime, toNumber } from '#media/grid.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { prepareDrawings } from '#workflows/tasks/drawings.ts';
import { commandFailure, outputRefused, runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';
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
  const wanted = { timeline, chunk, renditions };
  const first = await runChunk(platform, context, { ...wanted, fromBeginning: false });
  if (first.isWhole || chunk.startFrame === 0) return first.result;
  // An index that lies, or a stream whose only usable keyframe is far back: reading from the beginning always finds the frames.
  context.log(`chunk ${chunk.index}: the seek landed too late; reading from the beginning`);
  const second = await runChunk(platform, context, { ...wanted, fromBeginning: true });
  if (second.isWhole) return second.result;
  throw new PlatformError('corrupt_media', `Frames ${chunk.startFrame} to ${chunk.endFrame} cannot be decoded`);
}

type ChunkRun = {
  readonly timeline: Timeline;
  readonly chunk: Chunk;
  readonly renditions: readonly VideoRendition[];
  readonly fromBeginning: boolean;
};

async function runChunk(
  platform: Platform,
  context: TaskContext,
  run: ChunkRun,
): Promise<{ result: TaskResult; isWhole: boolean }> {
  const { facts, plan, scratch } = context;
  const { timeline, chunk, renditions } = run;
  const { video } = facts;
  if (!video) throw new PlatformError('no_video', 'The source has no video');
  const command = chunkCommand({
    ...run,
    drawings: await prepareDrawings(platform, context, { ...chunk, renditions, timeline }),
    inputArguments: sourceArguments(platform, context),
    facts,
    video,
    preparation: plan.preparation,
    pictures: plan.pictures.filter((track) => track.timeline === timeline.id),
    scratch,
    threads: platform.config.ENCODE_THREADS,
    renderNode: renderNodeFor(platform.tool, context.task.index),
  });
  const writers: TrackWriter[] = command.sinks.map((rendition) =>
    trackWriter(platform, context, { rendition: rendition.id, firstSegment: chunk.firstSegment, all: () => writers }),
  );
  const expected = chunk.endFrame - chunk.startFrame;
  const offset = frameTime(chunk.startFrame, timeline.fps);
  const boundaries = timeline.boundaries
    .slice(chunk.firstSegment, chunk.firstSegment + chunk.segments + 1)
    .map((boundary) => boundaryTime(timeline, boundary));
  const result = await runPasses(platform, context, {
    command,
    expected,
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
  const parts = [...writers.map((writer) => writer.part), ...transportParts];
  const isWhole =
    writers.every((writer) => writer.samples === expected) &&
    parts.every((part) => part.segments.length === chunk.segments);
  if (!isWhole && (run.fromBeginning || chunk.startFrame === 0)) throw undecodable(context, renditions, result);
  if (!isWhole) return { result: { parts: [], pictures: [], files: [], frames: 0, seconds: result.seconds }, isWhole };
  const pictures = await storePictures(platform, context, command);
  return {
    result: { parts, pictures, files: [], frames: expected * renditions.length, seconds: result.seconds },
    isWhole,
  };
}

type Passes = {
  readonly command: ChunkCommand;
  readonly expected: number;
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
  { command, expected, fps, sinks }: Passes,
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
        context.progress(Math.min(1, (i + frame / expected) / count), frame > 0 ? speedAt(frame) : null),
    });
    seconds += run.seconds;
    if (run.exitCode === 0 && !run.signal) continue;
    failure = commandFailure(run);
    blamesSource &&= !outputRefused(run);
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
  track: { rendition: string; firstSegment: number; all: () => readonly TrackWriter[] },
): TrackWriter {
  return new TrackWriter({
    storage: platform.storage,
    prefix: context.prefix,
    rendition: track.rendition,
    firstSegment: track.firstSegment,
    signal: context.signal,
    onSegment: () =>
      context.publish(
        track
          .all()
          .map((writer) => writer.part)
          .filter((part: TrackPart) => part.segments.length > 0),
      ),
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
