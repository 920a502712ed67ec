// The encoder API over HTTP, in the words of the service it comes from. What workers make of its jobs is in test/road/encoder*.test.ts.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { failSilentExternals } from '#workflows/encoder/report-external.ts';
import { openServer, type TestServer } from './open-server.ts';

const JOBS = '/api/encoder/jobs';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

type Shown = Record<string, unknown> & { id: string; status: string; progress_percentage: number };
type Page = { count: number; next: string | null; previous: string | null; results: Shown[] };

let server: TestServer;
before(async () => {
  server = await openServer({ settings: { AWS_STORAGE_BUCKET_NAME: 'media' } });
});
after(() => server[Symbol.asyncDispose]());

const submission = (videoId: string, more: object = {}) => ({
  video_id: videoId,
  s3_original_key: `videos/${videoId}/original/video.mp4`,
  s3_hls_folder_key: `videos/${videoId}/hls`,
  input_file_size: 104857600,
  duration: 300.5,
  quality_presets: ['720p', '480p', '360p'],
  ...more,
});
const submit = async (videoId: string = randomUUID(), more: object = {}) => {
  const answer = await server.call('POST', `${JOBS}/submit_job/`, { body: submission(videoId, more) });
  assert.equal(answer.status, 201, answer.text);
  return answer.body as Shown;
};
const post = (id: string, act: string, body?: object) => server.call('POST', `${JOBS}/${id}/${act}/`, { body });
const look = async (id: string) => (await server.call('GET', `${JOBS}/${id}/`)).body as Shown;
const logs = async (id: string) => {
  const page = (await server.call('GET', `${JOBS}/${id}/logs/`)).body as Page;
  return page.results.map(({ level, message }) => `${level}: ${message}`);
};

describe('submit_job', () => {
  test('answers the whole job as pending', async () => {
    const videoId = '550e8400-e29b-41d4-a716-446655440000';
    const { id, created_at, ...job } = await submit(videoId);
    assert.match(id, UUID7);
    assert.match(String(created_at), ISO);
    assert.deepEqual(job, {
      ...submission(videoId),
      preset: 'veryfast',
      segment_type: 'ts',
      master_playlist: 'last',
      status: 'pending',
      progress_percentage: 0,
      started_at: null,
      completed_at: null,
      error_message: null,
      output_file_size: null,
      worker_id: null,
      hls_master_key: null,
      qualities: [],
    });
    assert.deepEqual(await look(id), { id, created_at, ...job });
    assert.deepEqual(await logs(id), [
      `info: Job submitted: videos/${videoId}/original/video.mp4 to videos/${videoId}/hls`,
    ]);
  });

  test('takes what services write: decimals as text, further fields, slashes at the ends of keys', async () => {
    const job = await submit(randomUUID(), {
      duration: '12.50',
      s3_original_key: '/videos/a.mp4',
      s3_hls_folder_key: '/videos/a/hls/',
      queued_by: 'django',
      quality_presets: { '720p': { preset: 'slow', bitrate: '2500k' } },
      preset: 'ultrafast',
      segment_type: 'fmp4',
    });
    assert.deepEqual(
      [job.duration, job.s3_original_key, job.s3_hls_folder_key, job.quality_presets, job.preset, job.segment_type],
      [
        12.5,
        'videos/a.mp4',
        'videos/a/hls',
        [{ name: '720p', preset: 'slow', bitrate: 2_500_000 }],
        'ultrafast',
        'fmp4',
      ],
    );
    const plain = await submit(randomUUID(), { quality_presets: null, duration: null, input_file_size: null });
    assert.deepEqual(plain.quality_presets, ['1080p', '720p', '480p', '360p']);
  });

  test('the same video and key, still unfinished, is the job there is; many at once are one', async () => {
    const videoId = randomUUID();
    const all = await Promise.all(Array.from({ length: 12 }, () => submit(videoId)));
    assert.equal(new Set(all.map(({ id }) => id)).size, 1);
    const other = await submit(videoId, { s3_original_key: 'videos/other.mp4' });
    assert.notEqual(other.id, all[0]?.id);
    const [first] = all;
    await post(first?.id ?? '', 'mark_failed', { error_message: 'no' });
    assert.notEqual((await submit(videoId)).id, first?.id);
  });

  test('names each field that is wrong, and what is allowed', async () => {
    const wrong: readonly [string, unknown, RegExp][] = [
      ['video_id', '../../admin', /up to 200 letters/],
      ['video_id', undefined, /up to 200 letters/],
      ['s3_original_key', 'videos/../secret.mp4', /and \. or \.\./],
      ['s3_original_key', 'videos/\ud800.mp4', /halves of surrogate pairs/],
      ['s3_original_key', '', /a key of 1 to 1024 bytes/],
      ['s3_hls_folder_key', '/', /a key of 1 to 1024 bytes/],
      ['input_file_size', -1, /bytes, a whole number/],
      ['duration', 'long', /seconds/],
      ['quality_presets', ['721p'], /2160p, 1440p, 1080p, 720p, 480p, 360p, 240p/],
      ['quality_presets', ['720p', '720p'], /each quality once/],
      ['quality_presets', [], /1 to 7 of them/],
      ['preset', 'fastest', /one of ultrafast/],
      ['segment_type', 'avi', /one of ts, fmp4/],
    ];
    // It would be written over before it is read to its end.
    for (const own of ['master.m3u8', '720p/segment_00000.ts', '480p/init.mp4']) {
      const body = submission('v1', { s3_original_key: `videos/v1/${own}`, s3_hls_folder_key: 'videos/v1' });
      const answer = await server.call('POST', `${JOBS}/submit_job/`, { body });
      assert.equal(answer.status, 400, own);
      assert.match(answer.text, /"s3_hls_folder_key".*no result has the name of s3_original_key/);
    }
    for (const [field, value, said] of wrong) {
      const answer = await server.call('POST', `${JOBS}/submit_job/`, { body: submission('v1', { [field]: value }) });
      const problem = answer.body as { code: string; errors: { path: string; message: string }[] };
      assert.deepEqual([answer.status, problem.code], [400, 'invalid_request'], field);
      assert.equal(problem.errors[0]?.path.split('.')[0], field);
      assert.match(problem.errors[0]?.message ?? '', said);
    }
  });
});

