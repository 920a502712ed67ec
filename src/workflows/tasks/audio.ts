// Encodes all sound of a timeline in one run over the whole length, after measuring loudness where it is to be normalised.
import { PlatformError } from '#domain/error.ts';
import type { LoudnessTarget } from '#domain/output.ts';
import type { AudioRendition, Timeline } from '#domain/plan.ts';
import type { TaskResult } from '#domain/task.ts';
import {
  audioCommand,
  type LoudnessMeasure,
  loudnessCommand,
  parseLoudness,
  type SoundSpan,
} from '#media/command/audio.ts';
import { boundaryTimes } from '#media/grid.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';
import { countSegments, TrackWriter } from '#workflows/tasks/track-writer.ts';
import { storeTransportSegments } from '#workflows/tasks/transport-segments.ts';

export async function encodeAudio(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, facts, task, scratch } = context;
  const timeline = plan.timelines[task.subject];
  if (!timeline) throw new PlatformError('internal', `The plan has no timeline ${task.subject}`);
  const renditions = plan.audio.filter(
    (rendition) => rendition.timeline === timeline.id && rendition.method === 'encoded',
  );
  const loudness = await measureAll(platform, context, { renditions, timeline });
  const command = audioCommand({
    inputArguments: sourceArguments(platform, context),
    timeline,
    sourceStart: facts.startTime,
    tracks: facts.audio,
    renditions,
    loudness,
    scratch,
  });
  const writers: TrackWriter[] = command.sinks.map((rendition) => {
    return new TrackWriter({
      storage: platform.storage,
      prefix: context.prefix,
      rendition: rendition.id,
      firstSegment: 0,
      signal: context.signal,
      // Encoded from the beginning again, which gives the same: what was shown is only not stored twice.
      kept: context.published,
      onSegment: () => context.publish(writers.flatMap((writer) => writer.shown)),
    });
  });
  const boundaries = boundaryTimes(timeline);
  const run = await runCommand(platform, context, {
    args: command.args,
    sinks: writers.map((writer) => (stream) => writer.read(stream, { boundaries, alignment: 'nearest', offset: 0 })),
    onProgress: ({ outTime, speed }) => context.progress(Math.min(1, (outTime ?? 0) / timeline.duration), speed),
  });
  const transport = renditions.filter((rendition) => rendition.segmentFormat === 'ts');
  const transportParts = await Promise.all(
    transport.map((rendition) =>
      storeTransportSegments(platform, context, { rendition: rendition.id, firstSegment: 0, boundaries, fps: null }),
    ),
  );
  const parts = [...writers.flatMap((writer) => writer.parts), ...transportParts];
  const counts = renditions.map(({ id }) => countSegments(parts, id));
  const short = counts.find((count) => count !== boundaries.length - 1);
  if (short !== undefined)
    throw new PlatformError(
      'encode_failed',
      `The sound fell into ${short} segments instead of ${boundaries.length - 1}`,
    );
  return { parts, pictures: [], files: [], frames: 0, seconds: run.seconds };
}

async function measureAll(
  platform: Platform,
  context: TaskContext,
  { renditions, timeline }: { renditions: readonly AudioRendition[]; timeline: Timeline },
): Promise<Map<string, LoudnessMeasure>> {
  const measured = new Map<string, LoudnessMeasure>();
  for (const { id, normalize, streamIndex, channels, loudness = null } of renditions) {
    if (!normalize) continue;
    const measure = await measureLoudness(platform, context, {
      streamIndex,
      channels,
      span: { start: timeline.sourceStart, duration: timeline.duration },
      target: loudness,
    });
    if (measure) measured.set(id, measure);
  }
  return measured;
}

/** Loudness of one stream over a span; null where it is silent. */
export async function measureLoudness(
  platform: Platform,
  context: TaskContext,
  {
    streamIndex,
    span,
    channels,
    target = null,
  }: { streamIndex: number; span: SoundSpan; channels: number; target?: LoudnessTarget | null },
): Promise<LoudnessMeasure | null> {
  const args = loudnessCommand({
    inputArguments: sourceArguments(platform, context),
    streamIndex,
    span,
    heard: { track: context.facts.audio.find((track) => track.streamIndex === streamIndex), channels },
    sourceStart: context.facts.startTime,
    target,
  });
  const run = await runCommand(platform, context, { args });
  const measure = parseLoudness(run.tail);
  return measure && target ? { ...measure, target } : measure;
}
