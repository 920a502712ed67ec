import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as tus from 'tus-js-client';
import { signUploadToken, TOKEN_PURPOSE } from '#domain/upload-token.ts';
import { eventually } from '../kit/eventually.ts';
import { openServer, type TestServer } from './open-server.ts';
import { bigFilm, sendChunk, sha256, storedOriginal } from './upload-client.ts';

const ADMIN = 'an-admin-key-of-some-length';
const MB = 1024 ** 2;
let server: TestServer;
let film: Buffer;
before(async () => {
  server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: ADMIN } });
  film = await bigFilm(server.folder, 2 * MB);
});
after(() => server[Symbol.asyncDispose]());

const admin = { authorization: `Bearer ${ADMIN}` };
const token = async (fields: Readonly<Record<string, unknown>>) => {
  const answer = await server.call('POST', '/upload/tokens', { body: fields, headers: admin });
  assert.equal(answer.status, 201, answer.text);
  return answer.body as { token: string; upload_id: string; max_bytes: number; expires_at: string };
};

test('without a key or a token nothing is uploaded; a token opens one upload and nothing else', async () => {
  const body = { filename: 'film.mp4', total_chunks: 2 };
  assert.equal((await server.call('POST', '/upload/init', { body })).status, 401);
  assert.equal((await server.call('POST', '/upload/tokens', { body: {} })).status, 401);
  const {
    token: given,
    upload_id: id,
    max_bytes: most,
    expires_at: until,
  } = await token({
    expires_in: 600,
    max_bytes: 3 * MB,
  });
  assert.equal(most, 3 * MB);
  assert.ok(Math.abs(Date.parse(until) - Date.now() - 600_000) < 60_000);
  const headers = { authorization: `Bearer ${given}` };
  const begun = await server.call('POST', '/upload/init', { body, headers });
  assert.deepEqual([begun.status, (begun.body as { upload_id: string }).upload_id], [201, id]);
  // By the address too, and the same upload again.
  const again = await server.call('POST', `/upload/init?token=${given}`, { body });
  assert.equal((again.body as { upload_id: string }).upload_id, id);
  for (const index of [0, 1])
    assert.equal(
      (await sendChunk(server.base, { id, index, bytes: film.subarray(index * MB, (index + 1) * MB), headers })).status,
      200,
    );
  for (const path of ['/videos', `/videos/${id}`, '/jobs', '/admin/status'])
    assert.equal((await server.call('GET', path, { headers })).status, 401, path);
  const other = await server.call('POST', '/upload/init', { body, headers: admin });
  const { upload_id: others } = other.body as { upload_id: string };
  assert.equal((await server.call('GET', `/upload/${others}`, { headers })).status, 404);
  assert.equal((await server.call('DELETE', `/upload/${others}`, { headers })).status, 404);
  const done = await server.call('POST', '/upload/complete', { body: { upload_id: id }, headers });
  assert.equal(done.status, 202, done.text);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  assert.equal((await server.call('POST', '/upload/init', { body, headers })).status, 409);
});

test('a token ends, cannot be changed, and bounds the bytes', async () => {
  const keys = server.platform.keysFor(TOKEN_PURPOSE);
  const grant = { projectId: 'default', uploadId: crypto.randomUUID(), maxBytes: MB, expiresAt: 1_000_000 };
  const old = signUploadToken(grant, keys);
  const forged = signUploadToken({ ...grant, expiresAt: 4e9 }, [Buffer.alloc(32)]);
  const body = { filename: 'film.mp4', total_chunks: 1 };
  for (const wrong of [old, forged, `${old.slice(0, -1)}A`, 'ut_', 'ut_x.y'])
    assert.equal(
      (await server.call('POST', '/upload/init', { body, headers: { authorization: `Bearer ${wrong}` } })).status,
      401,
      wrong,
    );
  const { token: given, upload_id: id } = await token({ max_bytes: MB });
  const headers = { authorization: `Bearer ${given}` };
  const announced = await server.call('POST', '/upload/init', { body: { ...body, size: 2 * MB }, headers });
  assert.equal(announced.status, 413);
  assert.equal((await server.call('POST', '/upload/init', { body, headers })).status, 201);
  const sent = await sendChunk(server.base, { id, index: 0, bytes: film, headers });
  assert.equal(sent.status, 413, JSON.stringify(sent.body));
  const raw = await fetch(`${server.base}/upload/${id}/chunks/0`, {
    method: 'PUT',
    body: new Uint8Array(Buffer.alloc(20 * MB, 1)),
    headers: { ...headers, 'content-type': 'application/octet-stream' },
  });
  assert.equal(raw.status, 413);
  assert.equal((await server.call('GET', `/upload/${id}`, { headers })).status, 200);
});

test('tus works with a token, its parts too', async () => {
  for (const parallelUploads of [1, 3]) {
    const { token: given, upload_id: id } = await token({ max_bytes: 3 * MB });
    await new Promise<void>((resolve, reject) => {
      new tus.Upload(film, {
        endpoint: `${server.base}/upload/tus/`,
        parallelUploads,
        headers: { authorization: `Bearer ${given}` },
        metadata: { filename: 'film.mp4' },
        retryDelays: [],
        onError: reject,
        onSuccess: () => resolve(),
      }).start();
    });
    await eventually(async () => {
      const video = await server.call('GET', `/videos/${id}`, { headers: admin });
      assert.equal((video.body as { status: string }).status, 'queued');
    });
    assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  }
  const { token: small } = await token({ max_bytes: MB });
  const headers = { authorization: `Bearer ${small}`, 'Tus-Resumable': '1.0.0', 'Upload-Concat': 'partial' };
  const part = (bytes: number) =>
    fetch(`${server.base}/upload/tus/`, { method: 'POST', headers: { ...headers, 'Upload-Length': String(bytes) } });
  assert.equal((await part(MB / 2)).status, 201);
  assert.equal((await part(MB)).status, 413);
});
