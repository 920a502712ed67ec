// Executors that store one small file instead of encoding, and behave as a test wants. Used by the worker tests and their child processes.
import { setTimeout as sleep } from 'node:timers/promises';
import { EMPTY_RESULT, type TaskResult } from '#domain/task.ts';
import type { TaskRunner } from '#workflows/run-task.ts';
import type { TaskContext, TaskExecutor } from '#workflows/task-context.ts';

export type Executors = NonNullable<TaskRunner['executors']>;

/** Stores a file under the attempt's prefix and says so. */
export async function storeFile(platform: Parameters<TaskExecutor>[0], context: TaskContext): Promise<TaskResult> {
  const key = `${context.prefix}/file`;
  await platform.storage.write(key, Buffer.from(`${platform.workerId}`));
  const file = { name: 'output', key, size: 5, mediaType: 'video/mp4' };
  const part = {
    rendition: 'v0',
    init: null,
    codecs: 'avc1',
    timescale: 24,
    segments: [{ index: context.task.index, key, size: 5, start: 0, duration: 24, samples: 24 }],
  };
  await context.publish([part]);
  return { ...EMPTY_RESULT, files: [file], parts: context.task.kind === 'chunk' ? [part] : [] };
}

/** Works until it is stopped, telling that it is alive. */
export const workForever: TaskExecutor = async (platform, context) => {
  await storeFile(platform, context);
  for (let done = 0; ; done += 0.001) {
    context.progress(Math.min(done, 0.99), 2);
    await sleep(20, undefined, { signal: context.signal });
  }
};

export function executors(chunk: TaskExecutor = storeFile, changes: Partial<Executors> = {}): Executors {
  return {
    'first-light': storeFile,
    copy: storeFile,
    audio: storeFile,
    subtitles: storeFile,
    direct: storeFile,
    upload: storeFile,
    output: storeFile,
    chunk,
    ...changes,
  };
}
