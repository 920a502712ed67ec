import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../kit/eventually.ts';
import { missingRtmp, startRtmp } from '../kit/nginx-rtmp.ts';
import { freePort } from '../kit/server-process.ts';
import { isRunning, type LiveServer, openLive, SHORT_WATCHDOG } from './open-live.ts';

const PATTERN = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]'];
const ENCODE = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-g',
  '12',
  '-pix_fmt',
  'yuv420p',
  '-b:v',
  '300k',
  '-c:a',
  'aac',
];

/** An encoder somewhere in the world. */
function send(...output: string[]): ChildProcess {
  return spawn('ffmpeg', ['-v', 'error', '-re', ...PATTERN, ...ENCODE, ...output], { stdio: 'ignore' });
}

async function plays(server: LiveServer, fields: Record<string, unknown>): Promise<number> {
  const { job, slug } = await server.create(fields);
  await server.order(job, 'start');
  await server.reach(job, (answer) => isRunning(answer) && (answer.fps ?? 0) > 0);
  await eventually(async () => assert.equal((await server.call('GET', `/live/${slug}/master.m3u8`)).status, 200));
  return job;
}

describe('none waits for another:', { concurrency: true }, () => {
  test('UDP, RTP, SRT in both directions, file in a loop', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rendition-inputs-'));
    const senders: ChildProcess[] = [];
    t.after(async () => {
      for (const sender of senders) sender.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    });
    await using server = await openLive({ settings: { FILE_ROOTS: folder } });
    const [multicast, unicast, rtp, listener, caller] = await Promise.all(Array.from({ length: 5 }, () => freePort()));
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...PATTERN, ...ENCODE, '-t', '2', join(folder, 'clip.mp4')]);
    senders.push(
      send('-f', 'mpegts', `udp://239.7.7.7:${multicast}?pkt_size=1316&localaddr=127.0.0.1&ttl=0`),
      send('-f', 'mpegts', `udp://127.0.0.1:${unicast}?pkt_size=1316`),
      send('-f', 'rtp_mpegts', `rtp://127.0.0.1:${rtp}`),
      send('-f', 'mpegts', `srt://127.0.0.1:${caller}?mode=listener&passphrase=0123456789ab`),
    );
    const copied = { video_codec: 'copy', audio_codec: 'copy', resolution: null };
    const jobs = await Promise.all([
      plays(server, {
        name: 'multicast',
        input_type: 'udp',
        input_multicast_ip: `239.7.7.7:${multicast}`,
        input_network: '127.0.0.1',
      }),
      plays(server, { name: 'unicast', input_type: 'udp', input_url: `udp://@:${unicast}`, ...copied }),
      plays(server, { name: 'rtp', input_type: 'rtp', input_url: `rtp://127.0.0.1:${rtp}`, ...copied }),
      plays(server, {
        name: 'srt',
        input_type: 'srt',
        input_url: `srt://127.0.0.1:${caller}?passphrase=0123456789ab`,
        ...copied,
      }),
      plays(server, { name: 'file', input_type: 'file', input_file: 'clip.mp4', ...copied }),
      (async () => {
        const waiting = plays(server, {
          name: 'listener',
          input_type: 'srt',
          input_url: `srt://0.0.0.0:${listener}?mode=listener`,
          ...copied,
        });
        setTimeout(() => senders.push(send('-f', 'mpegts', `srt://127.0.0.1:${listener}`)), 1500);
        return waiting;
      })(),
    ]);
    assert.equal(jobs.length, 6);
    assert.doesNotMatch(await server.log(jobs[3] ?? 0), /0123456789ab/);
  });

  test('RTMP: pulled from a server; and published to us with the key alone', { skip: missingRtmp() }, async (t) => {
    const senders: ChildProcess[] = [];
    t.after(() => {
      for (const sender of senders) sender.kill('SIGKILL');
    });
    await using server = await openLive({ settings: SHORT_WATCHDOG });
    await using rtmp = await startRtmp();
    const port = await freePort();
    senders.push(send('-f', 'flv', rtmp.url('pulled')));
    await plays(server, { name: 'pull', input_type: 'rtmp', input_url: rtmp.url('pulled') });

    const { job } = await server.create({
      name: 'push',
      input_type: 'rtmp',
      input_listen: true,
      input_url: `rtmp://0.0.0.0:${port}/live/the-right-key`,
    });
    await server.order(job, 'start');
    // Longer than the watchdog: waiting for a publisher is no failure.
    await new Promise((resolve) => setTimeout(resolve, 3500));
    assert.deepEqual([(await server.job(job)).status, (await server.job(job)).retries], ['pending', 0]);
    const wrong = send('-f', 'flv', `rtmp://127.0.0.1:${port}/live/the-wrong-key`);
    assert.notEqual(await new Promise((resolve) => wrong.once('close', resolve)), 0);
    assert.equal((await server.job(job)).status, 'pending');
    const publish = () => {
      const sender = send('-f', 'flv', `rtmp://127.0.0.1:${port}/live/the-right-key`);
      senders.push(sender);
      return sender;
    };
    const right = publish();
    await server.reach(job, isRunning);
    // An encoder comes back before its old line is known to be dead, then as soon as it has left: it is never sent away.
    const again = publish();
    const { restarts } = await server.reach(job, (answer) => isRunning(answer) && answer.restarts >= 1);
    assert.deepEqual([again.exitCode, again.signalCode], [null, null]);
    await eventually(() => assert.notEqual(right.exitCode, null));
    again.kill('SIGKILL');
    const third = publish();
    await server.reach(job, (answer) => isRunning(answer) && answer.restarts > restarts);
    assert.deepEqual([third.exitCode, third.signalCode], [null, null]);
    third.kill('SIGKILL');
    await server.reach(job, ({ status, retries }) => status === 'pending' && retries === 0);
    publish();
    await server.reach(job, isRunning);
    assert.doesNotMatch(await server.log(job), /the-right-key/);
  });

  test('HLS comes through the guard: playlists and segments alike', async (t) => {
    const site = createServer((_, response) => {
      const lines = [
        '#EXTM3U',
        '#EXT-X-TARGETDURATION:1',
        '#EXTINF:1,',
        'http://10.1.2.3/canary.ts',
        '#EXTINF:1,',
        'http://[fd00::1]/x.ts',
      ];
      response.end(`${lines.join('\n')}\n`);
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const address = site.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    t.after(() => {
      site.closeAllConnections();
      site.close();
    });
    await using server = await openLive();
    const origin = await server.create({ name: 'origin', hls_window_seconds: 12 });
    await server.order(origin.job, 'start');
    const place = `${server.base}/live/origin/master.m3u8`;
    await eventually(async () => (await fetch(place)).status, { until: (status) => status === 200 });
    const job = await plays(server, { name: 'hls', input_type: 'hls', input_url: place });
    await server.log(job, /http_proxy/);
    const { job: bad } = await server.create({
      name: 'bad',
      input_type: 'hls',
      input_url: `http://127.0.0.1:${port}/bad.m3u8`,
    });
    await server.order(bad, 'start');
    await server.reach(bad, ({ status }) => status === 'retrying' || status === 'error');
    await server.log(bad, /403/);
    // Nobody there is not somebody who says no: FFmpeg asks again for some seconds, and the reason is told.
    const { job: absent } = await server.create({
      name: 'absent',
      input_type: 'hls',
      input_url: `http://127.0.0.1:${await freePort()}/gone.m3u8`,
    });
    await server.order(absent, 'start');
    const { error_code } = await server.reach(absent, ({ status }) => status === 'retrying');
    assert.equal(error_code, 'source_unreachable');
    await server.log(absent, /HTTP error 502 .*ECONNREFUSED/);
    for (const url of ['http://10.0.0.1/x.m3u8', 'http://0xa000001/x.m3u8', 'http://[::ffff:10.0.0.1]/x.m3u8']) {
      const answer = await server.call('POST', '/api/channels/', {
        body: { name: url, input_type: 'hls', input_url: url },
      });
      assert.equal(answer.status, 400, url);
    }
    // A channel that would play itself, under whatever name of this machine.
    const own = await server.call('PATCH', `/api/channels/${origin.id}/`, {
      body: { input_type: 'hls', input_url: place },
    });
    assert.equal(own.status, 400);
  });
});
