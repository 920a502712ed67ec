import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { missingPrograms } from '../kit/server-process.ts';
import { gone, openLiveMachines } from './live-process.ts';
import { isRunning } from './open-live.ts';

const missing =
  missingPrograms('unshare', 'hostname') || (process.getuid?.() !== 0 && 'a name for another host needs root');

test('a machine that falls silent loses its channels to another, but not those pinned to it, and never runs one twice', {
  skip: missing,
}, async (t) => {
  await using machines = await openLiveMachines();
  const { start, create, job } = machines;
  /** Waits until a process of this machine runs the channel. */
  const runsOn = (id: number, machine: ChildProcess) =>
    eventually(async () => ({ answer: await job(id), children: await ffmpegsOf(machine) }), {
      until: ({ answer, children }) => isRunning(answer) && children.includes(answer.ffmpeg_pid ?? 0),
    });

  const first = await start('studio-a');
  const free = await create({ name: 'Free' });
  const pinned = await create({ name: 'Pinned', pinned_to: 'studio-a' });
  const elsewhere = await create({ name: 'Elsewhere', pinned_to: 'studio-c' });
  await runsOn(free, first);
  await runsOn(pinned, first);
  const second = await start('studio-b');

  first.kill('SIGSTOP');
  const silent = performance.now();
  await runsOn(free, second);
  t.diagnostic(`taken over after ${((performance.now() - silent) / 1000).toFixed(1)} s of silence`);
  assert.equal((await ffmpegsOf(second)).length, 1, 'the pinned one is not taken over');

  // It comes back and sees that one of its two channels is no longer its own.
  first.kill('SIGCONT');
  await eventually(async () => assert.equal((await ffmpegsOf(first)).length, 1));
  await runsOn(pinned, first);
  await runsOn(free, second);

  first.kill('SIGKILL');
  await gone(first);
  await eventually(() => job(pinned), {
    until: ({ status, ffmpeg_pid }) => status === 'pending' && ffmpeg_pid === null,
  });
  const third = await start('studio-a');
  await runsOn(pinned, third);
  await runsOn(free, second);
  assert.deepEqual([(await ffmpegsOf(second)).length, (await ffmpegsOf(third)).length], [1, 1]);
  const { status, wanted, ffmpeg_pid } = await job(elsewhere);
  assert.deepEqual([status, wanted, ffmpeg_pid], ['pending', true, null], 'it waits for its machine');
});

/** Numbers of the FFmpegs whose parent a process is. */
async function ffmpegsOf({ pid }: ChildProcess): Promise<number[]> {
  const found: number[] = [];
  for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // proc(5): number, (name), state, parent.
    const fields = /^(\d+) \((.*)\) (\S) (\d+)/.exec(stat);
    if (fields?.[2] === 'ffmpeg' && fields[3] !== 'Z' && Number(fields[4]) === pid) found.push(Number(name));
  }
  return found;
}
