// The road from a request to a picture, over HTTP: submit, follow, fetch, look at what came.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { JobView } from '#api/jobs/view.ts';
import { eventually } from '../kit/eventually.ts';
import { makeFilm, openServer, probe, type TestServer } from './open-server.ts';

let server: TestServer;
let film: string;
before(async () => {
  server = await openServer({ works: true });
  film = await makeFilm(server.folder, 4);
});
after(() => server[Symbol.asyncDispose]());

const getJob = async (id: string | number): Promise<JobView> =>
  (await server.call('GET', `/jobs/${id}`)).body as JobView;
const submit = async (body: object): Promise<{ id: number; uuid: string; status: string }> => {
  const answer = await server.call('POST', '/jobs', { body });
  assert.equal(answer.status, 202, answer.text);
  return answer.body as { id: number; uuid: string; status: string };
};
const finished = (id: number) =>
  eventually(() => getJob(id), { until: ({ status }) => status === 'completed' || status === 'failed' });

test('an inline source becomes a stream and a file that ffprobe reads over HTTP', async () => {
  const source = { kind: 'inline', data: film, filename: 'my film.mp4' };
  const outputs = [
    { container: 'hls', renditions: ['180p', '90p'], passthrough: 'never' },
    { container: 'mp4', height: 90, passthrough: 'never' },
  ];
  const submitted = await submit({ source, outputs });
  assert.equal(submitted.status, 'queued');
  const job = await finished(submitted.id);
  assert.equal(job.status, 'completed', JSON.stringify(job.error));
  assert.deepEqual([job.progress, job.name, job.uuid], [100, 'my film.mp4', submitted.uuid]);
  assert.deepEqual(job.source, { kind: 'inline', filename: 'my film.mp4' });
  assert.deepEqual(
    job.outputs.map(({ status, progress }) => [status, progress]),
    [
      ['uploaded', 100],
      ['uploaded', 100],
    ],
  );
  const [stream, file] = job.outputs.map(({ result }) => String(result?.url));
  assert.equal(stream, `${server.base}/jobs/${submitted.uuid}/outputs/0/master.m3u8`);
  assert.equal(file, `${server.base}/jobs/${submitted.uuid}/outputs/1/output.mp4`);
  const streams = await probe(stream ?? '');
  const pictures = streams.filter(({ codec_name }) => codec_name === 'h264');
  assert.deepEqual(
    pictures.map(({ width, height, nb_read_frames }) => [width, height, nb_read_frames]),
    [
      [320, 180, '96'],
      [160, 90, '96'],
    ],
  );
  assert.ok(streams.some(({ codec_name }) => codec_name === 'aac'));
  const [video, audio] = await probe(file ?? '');
  assert.deepEqual([video?.codec_name, video?.width, video?.height, video?.nb_read_frames], ['h264', 160, 90, '96']);
  assert.equal(audio?.codec_name, 'aac');
});

