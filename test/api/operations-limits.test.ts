// Limits of the operations API: bytes by kind of media, to the byte; calls, to the call, shared by processes, by client address.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { takeCall } from '#database/rate-limits.ts';
import { eventually } from '../kit/eventually.ts';
import { freshDatabase } from '../kit/postgres.ts';
import { startRendition } from '../kit/rendition-server.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';
import { Client, formOf, makePicture, resizeForm, UNLIMITED } from './operations-client.ts';

const blob = (bytes: Buffer) => new Blob([new Uint8Array(bytes)]);

/** Calls until one is refused; how many were let through, and the refusal. */
async function exhaust(call: (n: number) => Promise<{ status: number; headers: Headers }>, most: number) {
  for (let made = 0; made <= most; made++) {
    const answer = await call(made);
    if (answer.status === 429) return { made, retryAfter: Number(answer.headers.get('retry-after')) };
    assert.ok(answer.status < 400 || answer.status === 404, `call ${made}: ${answer.status}`);
  }
  return { made: most + 1, retryAfter: 0 };
}

test('a file may have as many bytes as its kind, and not one more, whatever order the form is in', async () => {
  await using server = await openServer({ settings: UNLIMITED });
  const film = Buffer.from(await makeFilm(server.folder, 1), 'base64');
  const picture = await makePicture();
  const kinds = [
    ['MAX_IMAGE_BYTES', 'image_convert', '{"output_format":"png"}', picture],
    ['MAX_VIDEO_BYTES', 'video_convert', '{"output_format":"mp4"}', film],
    // Of a film that sound is taken from, the film's limit counts.
    ['MAX_VIDEO_BYTES', 'audio_extract', '{"output_format":"mp3"}', film],
  ] as const;
  for (const [setting, operation, parameters, bytes] of kinds) {
    for (const [room, status] of [
      [0, 201],
      [-1, 413],
    ] as const) {
      const limit = { [setting]: String(bytes.length + room) };
      await using limited = await openServer({ settings: { ...UNLIMITED, ...limit } });
      const me = new Client(limited.base);
      const fields = [
        ['operation', operation],
        ['parameters', parameters],
      ] as const;
      const file = ['file', blob(bytes), 'a'] as const;
      for (const form of [formOf(...fields, file), formOf(file, ...fields)]) {
        const answer = await me.call('POST', 'operations/', { body: form });
        assert.equal(answer.status, status, `${operation} ${room}: ${JSON.stringify(answer.body)}`);
        if (status !== 413) continue;
        assert.equal(answer.body.error.code, 'too_large');
        assert.match(answer.body.error.message, new RegExp(setting));
      }
    }
  }
});

