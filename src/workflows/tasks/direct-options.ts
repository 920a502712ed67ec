// What the commands of direct files need to know, and what their failures mean. Used by direct.ts and render-picture.ts.
import { PlatformError } from '#domain/error.ts';
import type { DirectPlan, OutputPlan, Timeline } from '#domain/plan.ts';
import type { Drawing } from '#media/command/decoration.ts';
import type { DirectOptions } from '#media/command/file.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { measureLoudness } from '#workflows/tasks/audio.ts';
import { prepareDrawings } from '#workflows/tasks/drawings.ts';
import { KILLED, sourceArguments } from '#workflows/tasks/run-command.ts';

export type Target = { readonly output: OutputPlan; readonly path: string };

export async function directOptions(
  platform: Platform,
  context: TaskContext,
  { output, path }: Target,
): Promise<DirectOptions> {
  const { plan, facts } = context;
  const { direct } = output;
  const timeline = plan.timelines[output.timeline];
  if (!direct || !timeline) throw new PlatformError('internal', `Output ${output.index} has no command`);
  const span = { start: direct.start, duration: direct.duration };
  const [streamIndex = 0] = direct.audioStreams;
  const loudness =
    direct.normalize && (direct.kind === 'audio' || direct.kind === 'film')
      ? await measureLoudness(platform, context, {
          streamIndex,
          span,
          channels: direct.channels,
          target: direct.loudness ?? direct.sound?.loudness ?? null,
        })
      : null;
  return {
    container: output.container,
    direct,
    facts,
    preparation: plan.preparation,
    timeline,
    inputArguments: sourceArguments(platform, context),
    loudness,
    drawing: await directDrawing(platform, context, { direct, timeline }),
    path,
  };
}

/** What is drawn into an animation or a picture; a watermark on a picture is drawn by the image library. */
async function directDrawing(
  platform: Platform,
  context: TaskContext,
  { direct, timeline }: { direct: DirectPlan; timeline: Timeline },
): Promise<Drawing | null> {
  const { decoration, fit, kind } = direct;
  if (!decoration) return null;
  const rendition = {
    id: 'direct',
    fit,
    width: direct.width ?? context.facts.video?.displayWidth ?? 2,
    height: direct.height ?? context.facts.video?.displayHeight ?? 2,
    decoration: kind === 'image' ? { ...decoration, watermark: null } : decoration,
  };
  const frames = { startFrame: 0, endFrame: kind === 'image' ? 1 : timeline.frames };
  return (
    (await prepareDrawings(platform, context, { renditions: [rendition], timeline, ...frames })).get('direct') ?? null
  );
}

/** FFmpeg that cannot convert a source which it can open met damaged media, not a defect of ours. */
export function explainFailure(context: Pick<TaskContext, 'facts'>, error: PlatformError, kind: string): PlatformError {
  const isOurs = /opening encoder|Unable to find a suitable output|not currently supported in container/.test(
    error.message,
  );
  const isOthers = error.message.startsWith(KILLED);
  if (error.code !== 'encode_failed' || kind === 'copy' || isOurs || isOthers) return error;
  const codec = kind === 'audio' ? context.facts.audio[0]?.codec : context.facts.video?.codec;
  return new PlatformError(
    'corrupt_media',
    `The ${codec ?? 'media'} of the source cannot be decoded: ${error.message}`,
    { cause: error },
  );
}
