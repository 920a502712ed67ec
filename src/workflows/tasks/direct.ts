// Makes one file by a command of its own: a copy, a sound file, an animation, a picture.
import { stat } from 'node:fs/promises';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { TaskResult } from '#domain/task.ts';
import { animationCommand } from '#media/command/animation.ts';
import { copyCommand, type DirectOptions, frameCommand } from '#media/command/file.ts';
import { filmFileCommand } from '#media/command/film-file.ts';
import { soundFileCommand } from '#media/command/sound-file.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { directOptions, explainFailure, type Target } from '#workflows/tasks/direct-options.ts';
import { renderPicture } from '#workflows/tasks/render-picture.ts';
import { commandFailure, runCommand } from '#workflows/tasks/run-command.ts';

export async function makeDirectFile(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const output = context.plan.outputs[context.task.subject];
  const timeline = output && context.plan.timelines[output.timeline];
  if (!output?.direct || !timeline)
    throw new PlatformError('internal', `Output ${context.task.subject} is not a direct one`);
  const name = `output.${output.container}`;
  const path = `${context.scratch}/${name}`;
  const seconds =
    output.direct.kind === 'image'
      ? await renderPicture(platform, context, { output, path })
      : await makeFile(platform, context, { output, path });
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size === 0)
    throw new PlatformError('corrupt_media', `Nothing of the source could be made into a ${output.container}`);
  const { mediaType } = CONTAINER_FACTS[output.container];
  const key = `${context.prefix}/${name}`;
  await platform.storage.adopt(path, key, { contentType: mediaType, signal: context.signal });
  return { parts: [], pictures: [], files: [{ name, key, size, mediaType }], frames: 0, seconds };
}

const COMMANDS = {
  audio: soundFileCommand,
  film: filmFileCommand,
  animation: animationCommand,
  copy: copyCommand,
  image: frameCommand,
};

async function makeFile(platform: Platform, context: TaskContext, target: Target): Promise<number> {
  const options = await directOptions(platform, context, target);
  const { kind, sound } = options.direct;
  const run = (wanted: DirectOptions) =>
    runCommand(platform, context, {
      args: COMMANDS[kind](wanted),
      mayFail: true,
      onProgress: ({ outTime, speed }) =>
        context.progress(Math.min(1, (outTime ?? 0) / Math.max(options.direct.duration, 0.01)), speed),
    });
  const first = await run(options);
  if (first.exitCode === 0 && !first.signal) return first.seconds;
  // A cover of a kind that the container does not take must not cost the sound.
  const isCover = sound && sound.cover !== null && !first.signal;
  const second = isCover
    ? await run({ ...options, direct: { ...options.direct, sound: { ...sound, cover: null } } })
    : first;
  if (second.exitCode !== 0 || second.signal) throw explainFailure(context, commandFailure(second), kind);
  return first.seconds + second.seconds;
}
