// Cameras and servers that speak TLS: certificates are checked, wrong ones and wrong passwords named at once; nobody is led past the guard.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Certificate, makeCertificate } from '../kit/certificate.ts';
import { eventually } from '../kit/eventually.ts';
import { missingRtmp, startRtmp } from '../kit/nginx-rtmp.ts';
import { startCamera } from '../kit/rtsp-server.ts';
import { startTlsFront } from '../kit/tls-front.ts';
import { isRunning, type LiveServer, look, openLive } from './open-live.ts';

let folder: string;
let trusted: Certificate;
let server: LiveServer;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-tls-'));
  trusted = await makeCertificate(folder);
  server = await openLive({ settings: { EGRESS_CA_FILE: trusted.certPath } });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The first segment is made a moment after the first picture. */
const plays = (slug: string): Promise<void> =>
  eventually(async () => {
    const seen = await look(`${server.base}/live/${slug}/master.m3u8`, ['-no-rw']);
    assert.deepEqual([seen.width, seen.audio, seen.frames > 10], [320, true, true]);
  });

/** A certificate that nobody we trust has signed. */
async function stranger(): Promise<Certificate> {
  const other = await mkdtemp(path.join(folder, 'other-'));
  return makeCertificate(other);
}

describe('none waits for another:', { concurrency: true }, () => {
  test('a camera over RTSPS with Digest: picture and sound; a wrong password is a lasting error, at once', async () => {
    await using camera = await startCamera('viewer:Open-Sesame-77', { isDigest: true, certificate: trusted });
    const at = (password: string) => `rtsps://viewer:${password}@127.0.0.1:${camera.port}/stream1`;
    const { job, slug } = await server.create({ name: 'Safe', input_type: 'rtsp', input_url: at('Open-Sesame-77') });
    await server.order(job, 'start');
    await server.reach(job, (answer) => isRunning(answer) && (answer.fps ?? 0) > 0);
    await plays(slug);
    assert.doesNotMatch(await server.log(job), /Open-Sesame-77/);
    await server.order(job, 'stop');

    const { job: other } = await server.create({ name: 'Wrong', input_type: 'rtsp', input_url: at('no-such-word') });
    await server.order(other, 'start');
    const refused = await server.reach(other, ({ status }) => status === 'error');
    assert.deepEqual([refused.error_code, refused.retries], ['source_denied', 0], refused.error_message ?? '');
    assert.doesNotMatch(refused.error_message ?? '', /no-such-word/);
  });

  test('a certificate that nobody trusts, or of another name, ends a pull at once and is named', async () => {
    await using camera = await startCamera('a:b', { certificate: await stranger() });
    const input_url = `rtsps://a:b@127.0.0.1:${camera.port}/stream1`;
    const { job } = await server.create({ name: 'Stranger', input_type: 'rtsp', input_url });
    await server.order(job, 'start');
    const refused = await server.reach(job, ({ status }) => status === 'error');
    assert.deepEqual([refused.error_code, refused.retries], ['source_tls', 0]);
    assert.match(refused.error_message ?? '', /certificate/);
    assert.deepEqual(camera.asked, []);
  });

  test('HLS over https: the certificate is checked, for playlists and segments alike', async () => {
    const origin = await server.create({ name: 'origin', hls_window_seconds: 12 });
    await server.order(origin.job, 'start');
    await plays(origin.slug);
    const port = Number(new URL(server.base).port);
    await using front = await startTlsFront(port, trusted);
    const at = (one: number) => `https://localhost:${one}/live/${origin.slug}/master.m3u8`;
    const { job, slug } = await server.create({ name: 'Https', input_type: 'hls', input_url: at(front.port) });
    await server.order(job, 'start');
    await server.reach(job, isRunning);
    await plays(slug);
    assert.ok(front.names.length > 1 && front.names.every((name) => name === 'localhost'), front.names.join(' '));
    await server.order(job, 'stop');

    await using bad = await startTlsFront(port, await stranger());
    const { job: refused } = await server.create({ name: 'Bad https', input_type: 'hls', input_url: at(bad.port) });
    await server.order(refused, 'start');
    const told = await server.reach(refused, ({ status }) => status === 'error');
    assert.deepEqual([told.error_code, told.retries], ['source_tls', 0], told.error_message ?? '');
    assert.match(told.error_message ?? '', /certificate/);
    assert.deepEqual(bad.names, []);
    await server.order(origin.job, 'stop');
  });

  test('a camera that sends its clients elsewhere is not followed', async () => {
    let visits = 0;
    const secret = createServer((socket) => {
      visits += 1;
      socket.destroy();
    });
    secret.listen(0, '127.0.0.1');
    await once(secret, 'listening');
    const address = secret.address();
    const redirect = `rtsp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/admin`;
    try {
      await using camera = await startCamera('a:b', { redirect });
      const input_url = `rtsp://a:b@127.0.0.1:${camera.port}/stream1`;
      const { job } = await server.create({ name: 'Led away', input_type: 'rtsp', input_url });
      await server.order(job, 'start');
      await server.reach(job, ({ error_code }) => error_code !== null);
      assert.ok(camera.asked.includes('DESCRIBE') || camera.asked.includes('OPTIONS'));
      assert.equal(visits, 0);
      await server.order(job, 'stop');
    } finally {
      secret.close();
    }
  });

  test('RTMPS: pushed and pulled through TLS with the name checked; a certificate of a stranger is a lasting error', {
    skip: missingRtmp(),
  }, async () => {
    await using rtmp = await startRtmp();
    await using front = await startTlsFront(rtmp.port, trusted);
    const url = (key: string) => `rtmps://127.0.0.1:${front.port}/live/${key}`;
    const { job } = await server.create({ name: 'Push', output_type: 'rtmp', output_url: url('secret-key') });
    await server.order(job, 'start');
    await server.reach(job, isRunning);
    const played = await look(rtmp.url('secret-key'));
    assert.ok(played.width === 320 && played.frames > 10 && played.audio, JSON.stringify(played));
    assert.doesNotMatch(await server.log(job), /secret-key/);

    const input_url = url('secret-key').replace('127.0.0.1', 'localhost');
    const { job: pull, slug } = await server.create({ name: 'Pull', input_type: 'rtmp', input_url });
    await server.order(pull, 'start');
    await server.reach(pull, isRunning);
    await plays(slug);
    await server.order(pull, 'stop');
    await server.order(job, 'stop');
    // By an address nothing is asked for by name.
    assert.deepEqual([...new Set(front.names)].sort(), [false, 'localhost']);

    await using bad = await startTlsFront(rtmp.port, await stranger());
    const output_url = `rtmps://127.0.0.1:${bad.port}/live/x`;
    const { job: refused } = await server.create({ name: 'Bad', output_type: 'rtmp', output_url });
    await server.order(refused, 'start');
    const told = await server.reach(refused, ({ status }) => status === 'error');
    assert.equal(told.error_code, 'destination_tls', told.error_message ?? '');
    assert.match(told.error_message ?? '', /certificate/);
    assert.equal(bad.names.length, 0);
  });
});
