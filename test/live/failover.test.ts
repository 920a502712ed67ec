import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { test } from 'node:test';
import { freePort } from '../kit/server-process.ts';
import { isRunning, openLive } from './open-live.ts';

function send(port: number): ChildProcess {
  const pattern = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]',
  ];
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '12',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    '-f',
    'mpegts',
  ];
  return spawn('ffmpeg', ['-v', 'error', ...pattern, ...encode, `udp://127.0.0.1:${port}?pkt_size=1316`], {
    stdio: 'ignore',
  });
}

test('a second input takes over, a slate where both are gone, and the first comes back by itself', async (t) => {
  const senders: ChildProcess[] = [];
  t.after(() => {
    for (const sender of senders) sender.kill('SIGKILL');
  });
  await using server = await openLive();
  const [first, second] = [await freePort(), await freePort()];
  const primary = send(first);
  const fallback = send(second);
  senders.push(primary, fallback);
  const { job, slug } = await server.create({
    name: 'Always on',
    input_type: 'udp',
    input_url: `udp://0.0.0.0:${first}`,
    fallback_input: { input_type: 'udp', input_url: `udp://0.0.0.0:${second}` },
    fallback_return_seconds: 2,
    slate: 'bars',
  });
  await server.order(job, 'start');
  await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary');
  primary.kill('SIGKILL');
  let lost = performance.now();
  await server.reach(job, (answer) => isRunning(answer) && answer.input === 'fallback');
  t.diagnostic(`to the fallback in ${((performance.now() - lost) / 1000).toFixed(1)} s`);
  fallback.kill('SIGKILL');
  lost = performance.now();
  await server.reach(job, (answer) => isRunning(answer) && answer.input === 'slate');
  t.diagnostic(`to the slate in ${((performance.now() - lost) / 1000).toFixed(1)} s`);
  const playlist = await server.call('GET', `/live/${slug}/180p/playlist.m3u8`);
  assert.equal(playlist.status, 200);
  senders.push(send(first));
  await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary', 30);
  const types = (await server.events()).filter(({ type }) => type === 'channel.failover').map(({ data }) => data.to);
  assert.deepEqual(types, ['fallback', 'slate', 'primary']);
});
