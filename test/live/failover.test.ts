import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/server-process.ts';
import { isRunning, look, openLive, SHORT_WATCHDOG } from './open-live.ts';

function send(...output: string[]): ChildProcess {
  const pattern = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]',
  ];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f'];
  return spawn('ffmpeg', ['-v', 'error', ...pattern, ...encode, ...output], { stdio: 'ignore' });
}
const udp = (port: number) => send('mpegts', `udp://127.0.0.1:${port}?pkt_size=1316`);

describe('none waits for another:', { concurrency: true }, () => {
  test('a second input takes over, a slate where both are gone, and the first comes back by itself', async (t) => {
    const senders: ChildProcess[] = [];
    t.after(() => {
      for (const sender of senders) sender.kill('SIGKILL');
    });
    await using server = await openLive({ settings: SHORT_WATCHDOG });
    const [first, second] = [await freePort(), await freePort()];
    const primary = udp(first);
    const fallback = udp(second);
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
    senders.push(udp(first));
    await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary');
    const types = (await server.events()).filter(({ type }) => type === 'channel.failover').map(({ data }) => data.to);
    assert.deepEqual(types, ['fallback', 'slate', 'primary']);
  });

  test('two publishers, passed through: the second is on air as soon as the first leaves, and the first takes its place back', async (t) => {
    const senders: ChildProcess[] = [];
    t.after(() => {
      for (const sender of senders) sender.kill('SIGKILL');
    });
    await using server = await openLive({ settings: SHORT_WATCHDOG });
    const port = await freePort();
    const place = (key: string) => `rtmp://127.0.0.1:${port}/live/${key}`;
    const publish = (key: string): ChildProcess => {
      const sender = send('flv', place(key));
      senders.push(sender);
      return sender;
    };
    const { job, slug } = await server.create({
      ...{ name: 'Studio', input_type: 'rtmp', input_listen: true, input_url: place('first-key'), resolution: null },
      fallback_input: { input_type: 'rtmp', input_listen: true, input_url: place('second-key') },
      ...{ fallback_return_seconds: 2, video_codec: 'copy', audio_codec: 'copy' },
    });
    await server.order(job, 'start');
    await server.reach(job, ({ ffmpeg_pid }) => ffmpeg_pid !== null);
    const first = publish('first-key');
    await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary');
    const second = publish('second-key');
    await server.log(job, /fallback standby/);
    // It stands by from its first keyframe on; nobody says when that is.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    first.kill('SIGKILL');
    const lost = performance.now();
    await server.reach(job, (answer) => isRunning(answer) && answer.input === 'fallback');
    t.diagnostic(`to the second publisher in ${((performance.now() - lost) / 1000).toFixed(1)} s`);
    assert.equal(second.exitCode, null, 'it was not sent away');
    publish('first-key');
    await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary');
    assert.equal(second.exitCode, null, 'and stands by again');
    await eventually(async () => {
      const seen = await look(`${server.base}/live/${slug}/master.m3u8`, ['-no-rw', '-live_start_index', '-1']);
      assert.deepEqual([seen.width, seen.audio, seen.frames > 0], [320, true, true]);
    });
    const types = (await server.events()).filter(({ type }) => type === 'channel.failover').map(({ data }) => data.to);
    assert.deepEqual(types, ['fallback', 'primary']);
    assert.doesNotMatch(await server.log(job), /first-key|second-key/);
  });
});
