import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { ffmpegWith, isRunning, look, openLive } from './open-live.ts';

const sequenceOf = (playlist: string): number => Number(/MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1] ?? -1);
const numbersOf = (playlist: string): number[] => [...playlist.matchAll(/^(\d+)\.ts$/gm)].map(([, n]) => Number(n));

test('a channel starts, plays, survives kill -9 and a frozen FFmpeg, tells it, and stops without a trace', async () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const receiver = await startReceiver(secret);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => receiver.stop());
  const server = stack.use(await openLive({ works: true, settings: { WEBHOOK_SECRET: secret } }));
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
  await eventually(async () => assert.equal((await fetch(`${place}/180p/playlist.m3u8`)).status, 200), {
    within: 15_000,
  });
  const master = await (await fetch(`${place}/master.m3u8`)).text();
  assert.match(master, /RESOLUTION=320x180,FRAME-RATE=25\.000/);
  assert.match(master, /RESOLUTION=160x90/);
  assert.equal((await look(`${place}/master.m3u8`, ['-no-rw'])).audio, true);

  // Renditions are cut at the same instants: one moment, one number, the same length.
  const [large, small] = await Promise.all(
    ['180p', '90p'].map(async (name) => (await fetch(`${place}/${name}/playlist.m3u8`)).text()),
  );
  assert.deepEqual(
    (large ?? '').match(/EXTINF:[\d.]+/g)?.slice(0, 2),
    (small ?? '').match(/EXTINF:[\d.]+/g)?.slice(0, 2),
  );

  let last = sequenceOf(large ?? '');
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const { ffmpeg_pid: pid, restarts } = await server.reach(job, isRunning);
    process.kill(pid ?? 0, signal);
    const back = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== pid, 25);
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
  await eventually(
    async () => assert.match(await (await fetch(`${place}/90p/playlist.m3u8`)).text(), /^#EXT-X-DISCONTINUITY$/m),
    { within: 10_000 },
  );
  await eventually(
    () => assert.ok(receiver.received.filter(({ body }) => body.includes('channel.recovered')).length >= 2),
    { within: 20_000 },
  );
  assert.ok(receiver.received.every(({ isSigned }) => isSigned));
  assert.match(receiver.received[0]?.body ?? '', /"type":"channel.down"/);
  assert.equal((await fetch(`${place}/thumbnail.jpg`)).headers.get('content-type'), 'image/jpeg');
  assert.match(await (await fetch(place)).text(), /data-source="\/live\/news-24\/master.m3u8"/);

  const { ffmpeg_pid: pid } = await server.reach(job, isRunning);
  const began = performance.now();
  await server.order(job, 'stop');
  const stopped = await server.reach(job, ({ status }) => status === 'stopped', 8);
  assert.ok(performance.now() - began < 6500, 'SIGTERM, and SIGKILL after five seconds at the latest');
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

test('what can never work is named at once; what may pass is tried five times', async () => {
  await using server = await openLive();
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
  }
});

test('a change of a running channel is taken over at once; deleting it ends it', async () => {
  await using server = await openLive();
  const { job, id } = await server.create({ name: 'Changing' });
  await server.order(job, 'start');
  const before = await server.reach(job, isRunning);
  await server.call('PATCH', `/api/channels/${id}/`, { body: { resolution: '160x90' } });
  const after = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== before.ffmpeg_pid);
  assert.match(await readFile(`/proc/${after.ffmpeg_pid}/cmdline`, 'utf8'), /scale=160:90/);
  assert.equal((await server.call('DELETE', `/api/channels/${id}/`)).status, 204);
  await eventually(() => assert.rejects(readFile(`/proc/${after.ffmpeg_pid}/stat`)), { within: 8000 });
});
