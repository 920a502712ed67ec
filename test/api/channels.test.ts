import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { saveMachine } from '#database/live.ts';
import { channelLogKey } from '#domain/channel-log.ts';
import { announce, LIVE_LOG } from '#workflows/notification-channels.ts';
import { openServer, type TestServer } from './open-server.ts';
import { serverEvents } from './server-events.ts';

type Problem = {
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  readonly detail: string;
};

const create = async (server: TestServer, body: Record<string, unknown>) =>
  server.call('POST', '/api/channels/', { body });
const fieldsOf = (body: unknown): string[] => (body as Problem).errors.map(({ path }) => path);

test('a channel is created with its job, shown with every field, changed, listed, deleted', async () => {
  await using server = await openServer();
  const made = await create(server, {
    name: 'Sports',
    input_type: 'udp',
    input_multicast_ip: '239.1.1.1:5000',
    input_network: 'eth0',
    is_abr: true,
    output_type: 'udp',
    abr: [
      { output_multicast_ip: '239.2.2.1:6000', video_bitrate: 4000, audio_bitrate: 128, resolution: '1280x720' },
      { output_type: 'hls', resolution: '360p', video_bitrate: 800 },
    ],
  });
  assert.equal(made.status, 201, made.text);
  const channel = made.body as Record<string, unknown> & { id: number; job: number; abr: Record<string, unknown>[] };
  const wanted = {
    name: 'Sports',
    input_type: 'udp',
    input_url: null,
    input_multicast_ip: '239.1.1.1:5000',
    input_network: 'eth0',
    input_file: null,
    input_loop: true,
    is_abr: true,
    output_type: 'udp',
    output_url: null,
    output_multicast_ip: null,
    output_network: null,
    video_codec: 'libx264',
    audio_codec: 'aac',
    video_bitrate: 2500,
    audio_bitrate: 128,
    resolution: null,
    frame_rate: null,
    preset: 'veryfast',
    gop_seconds: 2,
    buffer_size: null,
    hls_segment_seconds: 4,
    hls_window_seconds: 60,
    hwaccel: 'auto',
    auto_start: false,
    status: 'stopped',
  };
  for (const [field, value] of Object.entries(wanted)) assert.deepEqual(channel[field], value, field);
  assert.deepEqual(
    channel.abr.map(({ video_bitrate, resolution, output_type }) => [video_bitrate, resolution, output_type]),
    [
      [4000, '1280x720', null],
      [800, '360p', 'hls'],
    ],
  );

  // The seed's list takes a POST too: the job is there already.
  const asked = await server.call('POST', '/api/job/', { body: { channel: channel.id } });
  assert.deepEqual([asked.status, (asked.body as { id: number }).id], [200, channel.job]);
  assert.equal((await server.call('POST', '/api/job/', { body: { channel: 999 } })).status, 404);
  const jobs = (await server.call('GET', '/api/job/')).body as Record<string, unknown>[];
  assert.equal(jobs.length, 1);
  const job = {
    id: channel.job,
    channel: channel.id,
    status: 'stopped',
    start_time: null,
    end_time: null,
    ffmpeg_pid: null,
    error_message: null,
    retries: 0,
    uptime_seconds: 0,
    fps: null,
    speed: null,
    bitrate: null,
  };
  for (const [field, value] of Object.entries(job)) assert.deepEqual(jobs[0]?.[field], value, field);

  const patched = await server.call('PATCH', `/api/channels/${channel.id}`, { body: { video_bitrate: 3000 } });
  assert.equal(patched.status, 200, patched.text);
  assert.equal((patched.body as typeof channel).video_bitrate, 3000);
  assert.deepEqual(
    (patched.body as typeof channel).abr.map(({ id }) => id),
    channel.abr.map(({ id }) => id),
    'profiles keep their numbers',
  );
  // What was read can be sent back.
  const put = await server.call('PUT', `/api/channels/${channel.id}/`, {
    body: { ...(patched.body as object), name: 'Sport' },
  });
  assert.equal(put.status, 200, put.text);
  assert.equal((put.body as typeof channel).slug, 'sport');

  assert.equal((await create(server, { name: 'Sport', input_type: 'test' })).status, 400, 'names are unique');
  for (const name of ['B', 'C']) assert.equal((await create(server, { name, input_type: 'test' })).status, 201);
  assert.equal(((await server.call('GET', '/api/channels/')).body as unknown[]).length, 3);
  const page = (await server.call('GET', '/api/channels/?page=2&page_size=2')).body as Record<string, unknown> & {
    results: unknown[];
  };
  assert.deepEqual([page.count, page.results.length, page.next], [3, 1, null]);
  assert.match(String(page.previous), /page=1/);
  assert.equal(((await server.call('GET', '/api/job/?page=1&page_size=2')).body as { count: number }).count, 3);

  assert.equal((await server.call('DELETE', `/api/channels/${channel.id}/`)).status, 204);
  assert.equal((await server.call('GET', `/api/channels/${channel.id}/`)).status, 404);
  assert.equal((await server.call('GET', `/api/job/${channel.job}/`)).status, 404);
});

