import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import pino from 'pino';
import { openPlatform } from '#platform.ts';
import { expireJobs, sweepCluster } from '#workflows/janitor.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { eventually } from '../kit/eventually.ts';
import { type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { writeSlowFfmpeg } from '../road/processes.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';
import { init, sendChunk, storedKeys } from './upload-client.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let server: TestServer;
let receiver: Receiver;
let film: Buffer;
let long: Buffer;
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-videos-'));
  receiver = await startReceiver(SECRET);
  server = await openServer({
    settings: {
      ...{ WEBHOOK_SECRET: SECRET, EGRESS_ALLOW: '127.0.0.0/8', RETENTION_HOURS: '0', SEGMENT_SECONDS: '2' },
      ...{ ENCODE_PRESET: 'ultrafast', CHILD_NICENESS: '0' },
      // Twenty seconds of film a second: a minute has a middle that it can be stopped in.
      FFMPEG_PATH: await writeSlowFfmpeg(folder, 20),
    },
  });
  film = Buffer.from(await makeFilm(server.folder, 5), 'base64');
  long = await makeLargeFilm(60);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A worker process of its own: `stop` ends it as a shutdown does. */
async function openWorker(): Promise<{ stop(): Promise<void> }> {
  const platform = await openPlatform(server.platform.config, { log: pino({ level: 'silent' }), works: true });
  const worker = await startWorker(platform);
  return {
    stop: async () => {
      await worker.stop();
      await platform.close();
    },
  };
}

/** So large that there are lower qualities of it: 480×360, 12 frames/s. */
async function makeLargeFilm(seconds: number): Promise<Buffer> {
  const file = path.join(folder, `large-${seconds}.mp4`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=480x360:r=12:d=${seconds}`];
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '24'];
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', ...picture, ...codec, file]);
  return readFile(file);
}

type Video = {
  readonly hash: string;
  readonly status: string;
  readonly stopped: boolean;
  readonly title: string;
  readonly progress: number;
  readonly qualities: string[];
  readonly tags: string[];
  readonly duration: number;
};
type Progress = {
  readonly status: string;
  readonly qualities: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};
const get = async (id: string): Promise<Video> => (await server.call('GET', `/videos/${id}`)).body as Video;
const becomes = (id: string, ...statuses: string[]) =>
  eventually(() => get(id), { until: ({ status }) => statuses.includes(status) });

async function upload(bytes: Buffer, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { upload_id: id } = await init(server, { total_chunks: 1, ...fields });
  await sendChunk(server.base, { id, index: 0, bytes });
  const done = await server.call('POST', '/upload/complete', { body: { upload_id: id } });
  assert.equal(done.status, 202, done.text);
  return id;
}
const eventsOf = async (id: string): Promise<string[]> => {
  const { events } = (await server.call('GET', '/events?after=0&limit=1000')).body as {
    events: { type: string; data: { video_id?: string } }[];
  };
  return events.filter(({ data }) => data.video_id === id).map(({ type }) => type);
};

test('a video from its upload to its end, told by events and webhooks', async () => {
  const worker = await openWorker();
  try {
    const id = await upload(film, { title: 'Told', notification_url: `${receiver.origin}/hook?secret=1` });
    const video = await becomes(id, 'ready', 'failed');
    assert.deepEqual(
      [video.status, video.progress, video.qualities, Math.round(video.duration)],
      ['ready', 100, ['180p'], 5],
    );
    const status = await server.call('GET', `/transcode/status/${id}/`);
    const { qualities, ...rest } = status.body as Progress;
    assert.deepEqual(rest, { upload_id: id, status: 'ready', progress: 100, eta_seconds: null, error: null });
    const { segments_ready: ready, segments_total: total, ...quality } = qualities['180p'] ?? {};
    assert.deepEqual([Object.keys(qualities), quality], [['180p'], { status: 'ready', progress: 100 }]);
    assert.ok(typeof total === 'number' && total > 0 && ready === total, `${ready} of ${total}`);
    // That it can be played is told beside its encoding, by whoever sees it first.
    const types = await eventually(() => eventsOf(id), { until: (told) => told.includes('video.playable') });
    assert.deepEqual([...types].sort(), ['rendition.ready', 'video.playable', 'video.ready', 'video.uploaded']);
    assert.ok(types.indexOf('video.uploaded') < types.indexOf('video.playable'));
    assert.equal(types.at(-1) === 'video.ready' || types.at(-1) === 'video.playable', true);
    // RETENTION_HOURS is 0: a video's job stays all the same.
    await expireJobs(server.platform);
    await sweepCluster(server.platform);
    assert.equal((await get(id)).status, 'ready');
    const again = await server.call('POST', '/transcode/start', { body: { upload_id: id } });
    assert.equal(again.status, 409);
    const larger = await server.call('POST', '/transcode/start', { body: { upload_id: id, qualities: ['1080p'] } });
    assert.equal(larger.status, 409, larger.text);
    for (const call of [`PUT /videos/${id}/stop`, `PUT /videos/${id}/resume`, `POST /admin/videos/${id}/stop`]) {
      const [method = '', path = ''] = call.split(' ');
      assert.equal((await server.call(method, path)).status, 409, call);
    }
    assert.equal((await server.call('DELETE', `/videos/${id}`)).status, 204);
    assert.equal((await server.call('GET', `/videos/${id}`)).status, 404);
    assert.equal((await server.call('DELETE', `/videos/${id}`)).status, 404);
    await eventually(async () => [...(await storedKeys(server)), ...(await storedKeys(server, 'jobs/'))], {
      until: (keys) => keys.length === 0,
    });
    await eventually(async () => receiver.received.length, { until: (count) => count === 5 });
    const told = receiver.received.map(({ body }) => JSON.parse(body) as { type: string; data: { video: Video } });
    assert.deepEqual(told.map(({ type }) => type).sort(), [...types, 'video.deleted'].sort());
    assert.ok(receiver.received.every(({ isSigned, path }) => isSigned && path === '/hook?secret=1'));
    assert.ok(told.every(({ data }) => data.video.hash === id && data.video.title === 'Told'));
  } finally {
    await worker.stop();
  }
});

test('a further quality is a further job of the same video', async () => {
  const worker = await openWorker();
  try {
    const id = await upload(await makeLargeFilm(6), { qualities: ['360p'] });
    const video = await becomes(id, 'ready', 'failed');
    assert.deepEqual([video.status, video.qualities], ['ready', ['360p']]);
    const start = (qualities: string[]) =>
      server.call('POST', '/transcode/start', { body: { upload_id: id, qualities } });
    assert.equal((await start(['360p'])).status, 409);
    const started = await start(['240p', '360p']);
    assert.equal(started.status, 202, started.text);
    await eventually(() => get(id), { until: ({ status, qualities }) => status === 'ready' && qualities.length === 2 });
    const { qualities } = (await server.call('GET', `/transcode/status/${id}`)).body as Progress;
    assert.deepEqual(
      Object.entries(qualities).map(([name, { status }]) => [name, status]),
      [
        ['360p', 'ready'],
        ['240p', 'ready'],
      ],
    );
    assert.deepEqual((await eventsOf(id)).filter((type) => type === 'rendition.ready').length, 2);
    const detail = (await server.call('GET', `/admin/videos/${id}/status`)).body as {
      jobs: { status: string; qualities: string[] }[];
      upload: { status: string };
    };
    assert.deepEqual(
      [detail.jobs.map((job) => [job.status, job.qualities]), detail.upload.status],
      [
        [
          ['completed', ['360p']],
          ['completed', ['240p']],
        ],
        'received',
      ],
    );
    assert.equal((await server.call('DELETE', `/admin/videos/${id}`)).status, 204);
    assert.equal((await server.call('GET', `/videos/${id}`)).status, 404);
  } finally {
    await worker.stop();
  }
});

test('stopping keeps every finished segment, also over a restart; resuming makes what is missing', async () => {
  const id = await upload(long, { qualities: ['360p', '240p'] });
  let worker = await openWorker();
  const parts = async () => {
    const { rows } = await server.platform.database.pool.query<{ id: string; attempt: number; done_at: Date }>(
      `select task.id, task.attempt, task.done_at from task join video_job on video_job.job_id = task.job_id
       where video_job.video_id = $1 and task.kind = 'chunk' and task.status = 'done' order by task.id`,
      [id],
    );
    return rows;
  };
  try {
    await eventually(parts, { until: (done) => done.length > 0 });
    const stopped = await server.call('PUT', `/videos/${id}/stop`);
    assert.equal(stopped.status, 200, stopped.text);
    assert.deepEqual((await server.call('GET', `/videos/${id}/stopped`)).body, {
      hash: id,
      stopped: true,
      status: 'stopped',
    });
    assert.equal((await server.call('PUT', `/videos/${id}/stop`)).status, 200);
    const kept = await parts();
    await worker.stop();
    worker = await openWorker();
    // Others go on by themselves, stopped ones wait.
    const other = await upload(film);
    await becomes(other, 'ready');
    assert.equal((await get(id)).status, 'stopped');
    assert.deepEqual(await parts(), kept);
    const resumed = await server.call('POST', '/transcode/resume');
    assert.deepEqual([resumed.status, resumed.body], [200, { resumed: [id] }]);
    assert.equal((await becomes(id, 'ready', 'failed')).status, 'ready');
    const now = await parts();
    assert.deepEqual(now.slice(0, kept.length), kept);
    assert.ok(now.length > kept.length);
  } finally {
    await worker.stop();
  }
});

test('one that is stopped while it is uploaded waits until it is resumed', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 1 });
  assert.equal((await server.call('PUT', `/videos/${id}/stop`)).status, 200);
  await sendChunk(server.base, { id, index: 0, bytes: film });
  const done = await server.call('POST', '/upload/complete', { body: { upload_id: id } });
  assert.deepEqual([done.status, (done.body as Video).status], [202, 'stopped']);
  assert.deepEqual((await server.call('POST', '/admin/resume_all')).body, { resumed: [id] });
  assert.deepEqual([(await get(id)).status, (await get(id)).stopped], ['queued', false]);
  assert.deepEqual(
    (await eventsOf(id)).filter((type) => type !== 'video.uploaded'),
    ['video.stopped', 'video.resumed'],
  );
  const start = await server.call('POST', '/transcode/start', { body: { upload_id: id } });
  assert.equal(start.status, 409);
});

test('an entry made before its upload; one that is not encoded before it is asked for', async () => {
  const made = await server.call('POST', '/videos', { body: { title: 'First the words', tags: ['x'] } });
  assert.equal(made.status, 201);
  const { hash, status } = made.body as Video;
  assert.equal(status, 'uploading');
  assert.equal((await server.call('POST', '/transcode/start', { body: { upload_id: hash } })).status, 409);
  assert.equal(await upload(film, { upload_id: hash, title: 'ignored' }), hash);
  const video = await get(hash);
  assert.deepEqual([video.title, video.status, video.tags], ['First the words', 'queued', ['x']]);
  const id = await upload(film, { transcode: false });
  assert.equal((await get(id)).status, 'uploaded');
  const form = new FormData();
  form.set('upload_id', id);
  form.set('qualities', '360p,480p');
  const started = await fetch(`${server.base}/transcode/start`, { method: 'POST', body: form });
  assert.deepEqual([started.status, await started.json()], [202, { upload_id: id, status: 'queued' }]);
  assert.equal((await get(id)).status, 'queued');
});

test('before a film was looked at, its status names what was asked for, and says of nothing that it is made', async () => {
  const ids = [await upload(film, { qualities: ['480p', '360p'] }), await upload(film)];
  const { pool } = server.platform.database;
  for (const status of ['queued', 'processing']) {
    const ofVideos = 'id in (select job_id from video_job where video_id = any($2))';
    await pool.query(`update job set status = $1 where ${ofVideos}`, [status, ids]);
    const shown = await Promise.all(ids.map((id) => server.call('GET', `/transcode/status/${id}`)));
    assert.deepEqual(
      shown.map(({ body }) => {
        const { status: ofAll, qualities } = body as Progress;
        return [ofAll, Object.entries(qualities).map(([name, one]) => [name, one.status, one.segments_total])];
      }),
      [
        [
          status,
          [
            ['480p', 'queued', 0],
            ['360p', 'queued', 0],
          ],
        ],
        [status, []],
      ],
    );
  }
  for (const id of ids) await server.call('DELETE', `/videos/${id}`);
});

test('videos are listed, searched, sorted, paged and changed', async () => {
  const ids: string[] = [];
  for (const title of ['Zebra crossing', 'apple 100%', 'Mango']) {
    const made = await server.call('POST', '/videos', { body: { title, tags: ['fruit', title.slice(0, 1)] } });
    ids.push((made.body as Video).hash);
  }
  const list = async (query: string) =>
    (await server.call('GET', `/videos?${query}`)).body as { videos: Video[]; total: number; page: number };
  const titles = async (query: string) => (await list(query)).videos.map(({ title }) => title);
  assert.deepEqual(await titles('tag=fruit&sort=title'), ['apple 100%', 'Mango', 'Zebra crossing']);
  assert.deepEqual(await titles('tag=fruit'), ['Mango', 'apple 100%', 'Zebra crossing']);
  assert.deepEqual(await titles('search=100%25'), ['apple 100%']);
  assert.deepEqual(await titles('search=CROSS&status=uploading'), ['Zebra crossing']);
  assert.deepEqual(await titles('search=CROSS&status=ready'), []);
  const page = await list('tag=fruit&sort=-title&page=2&page_size=2');
  assert.deepEqual([page.total, page.page, page.videos.map(({ title }) => title)], [3, 2, ['apple 100%']]);
  for (const query of ['sort=size%3Bdrop', 'status=lost', 'page=0', 'page_size=1000'])
    assert.equal((await server.call('GET', `/videos?${query}`)).status, 400, query);
  const edited = await server.call('PUT', `/videos/${ids[0]}`, {
    body: { title: 'Zebra', description: 'striped', tags: [], poster_time: 2.5 },
  });
  const { title, description, tags, poster_time: poster } = edited.body as Record<string, unknown>;
  assert.deepEqual([title, description, tags, poster], ['Zebra', 'striped', [], 2.5]);
  assert.equal((await server.call('PUT', `/videos/${ids[0]}`, { body: { title: '' } })).status, 400);
  assert.equal((await server.call('PUT', '/videos/none', { body: { title: 'x' } })).status, 404);
  const admin = (await server.call('GET', '/admin/videos?tag=fruit')).body as { total: number };
  assert.equal(admin.total, 2);
});

test('a field that no video has is refused by its name; a video may be sent back as it was read', async () => {
  const made = (await server.call('POST', '/videos', { body: { title: 'One' } })).body as Video;
  const wrong = await server.call('PUT', `/videos/${made.hash}`, { body: { titel: 'Two', tags: ['x'] } });
  const { errors } = wrong.body as { errors: { path: string }[] };
  assert.deepEqual([wrong.status, errors.map((one) => one.path)], [400, ['titel']], wrong.text);
  assert.deepEqual((await get(made.hash)).tags, []);
  const back = await server.call('PUT', `/videos/${made.hash}`, { body: { ...made, title: 'Two' } });
  assert.deepEqual([back.status, (back.body as Video).title], [200, 'Two'], back.text);
});

test('the admin service tells of every part', async () => {
  const { status, body } = await server.call('GET', '/admin/status');
  const found = body as Record<string, Record<string, unknown>>;
  assert.deepEqual([status, found.status], [200, 'healthy']);
  assert.deepEqual(Object.keys(found.services ?? {}), ['upload', 'transcoding', 'metadata', 'streaming', 'admin']);
  assert.equal(typeof found.videos?.total, 'number');
  for (const name of ['rendition', 'node', 'ffmpeg', 'postgresql']) assert.match(String(found.versions?.[name]), /\d/);
  assert.ok(Number(found.disk?.free) > 0);
});
