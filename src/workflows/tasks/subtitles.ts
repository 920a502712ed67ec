// Turns all text tracks of a timeline into WebVTT files, in one run.
import { readFile, writeFile } from 'node:fs/promises';
import type { StoredFile, TaskResult } from '#domain/task.ts';
import { subtitlesCommand } from '#media/command/file.ts';
import { cutTexts } from '#media/cut-texts.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { runCommand, sourceArguments } from '#workflows/tasks/run-command.ts';

export async function extractSubtitles(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, facts, task, scratch } = context;
  const tracks = plan.subtitles.filter((track) => track.timeline === task.subject);
  const streams = tracks.map((track) => ({ streamIndex: track.streamIndex, path: `${scratch}/${track.id}.vtt` }));
  const run = await runCommand(platform, context, {
    args: subtitlesCommand({ inputArguments: sourceArguments(platform, context), streams }),
    mayFail: true,
  });
  const timeline = plan.timelines[task.subject];
  // FFmpeg counts from where the file begins.
  const part = {
    start: (timeline?.sourceStart ?? facts.startTime) - facts.startTime,
    duration: timeline?.duration ?? facts.duration,
  };
  const files: StoredFile[] = [];
  for (const { id } of tracks) {
    const name = `${id}.vtt`;
    const path = `${scratch}/${name}`;
    // A damaged text track must not fail a film: it becomes an empty one, and the log says so.
    const text = await readFile(path, 'utf8').catch(() => '');
    if (!text.startsWith('WEBVTT')) context.log(`subtitles ${id}: nothing could be read`);
    await writeFile(path, text.startsWith('WEBVTT') ? await cutTexts(text, part) : 'WEBVTT\n');
    const key = `${context.prefix}/${name}`;
    const size = await platform.storage.adopt(path, key, { contentType: 'text/vtt', signal: context.signal });
    files.push({ name, key, size, mediaType: 'text/vtt' });
  }
  return { parts: [], pictures: [], files, frames: 0, seconds: run.seconds };
}