test('who follows a channel of another machine reads its log when told that it has grown, and is told of its end', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-followed-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using server = await openServer({ settings: { STORAGE_URL: folder } });
  const { storage, database } = server.platform;
  const { id, job } = (await create(server, { name: 'Far', input_type: 'test' })).body as { id: number; job: number };
  const write = (log: string) => storage.write(channelLogKey(id), Buffer.from(log));
  const [reads, stats] = [t.mock.method(storage, 'read'), t.mock.method(storage, 'stat')];
  const asked = () => reads.mock.callCount() + stats.mock.callCount();
  const told: string[] = [];
  await write('one\n');
  for await (const { event = '', data } of serverEvents(`${server.base}/api/job/${job}/events/`)) {
    told.push(event === 'log' ? String(data) : event);
    if (told.at(-1) === 'one') {
      await write('one\ntwo\n');
      // Tells of nothing but itself: what is seen in the next round.
      await server.call('POST', `/api/job/${job}/start/`);
    } else if (event === 'status' && told.includes('one')) {
      assert.deepEqual([asked(), told.includes('two')], [1, false], 'storage is not asked in every round');
      await announce(database.db, LIVE_LOG, { channelId: id + 1 });
      await announce(database.db, LIVE_LOG, { channelId: id });
    } else if (told.at(-1) === 'two') {
      assert.equal(asked(), 2);
      await server.call('DELETE', `/api/channels/${id}/`);
    }
  }
  assert.deepEqual(
    told.filter((what) => what !== 'figures'),
    ['status', 'one', 'status', 'two', 'deleted'],
  );
});

test('what is wrong is named by its field', async () => {
  await using server = await openServer();
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ input_type: 'test' }, 'name'],
    [{ name: 'x', input_type: 'carrier-pigeon' }, 'input_type'],
    [{ name: 'x', input_type: 'udp' }, 'input_multicast_ip'],
    [{ name: 'x', input_type: 'udp', input_multicast_ip: '10.0.0.1:5000' }, 'input_multicast_ip'],
    [{ name: 'x', input_type: 'udp', input_multicast_ip: '224.0.0.5:5000' }, 'input_multicast_ip'],
    [{ name: 'x', input_type: 'rtmp', input_url: 'http://example.com/x' }, 'input_url'],
    [{ name: 'x', input_type: 'rtmp', input_url: 'rtmp://2130706433/live/x' }, 'input_url'],
    [{ name: 'x', input_type: 'rtsp', input_url: 'rtsp://169.254.169.254/x' }, 'input_url'],
    [{ name: 'x', input_type: 'hls', input_url: 'http://localhost./x.m3u8' }, 'input_url'],
    [{ name: 'x', input_type: 'rtmp', input_listen: true, input_url: 'rtmp://0.0.0.0:1935/live/' }, 'input_url'],
    [{ name: 'x', input_type: 'test', output_type: 'rtmp' }, 'output_url'],
    [{ name: 'x', input_type: 'test', output_type: 'srt', output_url: 'srt://127.0.0.1:9000' }, 'output_url'],
    [{ name: 'x', input_type: 'test', output_type: 'udp', output_url: 'udp://10.1.1.1:9000' }, 'output_url'],
    [{ name: 'x', input_type: 'test', output_type: 'file', output_url: '../../etc/cron.d/x' }, 'output_url'],
    [
      {
        name: 'x',
        input_type: 'test',
        output_type: 'rtmp',
        output_url: 'rtmp://example.com/live/x',
        video_codec: 'libx265',
      },
      'video_codec',
    ],
    [{ name: 'x', input_type: 'test', video_codec: 'libx264 -f null' }, 'video_codec'],
    [{ name: 'x', input_type: 'test', resolution: '1281x720' }, 'resolution'],
    [{ name: 'x', input_type: 'test', resolution: 'movie=/etc/passwd' }, 'resolution'],
    [{ name: 'x', input_type: 'test', preset: 'placebo;' }, 'preset'],
    [{ name: 'x', input_type: 'test', is_abr: true }, 'abr'],
    [{ name: 'x', input_type: 'test', hls_segment_seconds: 10, hls_window_seconds: 20 }, 'hls_window_seconds'],
    [{ name: 'x', input_type: 'test', start_cron: 'every day' }, 'start_cron'],
    [{ name: 'x', input_type: 'test', start_cron: '0 0 30 2 *' }, 'start_cron'],
    // A secret as it is shown, in an address that has none such: sent to another host it would be that host's.
    [{ name: 'x', input_type: 'rtsp', input_url: 'rtsp://***@cam.example.com/1' }, 'input_url'],
    [{ name: 'x', input_type: 'srt', input_url: 'srt://cam.example.com:9000?passphrase=***' }, 'input_url'],
    [{ name: 'x', input_type: 'test', output_type: 'rtmp', output_url: 'rtmp://example.com/live/***' }, 'output_url'],
    [{ name: 'x', input_type: 'test', notification_url: 'https://***@example.com/' }, 'notification_url'],
    [{ name: 'x', input_type: 'test', input_network: 'eth0; rm -rf /' }, 'input_network'],
    [{ name: 'x', input_type: 'test', colour: 'red' }, 'colour'],
    [{ name: 'x', input_type: 'test', notification_url: 'http://169.254.169.254/' }, 'notification_url'],
  ];
  for (const [body, field] of cases) {
    const answer = await create(server, body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
    assert.ok(fieldsOf(answer.body).includes(field), `${JSON.stringify(body)} names ${fieldsOf(answer.body)}`);
  }
  assert.deepEqual((await server.call('GET', '/api/channels/')).body, []);
});

