// Finishes one output: joins or packages what the other tasks made, delivers it, and says what it is.
import { stat } from 'node:fs/promises';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputPlan } from '#domain/plan.ts';
import type { StoredFile, TaskResult } from '#domain/task.ts';
import { type Package, packageOutput } from '#media/package.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { deliverFiles, deliverPackage } from '#workflows/tasks/deliver.ts';
import { joinTracks } from '#workflows/tasks/join.ts';
import { finishPictures } from '#workflows/tasks/pictures.ts';

export async function finishOutput(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const output = context.plan.outputs[context.task.subject];
  if (!output) throw new PlatformError('internal', `The plan has no output ${context.task.subject}`);
  if (output.refused) throw new PlatformError(output.refused.code, output.refused.message);
  const started = performance.now();
  const pictures = await finishPictures(platform, context, output);
  const files = output.method === 'adaptive' ? pictures : [...(await mainFile(platform, context, output)), ...pictures];
  const destination = context.outputs.find((one) => one.index === output.index)?.spec.destination ?? null;
  let delivered: Pick<TaskResult, 'deliveredBytes'> = {};
  if (destination && destination.kind !== 'managed') {
    const wholeOutput = output.method === 'adaptive' ? packageOf(context, output) : null;
    if (wholeOutput) {
      const bytes = await deliverPackage(platform, context, { output, destination, files, whole: wholeOutput });
      if (output.soundInside) delivered = { deliveredBytes: bytes };
    } else await deliverFiles(platform, context, { destination, files });
  }
  return { ...delivered, parts: [], pictures: [], files, frames: 0, seconds: (performance.now() - started) / 1000 };
}

/** The tracks of an adaptive output, which must all be there. */
export function packageOf(context: Pick<TaskContext, 'plan' | 'done'>, output: OutputPlan): Package {
  const whole = packageOutput(context.plan, output, context.done);
  if (!whole.complete) throw new PlatformError('internal', `Output ${output.index} is not complete`);
  return whole;
}

async function mainFile(platform: Platform, context: TaskContext, output: OutputPlan): Promise<StoredFile[]> {
  if (output.method !== 'joined') {
    const made = context.done.find((task) => task.kind === 'direct' && task.subject === output.index);
    const files = made?.result?.files ?? [];
    if (files.length === 0) throw new PlatformError('internal', `Output ${output.index} was not made`);
    return [...files];
  }
  const name = `output.${output.container}`;
  const path = `${context.scratch}/${name}`;
  await joinTracks(platform, context, { output, whole: packageOf(context, output), path });
  const { size } = await stat(path);
  const { mediaType } = CONTAINER_FACTS[output.container];
  const key = `${context.prefix}/${name}`;
  await platform.storage.adopt(path, key, { contentType: mediaType, signal: context.signal });
  return [{ name, key, size, mediaType }];
}
