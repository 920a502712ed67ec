import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { gone, openLiveMachines } from './live-process.ts';
import { ffmpegWith, isRunning } from './open-live.ts';

/** kbit/s, by which the processes of a channel are known. */
const BITRATES = [153, 154];

test('kill -9 of the supervisor leaves no FFmpeg; the next one goes on at once; a reused number is never signalled', async (t) => {
  await using machines = await openLiveMachines();
  const { job, server } = machines;
  const jobs: number[] = [];
  for (const bitrate of BITRATES) jobs.push(await machines.create({ name: `rate ${bitrate}`, video_bitrate: bitrate }));
  assert.equal((await job(jobs[0] ?? 0)).status, 'pending', 'wanted, and no machine yet');
  const first = await machines.start();
  const pids: number[] = [];
  for (const id of jobs) pids.push((await eventually(() => job(id), { until: isRunning })).ffmpeg_pid ?? 0);

  first.kill('SIGKILL');
  await gone(first);
  // The kernel ends them with their parent: nobody else is there.
  await eventually(async () => {
    for (const pid of pids) await assert.rejects(readFile(`/proc/${pid}/stat`));
  });
  // The truth soon, although the rows still say running.
  await eventually(() => job(jobs[0] ?? 0), {
    until: ({ status, ffmpeg_pid }) => status === 'pending' && ffmpeg_pid === null,
  });
  const stranger = await machines.strange();

  const second = await machines.start();
  const began = performance.now();
  const strangers = [...pids, stranger.pid ?? 0];
  // Running by a process of the second: the rows may still name those of the first, or the stranger.
  const runsAgain = (id: number, not: readonly number[]) =>
    eventually(() => job(id), { until: (one) => isRunning(one) && !not.includes(one.ffmpeg_pid ?? 0) });
  for (const id of jobs) await runsAgain(id, strangers);
  t.diagnostic(`running ${((performance.now() - began) / 1000).toFixed(1)} s after the next one was ready`);
  for (const id of jobs) {
    const { ffmpeg_pid: before } = await runsAgain(id, strangers);
    await server.call('POST', `/api/job/${id}/restart/`);
    await runsAgain(id, [...strangers, before ?? 0]);
  }
  const now = await Promise.all(BITRATES.map(async (bitrate) => (await ffmpegWith(`${bitrate}000`)).length));
  assert.deepEqual(now, [1, 1], 'FFmpegs of each channel');
  assert.equal(stranger.exitCode ?? stranger.signalCode, null, 'the stranger lives');

  // A stop in good order: nothing is left, and what was wanted stays wanted.
  const last = (await job(jobs[0] ?? 0)).ffmpeg_pid;
  second.kill('SIGTERM');
  await gone(second);
  assert.equal(second.exitCode, 0);
  await assert.rejects(readFile(`/proc/${last}/stat`));
  assert.equal((await job(jobs[0] ?? 0)).wanted, true);
});
