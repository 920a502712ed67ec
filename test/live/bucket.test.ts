// Live channels whose storage is a bucket: served by a machine that shares nothing else with the one that runs them, and on air while the bucket is away.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { sweepLive } from '#workflows/channels/sweep-live.ts';
import { openServer, type TestServer } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { isRunning, type LiveServer, look, openLive } from './open-live.ts';

const skip = swiftMissing();
let swift: Swift;
let proxy: FaultProxy;
let live: LiveServer;
let other: TestServer;
/** What happens to new connections from the live machine to the bucket. */
let fault: Fault = {};
/** The channel that the first test began and the last one ends. */
let far = { id: 0, job: 0, early: [] as readonly string[] };

before(async () => {
  if (skip) return;
  swift = await startSwift();
  proxy = await startFaultProxy({ target: swift.port, fault: () => fault });
  const credentials = { accessKeyId: swift.accessKeyId, secretAccessKey: swift.accessKeySecret };
  const s3 = new S3Client({ endpoint: swift.endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: 'live' }));
  s3.destroy();
  const bucket = (endpoint: string) => ({
    STORAGE_URL: 's3://live/tv',
    S3_ENDPOINT: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: swift.accessKeyId,
    AWS_SECRET_ACCESS_KEY: swift.accessKeySecret,
  });
  live = await openLive({ settings: bucket(`http://127.0.0.1:${proxy.port}`) });
  // Its own folder; the same database.
  const shared = { DATABASE_URL: live.platform.database.url };
  other = await openServer({ settings: { ...shared, ...bucket(swift.endpoint) } });
});

after(async () => {
  if (skip) return;
  fault = {};
  await other?.[Symbol.asyncDispose]();
  await live?.[Symbol.asyncDispose]();
  await proxy?.stop();
  await swift?.stop();
});

const cutOff = (how: Fault) => {
  fault = how;
  proxy.reset();
};

type Playlist = { readonly first: number; readonly names: readonly string[]; readonly text: string };

async function playlistOf(slug: string, rendition = '180p'): Promise<Playlist> {
  const { text } = await other.call('GET', `/live/${slug}/${rendition}/playlist.m3u8`);
  return {
    text,
    first: Number(/MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? Number.NaN),
    names: text.match(/^\d+\.ts$/gm) ?? [],
  };
}

async function keysOf(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of other.platform.storage.list(prefix)) keys.push(key);
  return keys;
}

test('a channel in a bucket plays from another machine: playlists, segments, thumbnail', {
  skip,
}, async () => {
  const { id, job } = await live.create({
    ...{ name: 'Far', hls_window_seconds: 6, thumbnail_seconds: 1, is_abr: true },
    abr: [{ resolution: '320x180' }, { resolution: '160x90', video_bitrate: 100 }],
  });
  await live.order(job, 'start');
  await live.reach(job, isRunning);
  const place = `${other.base}/live/far/master.m3u8`;
  await eventually(async () => {
    const seen = await look(place, ['-no-rw']);
    assert.deepEqual([seen.width, seen.audio, seen.frames > 10], [320, true, true]);
  });
  far = { id, job, early: (await keysOf(`live/${id}/`)).filter((key) => key.endsWith('.ts')) };
  for (const name of ['180p', '90p'])
    assert.ok(
      far.early.some((key) => key.includes(`/${name}/`)),
      name,
    );
  await eventually(async () => {
    const answer = await fetch(`${other.base}/live/far/thumbnail.jpg`);
    assert.equal(answer.status, 200);
    assert.equal(Buffer.from(await answer.arrayBuffer()).toString('hex', 0, 3), 'ffd8ff');
  });
  const { outputs } = await live.job(job);
  assert.deepEqual(
    outputs.map(({ type, target, status }) => [type, target, status]),
    ['180p', '90p'].map((name) => ['hls', `/live/far/${name}/playlist.m3u8`, 'running']),
  );
});