test('playlists, segments and files are served with types, ETags, ranges and caching', async () => {
  const { id } = await submit({
    source: { kind: 'inline', data: film },
    outputs: [{ container: 'hls', renditions: ['180p'] }, { container: 'mp3' }],
  });
  const { uuid } = await finished(id);
  const folder = `/jobs/${uuid}/outputs/0`;
  const master = await server.call('GET', `${folder}/master.m3u8`);
  assert.equal(master.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  assert.equal(master.headers.get('cache-control'), 'no-cache');
  assert.equal(master.headers.get('access-control-allow-origin'), '*');
  assert.match(master.text, /RESOLUTION=320x180/);
  const playlist = await server.call('GET', `${folder}/180p/playlist.m3u8`);
  assert.match(playlist.text, /#EXT-X-PLAYLIST-TYPE:VOD[\s\S]*segment_00000\.m4s[\s\S]*#EXT-X-ENDLIST\n$/);
  const segment = await server.call('GET', `${folder}/180p/segment_00000.m4s`);
  assert.deepEqual(
    [segment.status, segment.headers.get('content-type'), segment.headers.get('cache-control')],
    [200, 'video/mp4', 'public, max-age=31536000, immutable'],
  );
  const size = Number(segment.headers.get('content-length'));
  const etag = segment.headers.get('etag') ?? '';
  const again = await server.call('GET', `${folder}/180p/segment_00000.m4s`, { headers: { 'if-none-match': etag } });
  assert.equal(again.status, 304);
  const part = await server.call('GET', `${folder}/180p/segment_00000.m4s`, { headers: { range: 'bytes=4-7' } });
  assert.deepEqual([part.status, part.headers.get('content-range'), part.text.length], [206, `bytes 4-7/${size}`, 4]);
  const beyond = await server.call('GET', `${folder}/180p/segment_00000.m4s`, { headers: { range: `bytes=${size}-` } });
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${size}`]);
  const head = await server.call('HEAD', `${folder}/180p/segment_00000.m4s`);
  assert.deepEqual([head.status, head.headers.get('content-length'), head.text], [200, String(size), '']);
  assert.equal((await server.call('GET', `${folder}/180p/init.mp4`)).headers.get('content-type'), 'video/mp4');
  assert.match((await server.call('GET', `${folder}/manifest.mpd`)).text, /<MPD /);
  assert.equal((await server.call('GET', `${folder}/poster.jpg`)).headers.get('content-type'), 'image/jpeg');
  assert.match((await server.call('GET', `${folder}/storyboard.vtt`)).text, /^WEBVTT/);
  const sound = await server.call('GET', `/jobs/${uuid}/outputs/1/output.mp3?download`);
  assert.equal(sound.headers.get('content-type'), 'audio/mpeg');
  assert.match(sound.headers.get('content-disposition') ?? '', /^attachment/);
  // By its number anybody could guess it: pages of others may not read it.
  assert.equal(
    (await server.call('GET', `/jobs/${id}/outputs/0/master.m3u8`)).headers.get('access-control-allow-origin'),
    null,
  );
});

test('nothing but the files of the output can be reached', async () => {
  const { id } = await submit({ source: { kind: 'inline', data: film }, outputs: [{ container: 'mp3' }] });
  await finished(id);
  const names = [
    '',
    '../0/output.mp3',
    '..%2f0%2foutput.mp3',
    '%2e%2e/%2e%2e/secret.key',
    '..%5c..%5csecret.key',
    'output.mp3%00',
    'output.mp3/..',
    '/output.mp3',
    'source/original',
    'constructor',
    '__proto__',
  ];
  for (const name of names) {
    const { status } = await server.call('GET', `/jobs/${id}/outputs/0/${name}`);
    // The client itself resolves `..`: what it makes of the first is the file itself.
    assert.equal(status, name === '../0/output.mp3' || name === 'output.mp3/..' ? status : 404, name);
    assert.ok(status === 200 || status === 404 || status === 400, name);
  }
  for (const index of ['1', '-1', '00', '9999', 'x', '1e0']) {
    assert.equal((await server.call('GET', `/jobs/${id}/outputs/${index}/output.mp3`)).status, 404, index);
  }
});

test('the spec may be typed as JSON, be a file itself, and say that its source is an upload', async () => {
  const spec = JSON.stringify({ source: { kind: 'upload' }, outputs: [{ container: 'wav' }] });
  for (const value of [
    new Blob([spec], { type: 'application/json' }),
    new File([spec], 'spec.json', { type: 'application/json' }),
  ]) {
    const form = new FormData();
    form.append('spec', value);
    form.append('file', new Blob([Buffer.from(film, 'base64')]), 'film.mp4');
    const response = await fetch(`${server.base}/jobs`, { method: 'POST', body: form });
    assert.equal(response.status, 202, await response.text());
  }
});

test('a file and its spec in one request', async () => {
  const form = new FormData();
  form.append('spec', JSON.stringify({ outputs: [{ container: 'wav' }], priority: 70, metadata: { order: 7 } }));
  form.append('file', new Blob([Buffer.from(film, 'base64')]), 'holiday.mov');
  const response = await fetch(`${server.base}/jobs`, { method: 'POST', body: form });
  assert.equal(response.status, 202);
  const { id } = (await response.json()) as { id: number };
  const job = await finished(id);
  assert.deepEqual([job.status, job.name, job.priority, job.metadata.order], ['completed', 'holiday.mov', 70, 7]);
  const file = await server.call('GET', `/jobs/${id}/outputs/0/output.wav`);
  assert.match(file.headers.get('content-disposition') ?? '', /filename="holiday\.wav"/);
  const wrong = new FormData();
  wrong.append('spec', JSON.stringify({ outputs: [{ container: 'mp5' }] }));
  wrong.append('file', new Blob(['x']), 'x');
  assert.equal((await fetch(`${server.base}/jobs`, { method: 'POST', body: wrong })).status, 400);
});

test('a file that is refused on its way leaves the connection to the next request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const form = new FormData();
  form.append('spec', JSON.stringify({ outputs: [{ container: 'mp5' }] }));
  form.append('file', new Blob([Buffer.alloc(8_000_000)]), 'x');
  const refused = new Response(form);
  const type = refused.headers.get('content-type') ?? '';
  const asks = [
    {
      method: 'POST',
      path: '/jobs',
      headers: { 'content-type': type },
      body: Buffer.from(await refused.arrayBuffer()),
    },
    { method: 'GET', path: '/jobs?limit=1', headers: {}, body: undefined },
  ];
  const statuses: (number | undefined)[] = [];
  try {
    for (const { body, ...options } of asks) {
      const asked = httpRequest(server.base + options.path, { ...options, agent, signal: AbortSignal.timeout(60_000) });
      asked.end(body);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      statuses.push(response.statusCode);
      await response.toArray();
    }
  } finally {
    agent.destroy();
  }
  assert.deepEqual(statuses, [400, 200]);
});

test('an Idempotency-Key makes one job', async () => {
  const body = { source: { kind: 'http', url: 'https://media.invalid/a.mp4' }, outputs: [{ container: 'mp3' }] };
  const headers = { 'idempotency-key': 'order-1' };
  const first = await server.call('POST', '/jobs', { body, headers });
  const second = await server.call('POST', '/jobs', { body, headers });
  assert.deepEqual([first.status, second.status], [202, 202]);
  assert.equal((first.body as { id: number }).id, (second.body as { id: number }).id);
  const other = await server.call('POST', '/jobs', { body: { ...body, priority: 1 }, headers });
  assert.deepEqual([other.status, (other.body as { code: string }).code], [409, 'idempotency_conflict']);
});

test('an Idempotency-Key makes one job of a file that is sent twice, and keeps one copy of it', async () => {
  const send = async (key: string, bytes: string) => {
    const form = new FormData();
    form.append('spec', JSON.stringify({ outputs: [{ container: 'mp3' }] }));
    form.append('file', new Blob([bytes]), 'song.wav');
    const headers = { 'idempotency-key': key };
    const response = await fetch(`${server.base}/jobs`, { method: 'POST', body: form, headers });
    return { status: response.status, body: (await response.json()) as { id: number; code: string } };
  };
  const countUploads = async () =>
    (await server.platform.database.pool.query('select count(*)::int as n from upload')).rows[0].n as number;
  const before_ = await countUploads();
  const first = await send('song-1', 'not a song');
  const again = await send('song-1', 'not a song');
  assert.deepEqual([first.status, again.status, again.body.id], [202, 202, first.body.id]);
  const other = await send('song-1', 'another song');
  assert.deepEqual([other.status, other.body.code], [409, 'idempotency_conflict']);
  assert.equal(await countUploads(), before_ + 1);
});

test('what is broken fails with a code, an advice and a log', async () => {
  const { id } = await submit({
    source: { kind: 'inline', data: Buffer.from('no film at all').toString('base64') },
    outputs: [{ container: 'mp4' }],
  });
  const job = await finished(id);
  assert.equal(job.status, 'failed');
  assert.equal(job.error?.code, 'not_media');
  assert.ok((job.error?.advice ?? '').length > 10);
  assert.equal((await server.call('POST', `/jobs/${id}/cancel`)).status, 409);
  assert.equal((await server.call('POST', `/jobs/${id}/pause`)).status, 409);
  assert.equal((await server.call('DELETE', `/jobs/${id}`)).status, 204);
  assert.equal((await server.call('GET', `/jobs/${id}`)).status, 404);
});

test('lists are paged, filtered and searched', async () => {
  const page = (await server.call('GET', '/jobs?limit=2')).body as { jobs: JobView[]; nextCursor: string };
  assert.equal(page.jobs.length, 2);
  const next = (await server.call('GET', `/jobs?limit=200&cursor=${page.nextCursor}`)).body as {
    jobs: JobView[];
    nextCursor: null;
  };
  assert.equal(next.nextCursor, null);
  assert.ok(next.jobs.every(({ id }) => id < (page.jobs[1]?.id ?? 0)));
  const found = (await server.call('GET', '/jobs?search=holiday')).body as { jobs: JobView[] };
  assert.deepEqual(
    found.jobs.map(({ name }) => name),
    ['holiday.mov'],
  );
  const done = (await server.call('GET', '/jobs?status=completed')).body as { jobs: JobView[] };
  assert.ok(done.jobs.length > 0 && done.jobs.every(({ status }) => status === 'completed'));
});

test('a plan says what would be done and leaves nothing', async () => {
  const before = ((await server.call('GET', '/jobs')).body as { jobs: unknown[] }).jobs.length;
  const { status, body } = await server.call('POST', '/plan', {
    // A whole job: what is no matter to the plan is no hindrance.
    body: {
      source: { kind: 'inline', data: film },
      outputs: [{ container: 'hls' }],
      notificationUrl: 'https://hooks.invalid/rendition',
      metadata: { order: 7 },
      priority: 60,
    },
  });
  assert.equal(status, 200);
  const plan = body as {
    facts: { duration: number; video: { codec: string } };
    renditions: { width: number }[];
    cost: { cpuSeconds: number };
    reasons: string[];
  };
  assert.deepEqual(
    [plan.facts.video.codec, Math.round(plan.facts.duration), plan.renditions[0]?.width],
    ['h264', 4, 320],
  );
  assert.ok(plan.cost.cpuSeconds > 0 && plan.reasons.length > 0);
  assert.equal(((await server.call('GET', '/jobs')).body as { jobs: unknown[] }).jobs.length, before);
});

test('a plan looks at watermarks: one that is no picture, or cannot be had, refuses its output alone', async () => {
  const plan = async (sources: readonly object[]) =>
    server.call('POST', '/plan', {
      body: {
        source: { kind: 'inline', data: film },
        outputs: sources.map((source) => ({ container: 'mp4', watermark: { source } })),
      },
    });
  const logo = await sharp({ create: { width: 64, height: 64, channels: 4, background: '#ff0000' } })
    .png()
    .toBuffer();
  const good = { kind: 'inline', data: logo.toString('base64') };
  const { status, body } = await plan([good, { kind: 'inline', data: film }]);
  assert.equal(status, 200);
  const refusing = body as { outputs: { refused: { code: string; message: string } | null }[] };
  const { outputs } = refusing;
  assert.equal(outputs[0]?.refused ?? null, null);
  assert.equal(outputs[1]?.refused?.code, 'unsupported_media');
  assert.match(outputs[1]?.refused?.message ?? '', /^outputs\.1\.watermark\.source: /);
  const nowhere = await plan([{ kind: 'upload', uploadId: crypto.randomUUID() }]);
  assert.deepEqual([nowhere.status, (nowhere.body as { code: string }).code], [404, 'not_found']);
  const inside = await plan([good, { kind: 'http', url: 'http://127.0.0.1:1/logo.png' }]);
  assert.equal((inside.body as typeof refusing).outputs[1]?.refused?.code, 'source_refused_address', inside.text);
});

test('the worker shows up, with health and metrics', async () => {
  const { workers } = (await server.call('GET', '/workers')).body as {
    workers: { id: string; pid: number; encoders: string[] }[];
  };
  assert.deepEqual(
    workers.map(({ id, pid }) => [id, pid]),
    [[server.platform.workerId, process.pid]],
  );
  assert.ok(workers[0]?.encoders.includes('libx264'));
  for (const url of ['/health', '/api/v1/health/']) {
    const { status, body } = await server.call('GET', url);
    const { status: state, checks } = body as { status: string; checks: object };
    assert.deepEqual(
      [status, state, checks],
      [200, 'ok', { database: 'ok', queue: 'ok', storage: 'ok', ffmpeg: 'ok' }],
    );
  }
  const metrics = await server.call('GET', '/metrics');
  assert.match(metrics.text, /^rendition_jobs\{status="completed"\} [1-9]/m);
  assert.match(metrics.text, /^rendition_queue_oldest_seconds\{lane="encode"\} /m);
  assert.match(metrics.text, /^rendition_disk_free_bytes [1-9]/m);
});

test('the documentation asks no other host', async () => {
  const document = (await server.call('GET', '/openapi.json')).body as { paths: Record<string, unknown> };
  for (const route of ['/jobs', '/jobs/{id}', '/plan', '/health', '/events', '/workers'])
    assert.ok(route in document.paths, route);
  const page = await server.call('GET', '/docs');
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /(src|href)="https?:/);
});