test('queue_status counts, the list is paged and filtered', async () => {
  await using own = await openServer({ settings: { AWS_STORAGE_BUCKET_NAME: 'media' } });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const answer = await own.call('POST', `${JOBS}/submit_job`, { body: submission(`video-${i}`) });
    ids.unshift((answer.body as Shown).id);
  }
  await own.call('POST', `${JOBS}/${ids[0]}/mark_completed/`, { body: { output_file_size: 7 } });
  await own.call('POST', `${JOBS}/${ids[1]}/mark_failed/`, { body: { error_message: 'gone' } });
  await own.call('POST', `${JOBS}/${ids[2]}/log_progress/`, { body: { progress_percentage: 45 } });
  assert.deepEqual((await own.call('GET', `${JOBS}/queue_status/`)).body, {
    pending_jobs: 2,
    processing_jobs: 1,
    completed_jobs: 1,
    failed_jobs: 1,
    total_jobs: 5,
  });
  const page = async (query: string) => (await own.call('GET', `${JOBS}/${query}`)).body as Page;
  const all = await page('');
  assert.deepEqual([all.count, all.next, all.previous, all.results.map(({ id }) => id)], [5, null, null, ids]);
  const second = await page('?page=2&page_size=2');
  assert.deepEqual(
    [second.count, second.results.map(({ id }) => id), second.next, second.previous],
    [5, ids.slice(2, 4), `${own.base}${JOBS}/?page=3&page_size=2`, `${own.base}${JOBS}/?page_size=2`],
  );
  assert.deepEqual(
    (await page('?status=pending')).results.map(({ id }) => id),
    ids.slice(3),
  );
  const one = await page('?video_id=video-1&status=pending');
  assert.deepEqual([one.count, one.results[0]?.video_id], [1, 'video-1']);
  assert.equal((await own.call('GET', `${JOBS}/?status=done`)).status, 400);
});

