import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { sweepMachine } from '#workflows/janitor.ts';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/server-process.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { ffmpegWith, isRunning, look, openLive, SHORT_WATCHDOG } from './open-live.ts';

/** SIGTERM, SIGKILL after five seconds, and what a machine under load adds: for ever is longer. */
const STOP_MS = 60_000;

const sequenceOf = (playlist: string): number => Number(/MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1] ?? -1);
const numbersOf = (playlist: string): number[] => [...playlist.matchAll(/^(\d+)\.ts$/gm)].map(([, n]) => Number(n));

test('a channel starts, plays, survives kill -9 and a frozen FFmpeg, tells it, and stops without a trace', async (t) => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const receiver = await startReceiver(secret);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => receiver.stop());
  const server = stack.use(await openLive({ works: true, settings: { ...SHORT_WATCHDOG, WEBHOOK_SECRET: secret } }));
  const { job, id, slug } = await server.create({
    name: 'Néws 24!',
    notification_url: `${receiver.origin}/alarms`,
    thumbnail_seconds: 1,
    is_abr: true,
    abr: [
      { resolution: '320x180', video_bitrate: 300 },
      { resolution: '160x90', video_bitrate: 100, preset: 'veryfast' },
    ],
  });
  assert.equal(slug, 'news-24');
  const started = await server.order(job, 'start');
  assert.equal(started.status, 'pending');
  assert.equal((await server.call('POST', `/api/job/${job}/start/`)).status, 409);
  const running = await server.reach(job, (answer) => isRunning(answer) && answer.fps !== null);
  assert.ok(running.ffmpeg_pid);
  assert.match(await readFile(`/proc/${running.ffmpeg_pid}/cmdline`, 'utf8'), /ffmpeg/);

  const place = `${server.base}/live/${slug}`;
  await eventually(async () => assert.equal((await fetch(`${place}/180p/playlist.m3u8`)).status, 200));
  const master = await (await fetch(`${place}/master.m3u8`)).text();
  assert.match(master, /RESOLUTION=320x180,FRAME-RATE=25\.000/);
  assert.match(master, /RESOLUTION=160x90/);
  assert.equal((await look(`${place}/master.m3u8`, ['-no-rw'])).audio, true);

  // Renditions are cut at the same instants: one moment, one number, the same length.
  const lengthsOf = (playlist: string) => playlist.match(/EXTINF:[\d.]+/g)?.slice(0, 2) ?? [];
  // Asked for one after the other: a moment may have come or gone between.
  const large = await eventually(async () => {
    const [one = '', other = ''] = await Promise.all(
      ['180p', '90p'].map(async (name) => (await fetch(`${place}/${name}/playlist.m3u8`)).text()),
    );
    assert.equal(sequenceOf(one), sequenceOf(other));
    assert.equal(lengthsOf(one).length, 2);
    assert.deepEqual(lengthsOf(one), lengthsOf(other));
    return one;
  });

  let last = sequenceOf(large);
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const { ffmpeg_pid: pid, restarts } = await server.reach(job, isRunning);
    process.kill(pid ?? 0, signal);
    const since = performance.now();
    const back = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== pid);
    t.diagnostic(`${signal}: pictures again after ${((performance.now() - since) / 1000).toFixed(1)} s`);
    assert.ok(back.restarts > restarts);
    assert.deepEqual(
      (await ffmpegWith(server.folder)).filter((one) => one === pid),
      [],
      'the old one is gone',
    );
    const playlist = await (await fetch(`${place}/180p/playlist.m3u8`)).text();
    assert.ok(sequenceOf(playlist) >= last, 'numbers never fall');
    last = sequenceOf(playlist);
    for (const number of numbersOf(playlist)) assert.equal((await fetch(`${place}/180p/${number}.ts`)).status, 200);
  }
  await eventually(async () =>
    assert.match(await (await fetch(`${place}/90p/playlist.m3u8`)).text(), /^#EXT-X-DISCONTINUITY$/m),
  );
  await eventually(() =>
    assert.ok(receiver.received.filter(({ body }) => body.includes('channel.recovered')).length >= 2),
  );
  assert.ok(receiver.received.every(({ isSigned }) => isSigned));
  assert.match(receiver.received[0]?.body ?? '', /"type":"channel.down"/);
  assert.equal((await fetch(`${place}/thumbnail.jpg`)).headers.get('content-type'), 'image/jpeg');
  assert.match(await (await fetch(place)).text(), /"master":"\/live\/news-24\/master.m3u8"/);

  const { ffmpeg_pid: pid } = await server.reach(job, isRunning);
  const began = performance.now();
  await server.order(job, 'stop');
  const stopped = await server.reach(job, ({ status }) => status === 'stopped');
  t.diagnostic(`stopped in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  assert.ok(performance.now() - began < STOP_MS);
  assert.equal(stopped.ffmpeg_pid, null);
  await assert.rejects(readFile(`/proc/${pid}/stat`), 'neither alive nor a zombie');
  await eventually(async () =>
    assert.match(await (await fetch(`${place}/180p/playlist.m3u8`)).text(), /#EXT-X-ENDLIST/),
  );
  assert.equal((await server.call('POST', `/api/job/${job}/stop/`)).status, 409);

  await server.call('DELETE', `/api/channels/${id}/`);
  await eventually(async () => assert.equal((await fetch(`${place}/180p/playlist.m3u8`)).status, 404));
  const types = (await server.events()).map(({ type }) => type);
  for (const type of ['pending', 'running', 'down', 'retrying', 'recovered', 'stopped', 'deleted'])
    assert.ok(types.includes(`channel.${type}`), type);
});

test('channels of one server', { concurrency: 3 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-channels-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const settings = { FILE_ROOTS: folder, VIDEO_QUALITY_PRESETS: '240p', CHILD_NICENESS: '0' };
  await using server = await openLive({ works: true, settings });
  // None needs another: beside each other they take no longer than the slowest.
  await Promise.all([
    t.test('what can never work is named at once; what may pass is tried five times', async () => {
      const cases = [
        [{ name: 'No file', input_type: 'file', input_file: '/etc/passwd' }, 'source_denied'],
        [
          { name: 'No interface', input_type: 'udp', input_multicast_ip: '239.9.9.9:5000', input_network: 'eth99' },
          'invalid_request',
        ],
      ] as const;
      for (const [fields, code] of cases) {
        const { job } = await server.create(fields);
        await server.order(job, 'start');
        const answer = await server.reach(job, ({ status }) => status === 'error');
        assert.equal(answer.error_code, code, answer.error_message ?? '');
        assert.equal(answer.retries, 0);
        assert.equal(answer.wanted, false);
        // The same after a restart, of a channel that was started long ago: its network may just be coming up.
        await server.platform.database.pool.query(
          `update channel_job set wanted = true, status = 'pending', start_time = now() - interval '1 hour' where id = $1`,
          [job],
        );
        const again = await server.reach(job, ({ status }) => status === 'retrying' || status === 'error');
        assert.deepEqual([again.status, again.error_code], ['retrying', code]);
      }
    }),
    t.test('a change of a running channel is taken over at once; deleting it ends it', async () => {
      const { job, id } = await server.create({ name: 'Changing' });
      await server.order(job, 'start');
      const before = await server.reach(job, isRunning);
      await server.call('PATCH', `/api/channels/${id}/`, { body: { name: 'Changed', resolution: '160x90' } });
      const after = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== before.ffmpeg_pid);
      assert.match(await readFile(`/proc/${after.ffmpeg_pid}/cmdline`, 'utf8'), /scale=160:90/);
      // Its log goes along with its name, and with it.
      const logs = join(server.platform.config.DATA_DIR, 'logs', 'channels');
      const own = async () => (await readdir(logs)).filter((name) => /^chang/.test(name));
      await eventually(async () => assert.deepEqual(await own(), ['changed.log']));
      await server.log(job, /scale=320:180[\s\S]*scale=160:90/);
      const stale = join(logs, 'changing-long-ago.log');
      await writeFile(stale, 'of a channel that is no more');
      await utimes(stale, 0, 0);
      await sweepMachine(server.platform);
      assert.deepEqual(await own(), ['changed.log']);
      assert.equal((await server.call('DELETE', `/api/channels/${id}/`)).status, 204);
      await eventually(() => assert.rejects(readFile(`/proc/${after.ffmpeg_pid}/stat`)));
      await eventually(async () => assert.deepEqual(await own(), []));

      const idle = await server.create({ name: 'Changing' });
      await writeFile(join(logs, 'changing.log'), 'its own');
      assert.equal(
        (await server.call('PATCH', `/api/channels/${idle.id}/`, { body: { name: 'Changed' } })).status,
        200,
      );
      assert.equal(await server.log(idle.job, /^/), 'its own');
      assert.equal((await server.call('DELETE', `/api/channels/${idle.id}/`)).status, 204);
      await eventually(async () => assert.deepEqual(await own(), []));
      await writeFile(join(logs, 'changing.log'), 'of another');
      assert.equal(await server.log((await server.create({ name: 'Changing' })).job, /^/), '');
    }),
    t.test('a channel starts and stops at its times; what it recorded becomes a video', async () => {
      const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
      const { job } = await server.create({ name: 'Timed', record: true, start_at: at(3), stop_at: at(13) });
      await server.reach(job, isRunning);
      await server.reach(job, ({ status }) => status === 'stopped');
      const ready = await eventually(
        async () =>
          (await server.call('GET', '/videos')).body as {
            videos: { status: string; duration: number; title: string }[];
          },
        { until: ({ videos }) => videos[0]?.status === 'ready' },
      );
      assert.match(ready.videos[0]?.title ?? '', /^Timed /);
      assert.ok((ready.videos[0]?.duration ?? 0) > 2);
      assert.ok((await server.events()).some(({ type }) => type === 'channel.recorded'));
    }),
    t.test('a copied stream and one encoded beside it are cut at the keyframes of the source', async () => {
      const pattern = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '6', '-pix_fmt', 'yuv420p'];
      // Keyframes nowhere near a round second.
      const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '17', '-sc_threshold', '0'];
      await promisify(execFile)('ffmpeg', ['-v', 'error', ...pattern, ...encode, join(folder, 'odd.mp4')]);
      const { job } = await server.create({
        ...{
          name: 'Copied',
          input_type: 'file',
          input_file: 'odd.mp4',
          is_abr: true,
          frame_rate: null,
          resolution: null,
        },
        abr: [{ name: 'source', video_codec: 'copy' }, { resolution: '160x90' }],
        // Both are asked for one after the other: neither may have lost its first segment by then.
        hls_window_seconds: 60,
      });
      await server.order(job, 'start');
      const lengths = async (name: string) =>
        (await server.call('GET', `/live/copied/${name}/playlist.m3u8`)).text.match(/EXTINF:[\d.]+/g) ?? [];
      await eventually(() => lengths('90p'), { until: (found) => found.length >= 3 });
      const [copied, encoded] = [(await lengths('source')).slice(0, 3), (await lengths('90p')).slice(0, 3)];
      assert.deepEqual(copied, encoded);
      assert.ok(copied.includes('EXTINF:1.360000'), `two groups of 17 frames: ${copied}`);
    }),
    t.test('what cannot be copied to players is encoded, and the log says why', async () => {
      const pattern = [
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x180:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]',
      ];
      const encode = ['-t', '4', '-c:v', 'mpeg2video', '-c:a', 'mp2', '-g', '12'];
      await promisify(execFile)('ffmpeg', ['-v', 'error', ...pattern, ...encode, join(folder, 'broadcast.ts')]);
      const { job } = await server.create({
        ...{ name: 'Unfit', input_type: 'file', input_file: 'broadcast.ts', resolution: null, frame_rate: null },
        ...{ video_codec: 'copy', audio_codec: 'copy' },
      });
      await server.order(job, 'start');
      await eventually(async () =>
        assert.match(
          await (await fetch(`${server.base}/live/unfit/master.m3u8`)).text(),
          /CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=320x180/,
        ),
      );
      const running = await server.reach(job, isRunning);
      assert.equal(running.retries, 0, 'finding that out is no failure');
      const log = await server.log(job, /the sound is encoded/);
      assert.match(log, /the picture is encoded to h264, hls carries no mpeg2video/);
      assert.match(log, /the sound is encoded to aac, hls carries no mp2/);
    }),
    t.test('what waits for an input that says nothing is stopped and deleted at once', async () => {
      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      await using stack = new AsyncDisposableStack();
      stack.defer(() => void silent.close());
      const { port } = silent.address() as AddressInfo;
      const blocked = await server.create({
        ...{ name: 'Blocked', input_type: 'rtmp', input_url: `rtmp://127.0.0.1:${port}/live/x` },
      });
      await server.order(blocked.job, 'start');
      const opening = await server.reach(blocked.job, ({ ffmpeg_pid }) => ffmpeg_pid !== null);
      assert.equal(opening.status, 'pending');
      assert.equal((await server.call('DELETE', `/api/channels/${blocked.id}/`)).status, 204);
      await eventually(() => assert.rejects(readFile(`/proc/${opening.ffmpeg_pid}/stat`)));

      const udp = await freePort();
      const pattern = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '4', '-pix_fmt', 'yuv420p'];
      const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-f', 'mpegts'];
      const target = `udp://127.0.0.1:${udp}?pkt_size=1316`;
      const sender = promisify(execFile)('ffmpeg', ['-v', 'error', '-re', ...pattern, ...encode, target]);
      const { job } = await server.create({ name: 'Silent', input_type: 'udp', input_url: `udp://@:${udp}` });
      await server.order(job, 'start');
      await server.reach(job, isRunning);
      await sender;
      // Not for a moment: FFmpeg waits in a read that SIGTERM does not end.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const began = performance.now();
      await server.order(job, 'stop');
      await server.reach(job, ({ status }) => status === 'stopped');
      t.diagnostic(`stopped without an input in ${((performance.now() - began) / 1000).toFixed(1)} s`);
      assert.ok(performance.now() - began < STOP_MS);
    }),
  ]);
});
