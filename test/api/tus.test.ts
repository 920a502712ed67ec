import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import * as tus from 'tus-js-client';
import { findUpload } from '#database/uploads.ts';
import { appendUpload } from '#workflows/uploads/append-upload.ts';
import { eventually } from '../kit/eventually.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { openServer, type TestServer } from './open-server.ts';
import { bigFilm, init, sha256, storedKeys, storedOriginal } from './upload-client.ts';

const MB = 1024 ** 2;
const V = { 'Tus-Resumable': '1.0.0' };
const BYTES = { 'Content-Type': 'application/offset+octet-stream' };
let server: TestServer;
let film: Buffer;
before(async () => {
  server = await openServer({ settings: { CORS_ALLOWED_ORIGINS: 'https://studio.example' } });
  film = await bigFilm(server.folder, 4 * MB + 12_345);
});
after(() => server[Symbol.asyncDispose]());

const endpoint = () => `${server.base}/upload/tus/`;
const idOf = (url: string | null | undefined): string => url?.split('/').at(-1) ?? '';
const encode = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');

async function create(headers: Readonly<Record<string, string>>, body?: Buffer): Promise<Response> {
  return fetch(endpoint(), {
    method: 'POST',
    headers: { ...V, ...headers },
    ...(body ? { body: new Uint8Array(body) } : {}),
  });
}
async function patch(
  url: string,
  offset: number | Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Response> {
  const headers = typeof offset === 'number' ? { 'Upload-Offset': String(offset) } : offset;
  return fetch(url, {
    method: 'PATCH',
    headers: { ...V, ...BYTES, ...headers },
    body: new Uint8Array(body),
  });
}
const place = (response: Response): string => response.headers.get('location') ?? '';
const statusOf = async (id: string) => ((await server.call('GET', `/videos/${id}`)).body as { status: string }).status;
const whole = (id: string) =>
  eventually(async () => {
    assert.equal(await statusOf(id), 'queued');
  });

test('the usual client uploads through twenty cuts; the video is the last part of its address', async () => {
  const proxy = await startFaultProxy({
    target: Number(new URL(server.base).port),
    // The first connection makes the upload.
    fault: (connection) => (connection > 0 && connection <= 20 ? { cutUploadAfter: randomInt(600, 400_000) } : {}),
  });
  try {
    const upload = await new Promise<tus.Upload>((resolve, reject) => {
      const client: tus.Upload = new tus.Upload(film, {
        endpoint: `http://127.0.0.1:${proxy.port}/upload/tus/`,
        metadata: { filename: 'cuts.mp4', title: 'Twenty cuts', sha256: sha256(film) },
        headers: { connection: 'close' },
        retryDelays: Array.from({ length: 40 }, () => 5),
        onError: reject,
        onSuccess: () => resolve(client),
      });
      client.start();
    });
    assert.ok(proxy.connections() > 20, `${proxy.connections()} connections`);
    const id = idOf(upload.url);
    await whole(id);
    assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
    const video = (await server.call('GET', `/videos/${id}`)).body as Record<string, unknown>;
    assert.deepEqual([video.title, video.filename], ['Twenty cuts', 'cuts.mp4']);
  } finally {
    await proxy.stop();
  }
});

test('the usual client uploads parts at once, which are concatenated', async () => {
  const upload = await new Promise<tus.Upload>((resolve, reject) => {
    const client: tus.Upload = new tus.Upload(film, {
      endpoint: endpoint(),
      parallelUploads: 3,
      metadata: { filename: 'parts.mp4' },
      retryDelays: [],
      onError: reject,
      onSuccess: () => resolve(client),
    });
    client.start();
  });
  const id = idOf(upload.url);
  await whole(id);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  await eventually(async () => {
    assert.deepEqual(
      (await storedKeys(server)).filter((key) => !key.endsWith('/original')),
      [],
    );
  });
  const head = await fetch(`${endpoint()}${id}`, { method: 'HEAD', headers: V });
  assert.equal(head.headers.get('upload-length'), String(film.length));
  assert.match(
    head.headers.get('upload-concat') ?? '',
    /^final;\/upload\/tus\/\S+ \/upload\/tus\/\S+ \/upload\/tus\/\S+$/,
  );
  assert.equal((await patch(`${endpoint()}${id}`, 0, film)).status, 403);
});

test('the server tells what it can do, to pages of allowed origins too', async () => {
  const plain = await fetch(endpoint(), { method: 'OPTIONS' });
  assert.equal(plain.status, 204);
  assert.equal(plain.headers.get('tus-version'), '1.0.0');
  assert.equal(
    plain.headers.get('tus-extension'),
    'creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation',
  );
  assert.equal(plain.headers.get('tus-checksum-algorithm'), 'sha1,sha256,md5');
  const preflight = await fetch(`${endpoint()}anything`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://studio.example',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'tus-resumable,upload-offset',
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://studio.example');
  assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/);
  const made = await create({ 'Upload-Length': '10', origin: 'https://studio.example' });
  assert.equal(made.status, 201);
  assert.match(made.headers.get('access-control-expose-headers') ?? '', /Upload-Offset/);
});

test('creation with upload, a length told later, expiration, metadata given back', async () => {
  const metadata = encode({ filename: 'ä film.mp4', description: 'kept', own: 'thing' });
  const made = await create(
    { 'Upload-Defer-Length': '1', 'Upload-Metadata': metadata, ...BYTES },
    film.subarray(0, MB),
  );
  assert.deepEqual([made.status, made.headers.get('upload-offset')], [201, String(MB)]);
  const url = place(made);
  const expires = Date.parse(made.headers.get('upload-expires') ?? '');
  assert.ok(expires > Date.now() + 23 * 3_600_000 && expires < Date.now() + 25 * 3_600_000);
  const head = await fetch(url, { method: 'HEAD', headers: V });
  assert.deepEqual(
    ['upload-offset', 'upload-length', 'upload-defer-length', 'upload-metadata', 'cache-control'].map((name) =>
      head.headers.get(name),
    ),
    [String(MB), null, '1', metadata, 'no-store'],
  );
  assert.equal((await patch(url, 5, film.subarray(5))).status, 409);
  const rest = await patch(
    url,
    { 'Upload-Offset': String(MB), 'Upload-Length': String(film.length) },
    film.subarray(MB),
  );
  assert.deepEqual([rest.status, rest.headers.get('upload-offset')], [204, String(film.length)]);
  // A client that missed the answer asks, or sends nothing more.
  assert.equal((await patch(url, film.length, Buffer.alloc(0))).status, 204);
  const id = idOf(url);
  await whole(id);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  const video = (await server.call('GET', `/videos/${id}`)).body as Record<string, unknown>;
  assert.deepEqual([video.filename, video.description], ['ä film.mp4', 'kept']);
});

test('checksums: a wrong body is not kept', async () => {
  const url = place(await create({ 'Upload-Length': String(film.length) }));
  const half = film.subarray(0, 2 * MB);
  const digest = (algorithm: string, bytes: Buffer) =>
    `${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`;
  assert.equal((await patch(url, { 'Upload-Offset': String(0), 'Upload-Checksum': 'crc32 AAAA' }, half)).status, 400);
  const wrong = await patch(url, { 'Upload-Offset': String(0), 'Upload-Checksum': digest('sha1', film) }, half);
  assert.equal(wrong.status, 460);
  assert.equal((await fetch(url, { method: 'HEAD', headers: V })).headers.get('upload-offset'), '0');
  assert.equal(
    (await patch(url, { 'Upload-Offset': String(0), 'Upload-Checksum': digest('sha1', half) }, half)).status,
    204,
  );
  const end = film.subarray(2 * MB);
  assert.equal(
    (await patch(url, { 'Upload-Offset': String(2 * MB), 'Upload-Checksum': digest('sha256', end) }, end)).status,
    204,
  );
  await whole(idOf(url));
  assert.equal(sha256(await storedOriginal(server, idOf(url))), sha256(film));
});

test('termination, and what the protocol refuses', async () => {
  const url = place(await create({ 'Upload-Length': '100' }));
  assert.equal((await patch(url, 0, Buffer.alloc(40, 1))).status, 204);
  assert.equal((await patch(url, 40, Buffer.alloc(61, 1))).status, 400);
  const kept = await fetch(url, { method: 'HEAD', headers: V });
  assert.equal(kept.headers.get('upload-offset'), '40', 'nothing of a body that says itself that it is too long');
  for (const type of ['text/plain', 'application/x-something', 'application/json']) {
    const headers = { ...V, 'Upload-Offset': '40', 'Content-Type': type };
    const plain = await fetch(url, { method: 'PATCH', headers, body: 'text' });
    assert.deepEqual([plain.status, plain.headers.get('tus-resumable')], [415, '1.0.0'], type);
    assert.match(await plain.text(), /offset\+octet-stream/);
  }
  const options = await fetch(url, { method: 'OPTIONS' });
  assert.deepEqual([options.status, options.headers.get('tus-version')], [204, '1.0.0']);
  assert.equal((await create({ 'Upload-Length': '5', 'Upload-Defer-Length': '1' })).status, 400);
  // One that is sent in chunks is none of tus, whose bytes would be written over its chunks.
  const { upload_id: chunks } = await init(server, { total_chunks: 2 });
  assert.equal((await patch(`${endpoint()}${chunks}`, 0, Buffer.alloc(10))).status, 404);
  const old = await fetch(url, { method: 'HEAD', headers: { 'Tus-Resumable': '0.2.2' } });
  assert.deepEqual([old.status, old.headers.get('tus-version')], [412, '1.0.0']);
  assert.equal((await create({})).status, 400);
  assert.equal((await create({ 'Upload-Length': '-1' })).status, 400);
  assert.equal((await create({ 'Upload-Length': String(10 ** 15) })).status, 413);
  assert.equal((await create({ 'Upload-Concat': `final;${url}` })).status, 400);
  const overridden = await fetch(url, { method: 'POST', headers: { ...V, 'X-HTTP-Method-Override': 'DELETE' } });
  assert.equal(overridden.status, 204);
  assert.equal((await fetch(url, { method: 'HEAD', headers: V })).status, 404);
  assert.deepEqual(await storedKeys(server, `uploads/${idOf(url)}/`), []);
});

test('who comes later ends the connection before: what is acknowledged is what is stored', async () => {
  const url = place(await create({ 'Upload-Length': String(film.length) }));
  const stale = connect(Number(new URL(server.base).port), '127.0.0.1');
  const answer = text(stale);
  const lines = [`PATCH ${new URL(url).pathname} HTTP/1.1`, `Host: ${new URL(url).host}`, 'Connection: close'];
  const headers = Object.entries({ ...V, ...BYTES, 'Upload-Offset': '0', 'Content-Length': String(film.length) });
  stale.write([...lines, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'));
  stale.write(film.subarray(0, 300_000));
  const growing = path.join(server.folder, 'storage', 'uploads', idOf(url), 'growing');
  await eventually(async () => assert.ok(await stat(growing)));
  // What has come of it counts, although it is still being sent.
  const head = await fetch(url, { method: 'HEAD', headers: V });
  const offset = Number(head.headers.get('upload-offset'));
  const rest = await patch(url, offset, film.subarray(offset));
  assert.equal(rest.status, 204);
  // Other bytes than those that were acknowledged since.
  stale.write(Buffer.alloc(film.length - 300_000, 7));
  assert.match(await answer, /^HTTP\/1.1 409 /);
  await whole(idOf(url));
  assert.equal(sha256(await storedOriginal(server, idOf(url))), sha256(film));
});

test('the last bytes and the wish to end the upload are stored as one', async () => {
  const made = place(await create({ 'Upload-Length': '1000' }));
  const ref = { projectId: 'default', id: idOf(made) };
  const { platform } = server;
  const upload = await findUpload(platform.database.db, ref);
  assert.ok(upload);
  async function* body() {
    yield Buffer.alloc(1000, 1);
  }
  assert.equal(await appendUpload(platform, { upload, offset: 0, body: body(), size: null, checksum: null }), 1000);
  // Whatever becomes of this process now, the queue ends it.
  assert.equal((await findUpload(platform.database.db, ref))?.status, 'finishing');
});

test('a concatenation takes its parts: once, and for no other upload', async () => {
  const half = Math.floor(film.length / 2);
  const part = async (bytes: Buffer) => {
    const made = await create({ 'Upload-Length': String(bytes.length), 'Upload-Concat': 'partial', ...BYTES }, bytes);
    assert.equal(made.status, 201);
    return place(made);
  };
  const [one, two] = [await part(film.subarray(0, half)), await part(film.subarray(half))];
  const done = await server.call('POST', '/upload/complete', { body: { upload_id: idOf(one) } });
  assert.equal(done.status, 409, 'a part is no upload of its own');
  const final = (...parts: string[]) => create({ 'Upload-Concat': `final;${parts.join(' ')}` });
  assert.equal((await final(one, one)).status, 400);
  const answers = await Promise.all([final(one, two), final(one, two), final(one, two)]);
  answers.push(await final(one, two));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 201, 201],
  );
  assert.equal(new Set(answers.map(place)).size, 1, 'who missed the answer is told the same upload');
  assert.ok([404, 409].includes((await final(two, one)).status));
  const id = idOf(place(answers[0] as Response));
  await whole(id);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  assert.ok([404, 409].includes((await final(two)).status));
});

test('what is no media fails behind the last byte', async () => {
  const words = Buffer.from('not a film at all. '.repeat(1000));
  const made = await create({ 'Upload-Length': String(words.length), ...BYTES }, words);
  assert.equal(made.status, 201);
  const id = idOf(place(made));
  await eventually(async () => {
    assert.equal(await statusOf(id), 'failed');
  });
});