test('a channel that feeds itself is refused, directly and by way of others', async () => {
  await using server = await openServer({ settings: { EGRESS_ALLOW: '127.0.0.0/8' } });
  const udp = (from: string, to: string) => ({
    input_type: 'udp',
    input_multicast_ip: from,
    output_type: 'udp',
    output_multicast_ip: to,
  });
  assert.equal((await create(server, { name: 'self', ...udp('239.0.0.1:1000', '239.0.0.1:1000') })).status, 400);
  assert.equal((await create(server, { name: 'a', ...udp('239.0.0.1:1000', '239.0.0.2:1000') })).status, 201);
  assert.equal((await create(server, { name: 'b', ...udp('239.0.0.2:1000', '239.0.0.3:1000') })).status, 201);
  const closing = await create(server, { name: 'c', ...udp('239.0.0.3:1000', '239.0.0.1:1000') });
  assert.equal(closing.status, 400);
  assert.match((closing.body as Problem).detail, /by way of a, b/);
  const c = await create(server, { name: 'c', ...udp('239.0.0.3:1000', '239.0.0.4:1000') });
  assert.equal(c.status, 201);
  const { id } = c.body as { id: number };
  assert.equal(
    (await server.call('PATCH', `/api/channels/${id}/`, { body: { output_multicast_ip: '239.0.0.2:1000' } })).status,
    400,
    'into the middle of the chain',
  );
  const rtmp = { input_type: 'rtmp', output_type: 'rtmp', input_listen: true };
  const self = { name: 'r', ...rtmp, input_url: 'rtmp://0.0.0.0:1935/live/k', output_url: 'rtmp://127.0.0.1/live/k' };
  assert.equal((await create(server, self)).status, 400);
  assert.equal((await create(server, { ...self, output_url: 'rtmp://127.0.0.1/live/other' })).status, 201);
  // Over our own playlists, the second way in included.
  const plays = (slug: string) => ({ input_type: 'hls', input_url: `${server.base}/live/${slug}/master.m3u8` });
  assert.equal((await create(server, { name: 'h1', ...plays('h2') })).status, 201);
  const ring = await create(server, { name: 'h2', ...plays('h1') });
  assert.equal(ring.status, 400);
  assert.match((ring.body as Problem).detail, /by way of h1/);
  const second = await create(server, { name: 'h2', input_type: 'test', fallback_input: plays('h2') });
  assert.equal(second.status, 400);
});

