// First light (ARCHITECTURE.md, The grid): the lowest rendition's first segment and its sound, alone and fast, so that a player has a picture in about two seconds.

import type { Preset } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { TaskResult } from '#domain/task.ts';
import { renderNodeFor } from '#media/capabilities.ts';
import { chunkCommand } from '#media/command/chunk.ts';
import { boundaryTime } from '#media/grid.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { prepareDrawings } from '#workflows/tasks/drawings.ts';
import { runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';
import { TrackWriter } from '#workflows/tasks/track-writer.ts';

/** 360p of a 6 s segment in about a second on two cores: measured. */
const QUICK: Preset = 'superfast';

export async function makeFirstLight(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, facts, task, scratch } = context;
  const timeline = plan.timelines[task.subject];
  const chunk = timeline?.chunks[0];
  const encoded = plan.video.filter(
    (rendition) => rendition.timeline === task.subject && rendition.method === 'encoded',
  );
  const lowest = encoded.reduce<(typeof encoded)[number] | null>(
    (best, one) => (best && best.width * best.height <= one.width * one.height ? best : one),
    null,
  );
  if (!timeline || !chunk || !lowest || !facts.video)
    throw new PlatformError('internal', 'The plan has nothing to light');
  const writer: TrackWriter = new TrackWriter({
    storage: platform.storage,
    prefix: context.prefix,
    rendition: lowest.id,
    firstSegment: 0,
    signal: context.signal,
    kept: [],
    // Its one segment ends with the task: shown before, it could be another one after an interruption.
    onSegment: () => undefined,
  });
  const endFrame = timeline.boundaries[1] ?? chunk.endFrame;
  const part = { ...chunk, segments: 1, endFrame };
  const command = chunkCommand({
    drawings: await prepareDrawings(platform, context, { ...part, renditions: [lowest], timeline }),
    inputArguments: sourceArguments(platform, context),
    facts,
    video: facts.video,
    preparation: plan.preparation,
    timeline,
    chunk: part,
    renditions: [{ ...lowest, preset: QUICK, segmentFormat: 'cmaf' }],
    pictures: [],
    scratch,
    threads: platform.config.ENCODE_THREADS,
    renderNode: renderNodeFor(platform.tool, context.task.index),
    fromBeginning: false,
  });
  const [args = []] = command.passes.slice(-1);
  const boundaries = [0, boundaryTime(timeline, endFrame)];
  const run = await runCommand(platform, context, {
    args,
    isUrgent: true,
    sinks: [(stream) => writer.read(stream, { boundaries, alignment: 'exact', offset: 0 })],
  });
  return { parts: writer.parts, pictures: [], files: [], frames: writer.samples, seconds: run.seconds };
}
