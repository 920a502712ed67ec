// How a command of a task runs beside other work.
import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { detectTool } from '#media/capabilities.ts';
import { runCommand } from '#workflows/tasks/run-command.ts';
import { LIMITS } from '../media/sample-facts.ts';

const NICENESS = 7;
const skip = process.platform === 'linux' ? false : 'niceness is set on Linux alone';

for (const isUrgent of [false, true]) {
  test(`a command that is ${isUrgent ? 'urgent yields to nothing' : 'not urgent yields'}`, { skip }, async () => {
    const child = { ...LIMITS.child, niceness: NICENESS };
    const found = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: child, hwaccel: 'none' });
    // In place of FFmpeg, what says how nice it is.
    const platform = { tool: { ...found, ffmpeg: '/bin/sh' }, limits: { ...LIMITS, child } };
    const said: string[] = [];
    const context = {
      log: (line: string) => void said.push(line),
      timeLimit: 30,
      signal: new AbortController().signal,
      scratch: '/tmp',
    };
    await runCommand(platform, context, { args: ['-c', 'nice >&2'], isUrgent });
    assert.equal(said.at(-1), String(getPriority() + (isUrgent ? 0 : NICENESS)));
  });
}