test('start, stop and restart answer at once, and 409 where it is so already; what does not fit is refused', async () => {
  await using server = await openServer();
  const made = (await create(server, { name: 'x', input_type: 'test' })).body as { job: number };
  const act = async (name: string) => (await server.call('POST', `/api/job/${made.job}/${name}/`)).status;
  assert.equal(await act('stop'), 409);
  assert.equal(await act('start'), 200);
  assert.equal(((await server.call('GET', `/api/job/${made.job}/`)).body as { status: string }).status, 'pending');
  assert.equal(await act('start'), 409);
  assert.equal(await act('restart'), 200);
  assert.equal(await act('stop'), 200);
  assert.equal(await act('stop'), 409);
  assert.equal((await server.call('POST', '/api/job/999/start/')).status, 404);
  await server.platform.database.pool.query(
    `insert into live_machine (id, hostname, mark, namespace, cores) values ('m', 'm', '', '', 2)`,
  );
  const big = { name: 'big', input_type: 'test', resolution: '3840x2160', frame_rate: 60, preset: 'slow' };
  const { job } = (await create(server, big)).body as { job: number };
  const refused = await server.call('POST', `/api/job/${job}/start/`);
  assert.equal(refused.status, 422);
  assert.match((refused.body as Problem).detail, /cores/);
});

test('secrets do not come back, and stay where what was shown is sent again', async () => {
  await using server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'an-admin-key-of-tests' } });
  const headers = { authorization: 'Bearer an-admin-key-of-tests' };
  const body = {
    name: 'secret',
    input_type: 'srt',
    input_url: 'srt://8.8.8.8:9000?passphrase=very-secret-phrase&latency=200',
    output_type: 'rtmp',
    output_url: 'rtmp://user:pass-word@1.1.1.1/live/stream-key-1?token=tok-en',
  };
  const made = await server.call('POST', '/api/channels/', { body, headers });
  assert.equal(made.status, 201, made.text);
  assert.doesNotMatch(made.text, /very-secret-phrase|pass-word|tok-en/);
  const { id } = made.body as { id: number };
  const again = await server.call('PATCH', `/api/channels/${id}/`, { body: { video_bitrate: 1000 }, headers });
  assert.equal(again.status, 200, again.text);
  const rows = await server.platform.database.pool.query('select spec::text as spec from channel');
  assert.doesNotMatch(rows.rows[0].spec, /very-secret-phrase|pass-word|stream-key-1|tok-en/, 'sealed in the database');
  const { findChannel } = await import('#database/channels.ts');
  const stored = await findChannel(
    server.platform.database.db,
    { projectId: 'default', channelId: id },
    server.platform.sealer,
  );
  assert.equal(stored?.spec.outputUrl, body.output_url);
  assert.equal(stored?.spec.inputUrl, body.input_url);
  assert.equal((await server.call('GET', `/api/channels/${id}/`)).status, 401);
  assert.equal((await server.call('GET', '/live/secret/master.m3u8')).status, 401);
});

test('interfaces and load of the machine', async () => {
  await using server = await openServer();
  const interfaces = (await server.call('GET', '/api/network-interfaces/')).body as Record<string, unknown>[];
  const loopback = interfaces.find(({ ip }) => ip === '127.0.0.1');
  assert.deepEqual(Object.keys(loopback ?? {}).sort(), ['family', 'ip', 'is_up', 'multicast', 'name']);
  const metrics = (await server.call('GET', '/api/metrics/')).body as Record<string, Record<string, unknown>>;
  assert.ok(Number(metrics.cpu?.percent) >= 0 && Array.isArray(metrics.cpu?.per_core));
  assert.ok(Number(metrics.memory?.total) > Number(metrics.memory?.used));
  assert.ok(Array.isArray(metrics.network?.interfaces) && Array.isArray(metrics.channels));
});

test('channels that are started at once, or grow while they run, share the room there is', async () => {
  await using server = await openServer({ settings: { LIVE_CPU_PERCENT: '85' } });
  await saveMachine(server.platform.database.db, { id: 'm', hostname: 'm', mark: 'm', namespace: 'm', cores: 2 });
  // About 0.9 cores each, of which 1.7 are for channels.
  const large = { input_type: 'test', resolution: '1080p', frame_rate: 30 };
  const jobs: number[] = [];
  for (const name of ['A', 'B', 'C', 'D'])
    jobs.push(((await create(server, { ...large, name })).body as { job: number }).job);
  const started = await Promise.all(jobs.map((job) => server.call('POST', `/api/job/${job}/start/`)));
  assert.deepEqual(started.map(({ status }) => status).sort(), [200, 422, 422, 422]);
  const small = await create(server, { ...large, name: 'E', resolution: '180p', auto_start: true });
  const channel = small.body as { id: number; status: string };
  assert.equal(channel.status, 'pending', small.text);
  const change = (body: Record<string, unknown>) => server.call('PATCH', `/api/channels/${channel.id}/`, { body });
  const grown = await change({ resolution: '1080p' });
  assert.equal(grown.status, 422, grown.text);
  assert.match((grown.body as Problem).detail, /LIVE_CPU_PERCENT/);
  assert.equal((await change({ name: 'F', resolution: '144p' })).status, 200);
});
