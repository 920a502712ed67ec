// Soak of the supervisor: it is killed with -9 a hundred times while two channels are on air, and each time somebody else's process has the
// number of an FFmpeg of its. `npm run test:live-soak`; two minutes.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../kit/eventually.ts';
import { gone, openLiveMachines } from '../live/live-process.ts';
import { ffmpegWith, isRunning } from '../live/open-live.ts';

const KILLS = 100;
/** Seconds after which nothing of a dead supervisor may be left. */
const ENDED_WITHIN = 2;
/** Seconds from the start of the next one until all that is wanted runs. */
const RUNNING_WITHIN = 10;
/** kbit/s, by which the processes of a channel are known. */
const BITRATES = [151, 152];

test('a hundred kills: nothing left, all back, never two FFmpegs for one channel, no stranger signalled', async (t) => {
  await using machines = await openLiveMachines();
  const { job } = machines;
  const jobs: number[] = [];
  for (const bitrate of BITRATES) jobs.push(await machines.create({ name: `rate ${bitrate}`, video_bitrate: bitrate }));
  const over = new AbortController();
  const most = mostAtOnce(over.signal);
  const [left, back]: [number[], number[]] = [[], []];
  let signalled = 0;
  let before: ChildProcess | null = null;
  for (let kill = 0; kill < KILLS; kill++) {
    const began = performance.now();
    const live = await machines.start();
    // The rows may still say what was before the kill: what counts is a process that encodes.
    for (const id of jobs)
      await eventually(async () => ({ answer: await job(id), living: await encoders() }), {
        until: ({ answer, living }) => isRunning(answer) && living.includes(answer.ffmpeg_pid ?? 0),
      });
    back.push((performance.now() - began) / 1000);

    live.kill('SIGKILL');
    await gone(live);
    const died = performance.now();
    while ((await encoders()).length > 0 && performance.now() - died < 30_000) await sleep(50);
    left.push((performance.now() - died) / 1000);
    const stranger = await machines.strange();
    // The one of the round before has lived through a whole life of a supervisor.
    if (before && (before.exitCode !== null || before.signalCode !== null)) signalled += 1;
    before?.kill();
    before = stranger;
  }
  over.abort();
  const worst = (seconds: readonly number[]) => Math.max(...seconds);
  const median = (seconds: readonly number[]) => [...seconds].sort((a, b) => a - b)[seconds.length >> 1] ?? 0;
  t.diagnostic(`left for ${median(left).toFixed(2)} s (median), ${worst(left).toFixed(2)} s at the most`);
  t.diagnostic(
    `all running ${median(back).toFixed(2)} s (median) after a start, ${worst(back).toFixed(2)} s at the most`,
  );
  assert.ok(worst(left) <= ENDED_WITHIN);
  assert.ok(worst(back) <= RUNNING_WITHIN);
  assert.deepEqual(await most, [1, 1], 'FFmpegs of each channel at once');
  assert.equal(signalled, 0);
});

/** FFmpegs that encode, by channel. */
async function encoders(): Promise<number[]> {
  const found = await Promise.all(BITRATES.map((bitrate) => ffmpegWith(`${bitrate}000`)));
  return found.flat();
}

/** How many of each channel there were at once, until it is told to end. */
async function mostAtOnce(signal: AbortSignal): Promise<number[]> {
  let most = BITRATES.map(() => 0);
  while (!signal.aborted) {
    const counts = await Promise.all(BITRATES.map(async (bitrate) => (await ffmpegWith(`${bitrate}000`)).length));
    most = most.map((count, i) => Math.max(count, counts[i] ?? 0));
    await sleep(100);
  }
  return most;
}
