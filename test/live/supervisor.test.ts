import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openServer, until } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';
import { gone, startLiveProcess } from './live-process.ts';
import { ffmpegWith, isRunning, type JobAnswer, LIVE_SETTINGS, SMALL } from './open-live.ts';

test('kill -9 of the supervisor leaves no FFmpeg; the next one goes on at once; a reused number is never signalled', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-supervisor-'));
  await using server = await openServer({ settings: { ...LIVE_SETTINGS } });
  const settings = { DATABASE_URL: server.platform.database.url, DATA_DIR: server.folder, TEMP_VIDEOS_DIR: folder };
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children) {
      child.kill('SIGTERM');
      await gone(child);
    }
    await rm(folder, { recursive: true, force: true });
  });
  const job = async (id: number) => (await server.call('GET', `/api/job/${id}/`)).body as JobAnswer;
  const jobs: number[] = [];
  for (const name of ['one', 'two']) {
    const made = await server.call('POST', '/api/channels/', { body: { ...SMALL, name, auto_start: true } });
    assert.equal(made.status, 201, made.text);
    jobs.push((made.body as { job: number }).job);
  }
  assert.equal((await job(jobs[0] ?? 0)).status, 'pending', 'wanted, and no machine yet');
  const first = await startLiveProcess(settings);
  children.push(first);
  const pids: number[] = [];
  for (const id of jobs) pids.push((await until(30, () => job(id), isRunning)).ffmpeg_pid ?? 0);

  first.kill('SIGKILL');
  await gone(first);
  const died = performance.now();
  await eventually(async () => {
    for (const pid of pids) await assert.rejects(readFile(`/proc/${pid}/stat`));
  });
  assert.ok(performance.now() - died < 5000, 'the kernel ends them with their parent');
  // The truth within seconds, although the rows still say running.
  await until(
    10,
    () => job(jobs[0] ?? 0),
    ({ status, ffmpeg_pid }) => status === 'pending' && ffmpeg_pid === null,
  );
  // Somebody else's process under the number that stands in the row.
  const stranger = spawn('sleep', ['120'], { stdio: 'ignore' });
  children.push(stranger);
  await server.platform.database.pool.query('update channel_job set ffmpeg_pid = $1', [stranger.pid]);

  const second = await startLiveProcess(settings);
  children.push(second);
  const began = performance.now();
  for (const id of jobs) await until(30, () => job(id), isRunning);
  t.diagnostic(`running ${((performance.now() - began) / 1000).toFixed(1)} s after the next one was ready`);
  for (const id of jobs) {
    await server.call('POST', `/api/job/${id}/restart/`);
    await until(
      30,
      () => job(id),
      (answer) => isRunning(answer) && !pids.includes(answer.ffmpeg_pid ?? 0),
    );
  }
  const now = await ffmpegWith(folder.slice(-6)).then((found) => found.length);
  assert.ok(now <= 2, `${now} FFmpegs for two channels`);
  assert.equal(stranger.exitCode ?? stranger.signalCode, null, 'the stranger lives');

  // A stop in good order: nothing is left, and what was wanted stays wanted.
  const last = (await job(jobs[0] ?? 0)).ffmpeg_pid;
  second.kill('SIGTERM');
  await gone(second);
  assert.equal(second.exitCode, 0);
  await assert.rejects(readFile(`/proc/${last}/stat`));
  assert.equal((await job(jobs[0] ?? 0)).wanted, true);
});