test('what is too large is refused while it is sent', async () => {
  await using server = await openServer({ settings: { ...UNLIMITED, MAX_IMAGE_BYTES: '100000' } });
  const picture = await makePicture(8, 8);
  let sent = 0;
  const boundary = 'x-boundary-x';
  async function* body() {
    const field = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    yield Buffer.from(
      `${field('operation', 'image_resize')}${field('parameters', '{"width":5}')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`,
    );
    yield picture;
    for (; sent < 4096; sent++) {
      yield Buffer.alloc(65_536);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  const answer = await fetch(`${server.base}/api/v1/operations/`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Readable.from(body()),
    duplex: 'half',
  } as unknown as RequestInit).catch((error: unknown) => error);
  // The answer, or a connection that was cut because nobody reads on: in any case long before the end of 256 MB.
  if (answer instanceof Response) assert.equal(answer.status, 413);
  assert.ok(sent < 2048, `${sent} pieces of 64 KiB were read`);
  const kept: string[] = [];
  await eventually(async () => {
    kept.length = 0;
    for await (const { key } of server.platform.storage.list('')) kept.push(key);
    assert.deepEqual(kept, []);
  });
});

let server: TestServer;
before(async () => {
  server = await openServer();
});
after(() => server[Symbol.asyncDispose]());

test('each limit trips exactly where it stands, and counts no other calls', async () => {
  const me = new Client(server.base);
  const picture = await makePicture(8, 8);
  const uploads = await exhaust(
    () => me.fetch('POST', 'operations/', { body: resizeForm(picture, 'a.png', { width: 4 }) }),
    20,
  );
  assert.equal(uploads.made, 10, 'uploads');
  assert.ok(uploads.retryAfter > 3500 && uploads.retryAfter <= 3600, String(uploads.retryAfter));
  // A wrong one counts as well; but none of these has counted for the others.
  const id = '00000000-0000-7000-8000-000000000000';
  const status = await exhaust(() => me.fetch('GET', `operations/${id}/status/`), 200);
  assert.equal(status.made, 120, 'status checks');
  assert.ok(status.retryAfter > 0 && status.retryAfter <= 60, String(status.retryAfter));
  const paths = ['operations/', 'queues/', 'session/', 'operation-definitions/', `operations/${id}/download/`];
  const burst = await exhaust((n) => me.fetch('GET', paths[n % paths.length] ?? ''), 100);
  assert.equal(burst.made, 60, 'burst');
  assert.ok(burst.retryAfter > 0 && burst.retryAfter <= 60, String(burst.retryAfter));
  const refused = await me.call('POST', `operations/${id}/cancel/`);
  assert.deepEqual([refused.status, refused.body.error.code], [429, 'rate_limited']);
  assert.ok((refused.body.error.details.retry_after ?? 0) > 0);
  for (let i = 0; i < 70; i++) assert.equal((await me.fetch('GET', 'health/')).status, 200, 'health is free');
});

test('the sustained limit: the thousandth call of a day is the last', async () => {
  await using sustained = await openServer({ settings: { RATE_LIMIT_BURST: 'off' } });
  const me = new Client(sustained.base);
  const { made, retryAfter } = await exhaust(() => me.fetch('GET', 'operation-definitions/audio_convert'), 1100);
  assert.equal(made, 1000);
  assert.ok(retryAfter > 86_000 && retryAfter <= 86_400, String(retryAfter));
});

test('a limit is one for all processes', async () => {
  const { url, drop } = await freshDatabase();
  try {
    const settings = { DATABASE_URL: url, ROLES: 'api', RATE_LIMIT_BURST: '25/hour' };
    await using one = await startRendition({ settings });
    await using two = await startRendition({ settings });
    const clients = [new Client(one.url), new Client(two.url)];
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => (await clients[n % 2]?.fetch('GET', 'queues/'))?.status),
    );
    assert.equal(statuses.filter((status) => status === 200).length, 25);
    assert.equal(statuses.filter((status) => status === 429).length, 35);
  } finally {
    await drop();
  }
});

test('the window slides: when the oldest call leaves it there is room for one, not for all', async () => {
  const { database, drop } = await freshDatabase();
  try {
    const call = { name: 'test', client: 'c', calls: 2, seconds: 3600 };
    const older = (seconds: number) =>
      database.pool.query(
        'update rate_limit set calls = (select array_agg(c - make_interval(secs => $1) order by c) from unnest(calls) c)',
        [seconds],
      );
    assert.equal(await takeCall(database.db, call), null);
    await older(1800);
    assert.equal(await takeCall(database.db, call), null);
    const wait = (await takeCall(database.db, call)) ?? -1;
    assert.ok(wait > 1700 && wait <= 1800, String(wait));
    // The first one leaves the window, the second stays in it for as long again.
    await older(1800);
    assert.equal(await takeCall(database.db, call), null);
    const rest = (await takeCall(database.db, call)) ?? -1;
    assert.ok(rest > 1700 && rest <= 1800, String(rest));
    assert.equal(await takeCall(database.db, { ...call, client: 'd' }), null, 'another client has its own');
  } finally {
    await drop();
  }
});

test('X-Forwarded-For is believed of trusted proxies alone', async () => {
  const asked = { RATE_LIMIT_BURST: '3/hour' };
  const from = (base: string, address: string) =>
    new Client(base, { 'x-forwarded-for': address }).fetch('GET', 'queues/');
  await using open = await openServer({ settings: asked });
  for (let i = 0; i < 3; i++) assert.equal((await from(open.base, `198.51.100.${i}`)).status, 200);
  assert.equal((await from(open.base, '198.51.100.9')).status, 429, 'all came from one address');
  await using behind = await openServer({ settings: { ...asked, TRUSTED_PROXIES: '127.0.0.0/8' } });
  for (const address of ['198.51.100.1', '203.0.113.7', '2001:db8:1:2::1']) {
    for (let i = 0; i < 3; i++) assert.equal((await from(behind.base, address)).status, 200, address);
    assert.equal((await from(behind.base, address)).status, 429, address);
  }
  assert.equal((await from(behind.base, '2001:db8:1:2:ffff::9')).status, 429, 'the same network');
  // A client in front of the proxy can write what it likes: the last address is the one the proxy saw.
  assert.equal((await from(behind.base, '192.0.2.1, 203.0.113.7')).status, 429);
});