for (const [name, how] of [
  ['resets every connection', { cutUploadAfter: 0 }],
  ['answers nothing', { stallAfter: 0 }],
] as const)
  test(`a bucket that ${name} for some seconds costs no segment and no restart`, { skip }, async () => {
    const { job, slug } = await live.create({ name: `Away ${name}`, hls_window_seconds: 60 });
    await live.order(job, 'start');
    const before = await live.reach(job, isRunning);
    await eventually(() => playlistOf(slug), { until: ({ names }) => names.length >= 2 });
    cutOff(how);
    // So long it is away.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const stood = await playlistOf(slug);
    cutOff({});
    const after = await eventually(() => playlistOf(slug), {
      until: ({ names }) => names.length >= stood.names.length + 6,
    });
    const { ffmpeg_pid, restarts, status } = await live.job(job);
    assert.deepEqual([ffmpeg_pid, restarts, status], [before.ffmpeg_pid, 0, 'running']);
    assert.equal(after.first, 0);
    assert.doesNotMatch(after.text, /EXT-X-DISCONTINUITY\n/, 'all waited: nothing is missing');
    for (const file of after.names) {
      const answer = await fetch(`${other.base}/live/${slug}/180p/${file}`);
      assert.equal(Buffer.from(await answer.arrayBuffer())[0], 0x47);
    }
    await live.log(job, /storage: takes segments again/);
    await live.order(job, 'stop');
    await live.reach(job, (answer) => answer.status === 'stopped');
  });

test('a channel stops while the bucket is away; its recording waits and becomes one video', { skip }, async () => {
  const { job } = await live.create({ name: 'Kept', record: true });
  await live.order(job, 'start');
  await live.reach(job, isRunning);
  const folder = path.join(live.folder, 'live', 'recordings');
  await eventually(async () => assert.equal((await readdir(folder)).length, 1));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  cutOff({ cutUploadAfter: 0 });
  const asked = performance.now();
  await live.order(job, 'stop');
  await live.reach(job, ({ status }) => status === 'stopped');
  const seconds = (performance.now() - asked) / 1000;
  assert.ok(seconds < 30, `stopped after ${seconds.toFixed(1)} s: it waits for the bucket`);
  const names = (await readdir(folder)).map((name) => path.extname(name)).sort();
  assert.deepEqual(names, ['.json', '.ts']);

  cutOff({});
  await eventually(async () => assert.deepEqual(await readdir(folder), []));
  const { videos } = (await other.call('GET', '/videos')).body as {
    videos: { hash: string; size: number; title: string }[];
  };
  assert.deepEqual(
    videos.map(({ title }) => title.startsWith('Kept ')),
    [true],
  );
  const { size } = await other.platform.storage.stat(`uploads/${videos[0]?.hash}/original`);
  assert.equal(size, videos[0]?.size);
});

test('the log is found elsewhere too; what left the window has left the bucket; what a writer that died left is swept; a deleted channel leaves nothing', {
  skip,
}, async () => {
  const { id, job, early } = far;
  await eventually(async () =>
    assert.match((await other.call('GET', `/api/job/${job}/log/`)).text, /ffmpeg.*testsrc2/),
  );
  await eventually(async () => {
    const keys = await keysOf(`live/${id}/`);
    assert.ok(
      early.every((key) => !keys.includes(key)),
      keys.join(' '),
    );
  });
  const segments = (await keysOf(`live/${id}/`)).filter((key) => key.endsWith('.ts'));
  assert.ok(segments.length <= 2 * 30, `${segments.length} segments for a window of six seconds`);

  // What a writer that died left is swept; what somebody may ask for stays.
  const stray = `live/${id}/gone/180p/7.ts`;
  await other.platform.storage.write(stray, Buffer.from('stray'));
  await live.order(job, 'stop');
  await live.reach(job, ({ status }) => status === 'stopped');
  await sweepLive(other.platform, new Date(Date.now() + 60_000));
  assert.ok(!(await keysOf(`live/${id}/`)).includes(stray));
  assert.equal((await live.call('DELETE', `/api/channels/${id}/`)).status, 204);
  await eventually(async () => assert.deepEqual(await keysOf(`live/${id}/`), []));
});
