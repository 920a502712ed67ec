// Which executor does which kind of task. Read by run-task.ts.
import type { TaskKind } from '#domain/plan.ts';
import type { TaskExecutor } from '#workflows/task-context.ts';
import { encodeAudio } from '#workflows/tasks/audio.ts';
import { encodeChunk } from '#workflows/tasks/chunk.ts';
import { copyRendition } from '#workflows/tasks/copy.ts';
import { makeDirectFile } from '#workflows/tasks/direct.ts';
import { makeFirstLight } from '#workflows/tasks/first-light.ts';
import { finishOutput } from '#workflows/tasks/output.ts';
import { extractSubtitles } from '#workflows/tasks/subtitles.ts';
import { uploadSegments } from '#workflows/tasks/upload.ts';

export const EXECUTORS: Readonly<Record<TaskKind, TaskExecutor>> = {
  'first-light': makeFirstLight,
  chunk: encodeChunk,
  copy: copyRendition,
  audio: encodeAudio,
  subtitles: extractSubtitles,
  direct: makeDirectFile,
  upload: uploadSegments,
  output: finishOutput,
};