describe('an external worker', () => {
  test('takes a waiting job by reporting, and ends it', async () => {
    const { id } = await submit();
    const first = await post(id, 'log_progress', { progress_percentage: 45, message: 'Encoding 720p variant...' });
    const job = first.body as Shown;
    assert.deepEqual(
      [first.status, job.status, job.progress_percentage, job.worker_id],
      [200, 'processing', 45, 'external'],
    );
    assert.match(String(job.started_at), ISO);
    // No worker of ours finds it in the queue any longer.
    const { rows } = await server.platform.database.pool.query(
      `select 1 from pgboss.job entry join job on (entry.data->>'jobId')::bigint = job.id where job.uuid = $1`,
      [id],
    );
    assert.equal(rows.length, 0);
    const done = (await post(id, 'mark_completed', { output_file_size: 52428800 })).body as Shown;
    assert.deepEqual(
      [done.status, done.progress_percentage, done.output_file_size, done.hls_master_key],
      ['completed', 100, 52428800, `${done.s3_hls_folder_key}/master.m3u8`],
    );
    assert.match(String(done.completed_at), ISO);
    assert.deepEqual((await logs(id)).slice(1), [
      'info: Encoding started on worker external',
      'info: Encoding 720p variant...',
      'info: 40 % done',
      `info: Encoding completed: ${done.hls_master_key}`,
    ]);
  });

  test('gives a job up with its own words', async () => {
    const { id } = await submit();
    const said = 'FFmpeg timeout after 3600 seconds';
    const job = (await post(id, 'mark_failed', { error_message: said, worker_id: 'worker-7' })).body as Shown;
    assert.deepEqual([job.status, job.error_message, job.worker_id], ['failed', said, 'worker-7']);
    assert.equal((await logs(id)).at(-1), `error: Encoding failed: ${said}`);
  });

  test('may tell at length what its encoder printed', async () => {
    const said = 'frame dropped\n'.repeat(2000);
    const { id } = await submit();
    const job = (await post(id, 'mark_failed', { error_message: said })).body as Shown;
    assert.deepEqual([job.status, job.error_message], ['failed', said]);
  });

  test('that always names JSON may send nothing', async () => {
    const { id } = await submit();
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await server.call('POST', `${JOBS}/${id}/mark_completed/`, { headers });
    assert.deepEqual([status, (body as Shown).status], [200, 'completed']);
    assert.equal((await server.call('POST', `${JOBS}/submit_job/`, { headers })).status, 400);
  });

  test('is told 409 for a finished job, and for one that a worker of ours holds', async () => {
    const finished = await submit();
    await post(finished.id, 'mark_completed');
    const held = await submit();
    await server.platform.database.pool.query(`update job set status = 'processing' where uuid = $1`, [held.id]);
    for (const id of [finished.id, held.id]) {
      const answers = [
        await post(id, 'log_progress', { progress_percentage: 10 }),
        await post(id, 'mark_completed', { output_file_size: 1 }),
        await post(id, 'mark_failed', { error_message: 'x' }),
      ];
      assert.deepEqual(
        answers.map(({ status, body }) => [status, (body as { code: string }).code]),
        Array(3).fill([409, 'conflict']),
      );
    }
    assert.equal((await look(held.id)).status, 'processing');
  });

  test('that falls silent for as long as a job may take has lost it', async () => {
    const silent = await submit();
    const alive = await submit();
    for (const { id } of [silent, alive]) await post(id, 'log_progress', { progress_percentage: 30 });
    const old = `update job set updated_at = now() - interval '3601 seconds' where uuid = $1`;
    await server.platform.database.pool.query(old, [silent.id]);
    await failSilentExternals(server.platform);
    const { status, error_message } = await look(silent.id);
    assert.deepEqual([status, error_message], ['failed', 'The external worker has been silent for 3600 seconds']);
    assert.equal((await look(alive.id)).status, 'processing');
  });

  test('is told 404 for what is no job and 400 for what is no report', async () => {
    assert.equal((await post(randomUUID(), 'log_progress', { progress_percentage: 1 })).status, 404);
    for (const path of ['none', 'none/logs']) {
      const { status, body } = await server.call('GET', `${JOBS}/${path}/`);
      assert.deepEqual([status, (body as { code: string }).code], [404, 'not_found'], path);
    }
    const { id } = await submit();
    assert.equal((await post(id, 'log_progress', { progress_percentage: 101 })).status, 400);
    assert.equal((await post(id, 'mark_failed', {})).status, 400);
    assert.equal((await look(id)).status, 'pending');
  });
});

test('scopes: write submits, read looks, worker reports; other projects see nothing', async () => {
  await using own = await openServer({
    settings: { AWS_STORAGE_BUCKET_NAME: 'media', AUTH: 'on', ADMIN_KEY: 'admin-key-of-this-test' },
  });
  const { createKey } = await import('#workflows/create-key.ts');
  const key = async (scope: 'read' | 'write' | 'worker', projectId = 'default') =>
    createKey(own.platform, { projectId, name: scope, scopes: [scope] });
  const keys = {
    write: await key('write'),
    read: await key('read'),
    worker: await key('worker'),
    other: await key('read', 'other'),
  };
  const call = (who: keyof typeof keys, request: string, body?: object) => {
    const [method = '', path = ''] = request.split(' ');
    return own.call(method, path, { body, headers: { 'x-api-key': keys[who] } });
  };
  const made = await call('write', `POST ${JOBS}/submit_job/`, submission('v1'));
  const { id } = made.body as Shown;
  const report = { progress_percentage: 5 };
  const wanted: readonly [keyof typeof keys, string, object | undefined, number][] = [
    ['read', `POST ${JOBS}/submit_job/`, submission('v2'), 403],
    ['worker', `GET ${JOBS}/${id}/`, undefined, 403],
    ['write', `POST ${JOBS}/${id}/log_progress/`, report, 403],
    ['worker', `POST ${JOBS}/${id}/log_progress/`, report, 200],
    ['read', `GET ${JOBS}/${id}/`, undefined, 200],
    ['read', `GET ${JOBS}/${id}/logs/`, undefined, 200],
    ['other', `GET ${JOBS}/${id}/`, undefined, 404],
  ];
  for (const [who, asked, body, status] of wanted)
    assert.equal((await call(who, asked, body)).status, status, `${who} ${asked}`);
  assert.equal(((await call('other', `GET ${JOBS}`)).body as Page).count, 0);
});

test('without a bucket it says so', async () => {
  await using own = await openServer();
  const answer = await own.call('POST', `${JOBS}/submit_job/`, { body: submission('v1') });
  assert.equal((answer.body as { code: string }).code, 'invalid_setting');
  assert.match(answer.text, /AWS_STORAGE_BUCKET_NAME/);
});
