// Packages the source's own video stream as the top rendition, cut at its own keyframes: nothing is decoded.
import { PlatformError } from '#domain/error.ts';
import { EMPTY_RESULT, type TaskResult } from '#domain/task.ts';
import { copyRenditionCommand } from '#media/command/copy.ts';
import { boundaryTimes } from '#media/grid.ts';
import { packageTimeline } from '#workflows/package-timeline.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';
import { countSegments, TrackWriter } from '#workflows/tasks/track-writer.ts';

export async function copyRendition(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, facts, task, job } = context;
  const timeline = plan.timelines[task.subject];
  // Done when the job was planned; here only where it was taken up again.
  const packaged = await packageTimeline(platform, { key: job.sourceKey, facts, plan }, timeline);
  if (packaged) return { ...EMPTY_RESULT, parts: packaged };
  const rendition = plan.video.find((one) => one.timeline === task.subject && one.method === 'copied');
  if (!timeline || !rendition || !facts.video) throw new PlatformError('internal', 'The plan has nothing to copy');
  const writer: TrackWriter = new TrackWriter({
    storage: platform.storage,
    prefix: context.prefix,
    rendition: rendition.id,
    firstSegment: 0,
    signal: context.signal,
    kept: context.published,
    onSegment: () => context.publish(writer.shown),
  });
  const cut = { boundaries: boundaryTimes(timeline), alignment: 'exact', offset: 0, fps: timeline.fps } as const;
  const run = await runCommand(platform, context, {
    args: copyRenditionCommand({ inputArguments: sourceArguments(platform, context), video: facts.video, timeline }),
    sinks: [(stream) => writer.read(stream, cut)],
    onProgress: ({ outTime, speed }) => context.progress(Math.min(1, (outTime ?? 0) / timeline.duration), speed),
  });
  const wanted = timeline.boundaries.length - 1;
  const made = countSegments(writer.parts, rendition.id);
  if (made !== wanted)
    throw new PlatformError('encode_failed', `The copied stream fell into ${made} segments instead of ${wanted}`);
  return { parts: writer.parts, pictures: [], files: [], frames: writer.samples, seconds: run.seconds };
}
