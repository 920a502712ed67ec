// Makes one file by a command of its own: a copy, a sound file, an animation, a picture.
import { stat } from 'node:fs/promises';
import { CONTAINER_FACTS, type Container } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { DirectPlan, OutputPlan, Timeline } from '#domain/plan.ts';
import type { TaskResult } from '#domain/task.ts';
import type { Drawing } from '#media/command/decoration.ts';
import {
  animationCommand,
  copyCommand,
  type DirectOptions,
  frameCommand,
  soundFileCommand,
} from '#media/command/file.ts';
import { renderStill } from '#media/still.ts';
import { markStill } from '#media/watermark.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { measureLoudness } from '#workflows/tasks/audio.ts';
import { prepareDrawings, watermarkImage } from '#workflows/tasks/drawings.ts';
import { localCopy } from '#workflows/tasks/join.ts';
import { commandFailure, runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';

export async function makeDirectFile(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const output = context.plan.outputs[context.task.subject];
  const timeline = output && context.plan.timelines[output.timeline];
  if (!output?.direct || !timeline)
    throw new PlatformError('internal', `Output ${context.task.subject} is not a direct one`);
  const name = `output.${output.container}`;
  const path = `${context.scratch}/${name}`;
  const seconds =
    output.direct.kind === 'image'
      ? await makePicture(platform, context, { output, path })
      : await makeFile(platform, context, { output, path });
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size === 0)
    throw new PlatformError('corrupt_media', `Nothing of the source could be made into a ${output.container}`);
  const { mediaType } = CONTAINER_FACTS[output.container];
  const key = `${context.prefix}/${name}`;
  await platform.storage.adopt(path, key, { contentType: mediaType, signal: context.signal });
  return { parts: [], pictures: [], files: [{ name, key, size, mediaType }], frames: 0, seconds };
}

type Target = { readonly output: OutputPlan; readonly path: string };

async function directOptions(
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
    direct.normalize && direct.kind === 'audio'
      ? await measureLoudness(platform, context, { streamIndex, span, channels: direct.channels })
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

async function makeFile(platform: Platform, context: TaskContext, target: Target): Promise<number> {
  const options = await directOptions(platform, context, target);
  const { video } = context.facts;
  const { kind } = options.direct;
  const args =
    kind === 'audio'
      ? soundFileCommand(options)
      : kind === 'animation' && video
        ? animationCommand({ ...options, video })
        : copyCommand(options);
  const run = await runCommand(platform, context, {
    args,
    mayFail: true,
    onProgress: ({ outTime, speed }) =>
      context.progress(Math.min(1, (outTime ?? 0) / Math.max(options.direct.duration, 0.01)), speed),
  });
  if (run.exitCode !== 0 || run.signal) throw failure(context, commandFailure(run), kind);
  return run.seconds;
}

/** FFmpeg that cannot convert a source which it can open met damaged media, not a defect of ours. */
function failure(context: TaskContext, error: PlatformError, kind: string): PlatformError {
  if (error.code !== 'encode_failed' || kind === 'copy') return error;
  const codec = kind === 'audio' ? context.facts.audio[0]?.codec : context.facts.video?.codec;
  return new PlatformError(
    'corrupt_media',
    `The ${codec ?? 'media'} of the source cannot be decoded: ${error.message}`,
    { cause: error },
  );
}

/** The image library reads files, not ranges. */
async function stillPath(platform: Platform, { input, job, scratch }: TaskContext): Promise<string> {
  if (input.kind === 'file') return input.path;
  if (job.sourceKey === null) throw new PlatformError('internal', 'The picture is neither a file nor in storage');
  return localCopy(platform.storage, job.sourceKey, `${scratch}/source`);
}

/** A still is rendered by the image library; of a film, FFmpeg takes the frame first. */
async function makePicture(platform: Platform, context: TaskContext, target: Target): Promise<number> {
  const started = performance.now();
  const { direct, container } = target.output;
  const { facts } = context;
  if (!direct) throw new PlatformError('internal', 'A picture needs a size');
  let from = facts.isStill ? await stillPath(platform, context) : null;
  if (from === null) {
    from = `${context.scratch}/frame.png`;
    const run = await runCommand(platform, context, {
      args: frameCommand({ ...(await directOptions(platform, context, target)), path: from }),
      mayFail: true,
    });
    if (run.exitCode !== 0 || run.signal) throw failure(context, commandFailure(run), 'image');
  }
  const { width, height, fit } = direct;
  const { tool, limits } = platform;
  const wish = { tool, limits, width, height, fit, signal: context.signal };
  const format = container as Extract<Container, 'jpg' | 'png' | 'webp' | 'avif' | 'tiff'>;
  const watermark = direct.decoration?.watermark;
  if (!watermark) {
    await renderStill({ ...wish, path: from, output: target.path, format });
  } else {
    const plain = `${context.scratch}/plain.png`;
    const marked = `${context.scratch}/marked.png`;
    await renderStill({ ...wish, path: from, output: plain, format: 'png' });
    const image = await watermarkImage(platform, context, watermark.image);
    await markStill({ path: plain, image, plan: watermark, output: marked });
    await renderStill({ ...wish, width: null, height: null, path: marked, output: target.path, format });
  }
  return (performance.now() - started) / 1000;
}
