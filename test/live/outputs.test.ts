import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { missingRtmp, startRtmp } from '../kit/nginx-rtmp.ts';
import { freePort } from '../kit/server-process.ts';
import { isRunning, look, openLive } from './open-live.ts';

describe('none waits for another:', { concurrency: true }, () => {
  test('a profile each to RTMP, SRT, UDP and HLS from one decode; a receiver that stands still harms nobody else', {
    skip: missingRtmp(),
  }, async (t) => {
    await using server = await openLive();
    await using rtmp = await startRtmp();
    const [srt, udp, stuck] = [await freePort(), await freePort(), await freePort()];
    const datagrams = await receive(udp);
    // Takes the connection and never reads.
    const sockets: import('node:net').Socket[] = [];
    const wall = createServer(
      { pauseOnConnect: true },
      (socket) => void sockets.push(socket.on('error', () => undefined)),
    );
    wall.listen(stuck, '127.0.0.1');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      wall.close();
      datagrams.close();
    });
    const { job, id } = await server.create({
      name: 'Outputs',
      is_abr: true,
      abr: [
        { output_type: 'hls', resolution: '320x180' },
        { output_type: 'rtmp', output_url: rtmp.url('secret-key'), resolution: '320x180' },
        {
          output_type: 'srt',
          output_url: `srt://127.0.0.1:${srt}?mode=listener&passphrase=a-long-passphrase`.replace(
            '127.0.0.1',
            '0.0.0.0',
          ),
          resolution: '160x90',
          video_bitrate: 100,
        },
        { output_type: 'udp', output_url: `udp://127.0.0.1:${udp}`, resolution: '160x90', video_bitrate: 100 },
        {
          output_type: 'rtmp',
          output_url: `rtmp://127.0.0.1:${stuck}/live/x`,
          resolution: '160x90',
          video_bitrate: 100,
        },
      ],
    });
    await server.order(job, 'start');
    await server.reach(
      job,
      ({ outputs }) => outputs.filter(({ type, status }) => type !== 'hls' && status === 'running').length >= 2,
    );
    const played = await look(rtmp.url('secret-key'));
    assert.ok(played.width === 320 && played.frames > 10 && played.audio, JSON.stringify(played));
    const heard = await look(`srt://127.0.0.1:${srt}?passphrase=a-long-passphrase`, ['-no-rw']);
    assert.equal(heard.width, 160);
    await datagrams.wait(200);
    assert.ok(
      datagrams.sizes.every((size) => size === 1316),
      `datagrams of ${[...new Set(datagrams.sizes)]}`,
    );
    const answer = await server.job(job);
    assert.equal(answer.status, 'running');
    assert.notEqual(answer.outputs.find(({ target }) => target.includes(String(stuck)))?.status, 'running');
    const playlist = await server.call('GET', `/live/${id}/180p/playlist.m3u8`);
    assert.match(playlist.text, /#EXTINF:1\.0/);
    assert.equal(playlist.text.match(/DISCONTINUITY$/gm), null, 'no break: the encoder went on');
    const log = await server.log(job, /command: /);
    assert.doesNotMatch(log, /secret-key|a-long-passphrase/);
    assert.match(log.split('\n')[0] ?? '', /command: \S*ffmpeg /);
    const began = performance.now();
    await server.order(job, 'stop');
    await server.reach(job, ({ status }) => status === 'stopped');
    // SIGTERM, SIGKILL after five seconds, and what a machine under load adds: for ever is longer.
    assert.ok(performance.now() - began < 60_000);
  });

  test('a file under FILE_ROOTS grows, and is whole after the stop; a folder elsewhere is a lasting error', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rendition-files-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await using server = await openLive({ settings: { FILE_ROOTS: folder } });
    const { job } = await server.create({ name: 'File', output_type: 'file', output_url: 'takes/news.mp4' });
    await server.order(job, 'start');
    await server.reach(job, isRunning);
    const grown = async () => {
      const [name = ''] = await readdir(join(folder, 'takes'));
      assert.ok((await stat(join(folder, 'takes', name))).size > 60_000, 'a second and more of 364 kbit/s');
      return name;
    };
    const name = await eventually(grown);
    await server.order(job, 'stop');
    await server.reach(job, ({ status }) => status === 'stopped');
    assert.match(name, /^news-.*\.mp4$/);
    const seen = await look(join(folder, 'takes', name), ['-no-rw']);
    assert.equal(seen.width, 320);
    assert.ok(seen.frames > 20, `${seen.frames} frames`);
  });

  test('a channel whose only receiver is not there retries, and says why', async () => {
    await using server = await openLive();
    const port = await freePort();
    const { job } = await server.create({
      name: 'Nobody',
      output_type: 'rtmp',
      output_url: `rtmp://127.0.0.1:${port}/live/key`,
    });
    await server.order(job, 'start');
    const answer = await server.reach(job, ({ status }) => status === 'retrying');
    assert.match(answer.error_message ?? '', /refused/i);
    assert.equal(answer.error_code, 'destination_unreachable');
    const { body } = await server.call('GET', `/api/job/${job}/`);
    assert.ok(!JSON.stringify(body).includes('/live/key'), 'the stream key is not shown');
    await server.order(job, 'stop');
    await server.reach(job, ({ status }) => status === 'stopped');
  });
});

async function receive(port: number) {
  const socket = createSocket('udp4');
  const sizes: number[] = [];
  socket.on('message', (message) => void sizes.push(message.length));
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return {
    sizes,
    wait: (count: number) => eventually(() => assert.ok(sizes.length >= count, `${sizes.length} datagrams`)),
    close: () => socket.close(),
  };
}
