// Requests as clients send them that are no browsers: compressed bodies, OPTIONS without a page, HTTP/1.0, what proxies say of their clients.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { openServer, type TestServer } from './open-server.ts';

let server: TestServer;
before(async () => {
  server = await openServer({ settings: { TRUSTED_PROXIES: '127.0.0.1' } });
});
after(() => server[Symbol.asyncDispose]());

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

test('compressed bodies of JSON and fields are unpacked, within the limit of what they become', async () => {
  type Sending = readonly [coding: string, type: string, body: Uint8Array, path?: string];
  const send = async ([coding, type, body, path = '/upload/init']: Sending) => {
    const headers = { 'content-encoding': coding, 'content-type': type };
    const method = path === '/upload/init' ? 'POST' : 'PUT';
    const response = await fetch(server.base + path, { method, headers, body: new Uint8Array(body) });
    return [response.status, (await response.json()) as { filename?: string; detail?: string }] as const;
  };
  const wish = JSON.stringify({ filename: 'film.mp4', total_chunks: 1 });
  for (const [coding, type, body] of [
    ['gzip', JSON_TYPE, gzipSync(wish)],
    ['br', `${JSON_TYPE}; charset=utf-8`, brotliCompressSync(wish)],
    ['Deflate', FORM_TYPE, deflateSync('filename=film.mp4&total_chunks=1')],
    ['identity', JSON_TYPE, Buffer.from(wish)],
  ] as const) {
    const [status, upload] = await send([coding, type, body]);
    assert.deepEqual([status, upload.filename], [201, 'film.mp4'], coding);
  }
  const large = gzipSync(JSON.stringify({ filename: 'x'.repeat(2 ** 21), total_chunks: 1 }));
  assert.equal((await send(['gzip', JSON_TYPE, large]))[0], 413);
  const { upload_id: id } = (await server.call('POST', '/upload/init', { body: wish })).body as { upload_id: string };
  for (const [coding, type, body, path, why] of [
    ['gzip', JSON_TYPE, Buffer.from(wish), '/upload/init', /not what its Content-Encoding \(gzip\) says/],
    ['zstd', JSON_TYPE, Buffer.from(wish), '/upload/init', /^Content-Encoding: gzip, .*br, or none/],
    ['gzip', 'application/octet-stream', gzipSync(wish), `/upload/${id}/chunks/0`, /none with bytes or files/],
  ] as const) {
    const [status, problem] = await send([coding, type, body, path]);
    assert.equal(status, 400);
    assert.match(problem.detail ?? '', why);
  }
  assert.equal(((await server.call('GET', `/upload/${id}`)).body as { bytes_received: number }).bytes_received, 0);
});

test('OPTIONS is answered whoever asks, and HTTP/1.0 needs no Host', async () => {
  for (const path of ['/', '/jobs', '/jobs/1']) assert.equal((await server.call('OPTIONS', path)).status, 204, path);
  const ask = async (lines: string): Promise<number> => {
    const socket = connect(Number(new URL(server.base).port), '127.0.0.1');
    socket.write(`GET /health HTTP/1.0\r\n${lines}\r\n`);
    return Number((await text(socket)).split(' ')[1]);
  };
  assert.equal(await ask(''), 200);
  assert.equal(await ask('Host: rebound.example.org\r\n'), 403);
  assert.equal(await ask('Host: \r\n'), 403);
});

test('addresses lead where a trusted proxy says it was asked, over http or https', async () => {
  const locationOf = async (base: string, forwarded: Record<string, string>) => {
    const headers = { 'tus-resumable': '1.0.0', 'upload-length': '5', ...forwarded };
    const response = await fetch(`${base}/upload/tus/`, { method: 'POST', headers });
    const location = response.headers.get('location');
    return location === null ? response.status : new URL(location).origin;
  };
  const claimed = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'media.example.com:8443' };
  assert.equal(await locationOf(server.base, claimed), 'https://media.example.com:8443');
  // What the client itself had claimed stands in front.
  const both = { 'x-forwarded-proto': 'ftp,https', 'x-forwarded-host': 'evil.example, media.example.com' };
  assert.equal(await locationOf(server.base, both), 'https://media.example.com');
  assert.equal(await locationOf(server.base, { ...claimed, 'x-forwarded-proto': 'javascript' }), 400);
  await using open = await openServer();
  assert.equal(await locationOf(open.base, claimed), open.base);
});
