// The HTTP store: conformance, redirects, statuses, broken transfers and what servers get wrong.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { createEgress, type Egress, type EgressRole } from '#storage/egress.ts';
import { openHttp } from '#storage/http.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { type FileServer, servedFile, startFileServer } from '../kit/http-server.ts';
import { freePort } from '../kit/server-process.ts';
import { bytesOf, pattern, storeConformance } from './conformance.ts';

const MB = 1e6;
let egress: Egress;
let server: FileServer;
/** What the server does with paths of its own; all others it serves. */
const odd = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
before(async () => {
  egress = createEgress({ allow: ['127.0.0.1/32'] });
  server = await startFileServer({
    behave: (request, response) => {
      const handler = odd.get(new URL(request.url ?? '/', 'http://x').pathname);
      handler?.(request, response);
      return handler !== undefined;
    },
  });
});
after(async () => {
  await egress.close();
  await server.stop();
});

type Opening = {
  readonly role?: EgressRole;
  readonly headers?: Record<string, string>;
  readonly method?: 'PUT' | 'POST';
  readonly stall?: number;
};
const open = (url: string, { role = 'source', headers = {}, method = 'PUT', stall = 5000 }: Opening = {}) =>
  openHttp({ url, headers, method, guard: egress.as(role), timeouts: { headers: stall, stall } });
const read = async (url: string, opening?: Opening) => {
  const { store, key } = open(url, opening);
  return bytesOf(await store.read(key));
};

storeConformance(
  'http',
  async () => {
    const { store, key } = open(`${server.origin}/upload/folder%20one/`, { role: 'destination' });
    return { store, folder: key };
  },
  { missing: 'destination_not_found', large: { size: 40 * MB, alive: 140 * MB }, keepsType: true },
);

describe('http: names', () => {
  it('asks for the URL exactly as it is, whatever its path holds, and keeps the query below it', async () => {
    const base = `${server.origin}/a%2Fb/%E0%A4%A/x%20y..z/fi%5Cle.mp4?sig=a%2Bb&x=1`;
    const { store, key, name } = open(`${base}#fragment`, { role: 'destination' });
    assert.equal(name, 'fi_le.mp4');
    odd.set('/a%2Fb/%E0%A4%A/x%20y..z/fi%5Cle.mp4', (_, response) =>
      response.writeHead(200, { 'content-length': 2 }).end('ok'),
    );
    assert.equal((await store.stat(key)).size, 2);
    assert.equal(server.requests.at(-1)?.url, base.slice(server.origin.length));
    odd.set('/a%2Fb/%E0%A4%A/x%20y..z/fi%5Cle.mp4/v0/s%20%C3%BC.ts', (request, response) =>
      request.resume().on('end', () => response.writeHead(200).end()),
    );
    await store.write(`${key}/v0/s ü.ts`, Buffer.from('x'));
    assert.equal(server.requests.at(-1)?.url, '/a%2Fb/%E0%A4%A/x%20y..z/fi%5Cle.mp4/v0/s%20%C3%BC.ts?sig=a%2Bb&x=1');
    await assert.rejects(store.read('elsewhere'), { code: 'invalid_request' });
    assert.equal(open(`${server.origin}/`).key, '127.0.0.1');
  });

  it('sends user and password as a header, and never shows them', async () => {
    odd.set('/login', (request, response) =>
      response.writeHead(request.headers.authorization ? 200 : 401, { 'content-length': 0 }).end(),
    );
    const url = `http://us%40er:p%3Ass@127.0.0.1:${server.port}`;
    await read(`${url}/login`);
    assert.equal(
      server.requests.at(-1)?.headers.authorization,
      `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`,
    );
    await read(`http://100%25:50%@127.0.0.1:${server.port}/login`);
    const asWritten = Buffer.from('100%:50%').toString('base64');
    assert.equal(server.requests.at(-1)?.headers.authorization, `Basic ${asWritten}`, 'a % that begins nothing');
    await assert.rejects(read(`${url}/missing?token=secret`), (error: Error) => {
      assert.match(error.message, /\/missing/);
      assert.doesNotMatch(error.message, /us|p:ss|p%3Ass|secret/);
      return true;
    });
  });

  it('refuses headers that are not for a caller to set', () => {
    for (const name of ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Range', 'a b', 'x\r\ny', '']) {
      assert.throws(() => open(server.origin, { headers: { [name]: 'x' } }), { code: 'invalid_request' }, name);
    }
    for (const value of ['a\r\nb: c', 'a\0', '\u{1f3ac}'])
      assert.throws(() => open(server.origin, { headers: { x: value } }), { code: 'invalid_request' });
  });
});

describe('http: redirects', () => {
  const to = (from: string, location: string, status = 302) =>
    odd.set(from, (_, response) => response.writeHead(status, { location }).end('moved'));

  it('follows five, with every status, relative and absolute, on stat and read', async () => {
    server.files.set('/end', servedFile(Buffer.from('arrived')));
    [301, 302, 303, 307, 308].forEach(
      (status, i) => void to(`/hop${i}`, i === 4 ? `${server.origin}/end` : `hop${i + 1}`, status),
    );
    assert.equal(String(await read(`${server.origin}/hop0`)), 'arrived');
    const { store, key } = open(`${server.origin}/hop0`);
    assert.equal((await store.stat(key)).size, 7);
    to('/hop-too-many', '/hop0');
    await assert.rejects(read(`${server.origin}/hop-too-many`), { code: 'source_redirects' });
  });

  it('notices circles at once', async () => {
    to('/circle1', '/circle2');
    to('/circle2', '/circle1');
    to('/self', '/self');
    const before = server.requests.length;
    await assert.rejects(read(`${server.origin}/circle1`), { code: 'source_redirects' });
    await assert.rejects(read(`${server.origin}/self`), { code: 'source_redirects' });
    assert.equal(server.requests.length - before, 3);
  });

  it('checks where each one leads', async () => {
    const inside = [
      'http://169.254.169.254/latest/',
      'http://[::1]:1/',
      'http://2130706434/',
      'http://10.0.0.1/',
      'http://localhost.:1/',
      '//0x7f000002/',
    ];
    for (const [i, location] of inside.entries()) {
      to(`/inside${i}`, `/inside-again${i}`);
      to(`/inside-again${i}`, location, 307);
      const where = location.includes('localhost') ? undefined : { code: 'source_refused_address' };
      if (where) await assert.rejects(read(`${server.origin}/inside${i}`), where, location);
    }
    for (const [i, location] of ['file:///etc/passwd', 'ftp://example.com/x', 'gopher://x/'].entries()) {
      to(`/scheme${i}`, location);
      await assert.rejects(read(`${server.origin}/scheme${i}`), { code: 'source_redirects' }, location);
    }
  });

  it('takes no credentials to another origin', async () => {
    const other = await startFileServer();
    try {
      other.files.set('/x', servedFile(Buffer.from('x')));
      to('/away', `${other.origin}/x`);
      const headers = { authorization: 'Bearer secret', cookie: 'a=b', 'x-api-key': 'secret', 'user-agent': 'mine' };
      await read(`${server.origin}/away`, { headers });
      assert.equal(server.requests.at(-1)?.headers['x-api-key'], 'secret');
      const seen = other.requests.at(-1)?.headers ?? {};
      assert.equal(seen.authorization ?? seen.cookie ?? seen['x-api-key'], undefined);
      assert.equal(seen['user-agent'], 'mine');
    } finally {
      await other.stop();
    }
  });

  it('does not follow when writing', async () => {
    to('/moved', '/elsewhere', 307);
    const { store, key } = open(`${server.origin}/moved`, { role: 'destination' });
    await assert.rejects(store.write(key, Buffer.from('x')), { code: 'destination_refused', retryable: false });
    assert.equal(server.files.has('/elsewhere'), false);
  });
});

describe('http: statuses', () => {
  it('maps them to whose fault it is', async () => {
    const cases = [
      [404, 'not_found', false],
      [410, 'not_found', false],
      [401, 'denied', false],
      [403, 'denied', false],
      [500, 'refused', true],
      [502, 'refused', true],
      [503, 'refused', true],
      [504, 'refused', true],
      [429, 'refused', true],
    ] as const;
    for (const [status, code, retryable] of cases) {
      odd.set('/status', (_, response) => response.writeHead(status, { 'retry-after': '7' }).end('no'));
      const expected = { retryable, retryAfter: retryable ? 7 : undefined };
      const ofSource = code === 'refused' ? 'source_unreachable' : `source_${code}`;
      await assert.rejects(read(`${server.origin}/status`), { code: ofSource, ...expected }, String(status));
      const { store, key } = open(`${server.origin}/status`, { role: 'destination' });
      await assert.rejects(
        store.write(key, Buffer.from('x')),
        { code: `destination_${code}`, ...expected },
        String(status),
      );
      await assert.rejects(store.stat(key), { code: `destination_${code}` }, `stat ${status}`);
    }
    odd.set('/status', (_, response) => response.writeHead(418).end());
    await assert.rejects(read(`${server.origin}/status`), { code: 'source_unreachable', retryable: false });
  });

  it('says unreachable, refused address and tls', async () => {
    await assert.rejects(read(`http://127.0.0.1:${await freePort()}/`), {
      code: 'source_unreachable',
      retryable: true,
    });
    assert.throws(() => open('http://127.0.0.2/'), { code: 'source_refused_address' });
    await assert.rejects(read(`https://127.0.0.1:${server.port}/`), { code: 'source_tls' });
  });

  it('trusts no certificate it cannot verify, and no other name', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'http-tls-'));
    const tls = await makeCertificate(folder);
    const secure = await startFileServer({ tls });
    const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
    const trusting = createEgress({ allow: ['127.0.0.1/32'], lookup, ca: tls.cert });
    try {
      secure.files.set('/x', servedFile(Buffer.from('over TLS')));
      await assert.rejects(read(`${secure.origin}/x`), { code: 'source_tls', retryable: false });
      const get = async (host: string) => {
        const { store, key } = openHttp({
          url: `https://${host}:${secure.port}/x`,
          headers: {},
          method: 'PUT',
          guard: trusting.as('source'),
        });
        return String(await bytesOf(await store.read(key)));
      };
      assert.equal(await get('localhost'), 'over TLS');
      await assert.rejects(get('other.example'), { code: 'source_tls' });
    } finally {
      await trusting.close();
      await secure.stop();
      await rm(folder, { recursive: true });
    }
  });
});

describe('http: stat', () => {
  it('asks for one byte where HEAD is not answered', async () => {
    const bytes = pattern(5000);
    for (const status of [405, 403, 501, 400]) {
      odd.set('/no-head', (request, response) => {
        if (request.method === 'HEAD') response.writeHead(status).end();
        else
          response.writeHead(206, { 'content-range': 'bytes 0-0/5000', 'content-length': 1 }).end(bytes.subarray(0, 1));
      });
      const { store, key } = open(`${server.origin}/no-head`);
      assert.equal((await store.stat(key)).size, 5000, String(status));
    }
    odd.set('/no-length', (_, response) => void response.writeHead(200).end());
    const { store, key } = open(`${server.origin}/no-length`);
    assert.equal((await store.stat(key)).size, null);
  });
});

describe('http: broken transfers', () => {
  const bytes = randomBytes(8_000_000);
  const sha = (data: Buffer) => createHash('sha256').update(data).digest('hex');

  it('goes on by range to identical bytes, with ETag, with a date, from a range', async () => {
    server.files.set('/big', servedFile(bytes));
    server.files.set('/dated', { ...servedFile(bytes), etag: 'W/"weak"' });
    for (const file of ['big', 'dated']) {
      const proxy = await startFaultProxy({
        target: server.port,
        fault: (n) =>
          [{ cutAfter: 1_000_000 }, { endAfter: 2_000_000 }, { stallAfter: 1_500_000 }, { cutAfter: 50 }][n] ?? {},
      });
      try {
        const { store, key } = open(`http://127.0.0.1:${proxy.port}/${file}`, { stall: 1200 });
        assert.equal(sha(await bytesOf(await store.read(key, { start: 7 }))), sha(bytes.subarray(7)));
        assert.ok(proxy.connections() >= 4, `${proxy.connections()} connections`);
      } finally {
        await proxy.stop();
      }
    }
  });

  it('says truncated where the server cannot resume', async () => {
    odd.set('/plain', (_, response) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes));
    odd.set('/changing', (request, response) => {
      const etag = `"${request.headers.range ?? 'first'}"`;
      response.writeHead(200, { 'content-length': bytes.length, etag, 'accept-ranges': 'bytes' }).end(bytes);
    });
    for (const file of ['plain', 'changing']) {
      const proxy = await startFaultProxy({ target: server.port, fault: () => ({ cutAfter: 1_000_000 }) });
      await assert.rejects(read(`http://127.0.0.1:${proxy.port}/${file}`), { code: 'source_truncated' });
      assert.equal(proxy.connections(), file === 'plain' ? 1 : 2);
      await proxy.stop();
    }
  });

  it('says truncated where less comes than was announced, chunked or not', async () => {
    odd.set('/short', (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('only this');
      setTimeout(() => response.destroy(), 20);
    });
    odd.set('/chunked', (_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.write('only this');
      setTimeout(() => response.destroy(), 20);
    });
    await assert.rejects(read(`${server.origin}/short`), { code: 'source_truncated', retryable: true });
    await assert.rejects(read(`${server.origin}/chunked`), { code: 'source_truncated', retryable: true });
  });

  it('ends what stalls: before the headers, and within the body', async () => {
    odd.set('/silent', () => undefined);
    odd.set('/stalling', (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('and then nothing');
    });
    // undici looks at its timers once a second.
    const started = performance.now();
    await assert.rejects(read(`${server.origin}/silent`, { stall: 200 }), { code: 'source_unreachable' });
    await assert.rejects(read(`${server.origin}/stalling`, { stall: 1000 }), { code: 'source_truncated' });
    assert.ok(performance.now() - started < 120_000, 'long before it would by itself');
  });

  it('waits for a slow reader without calling that a stall', async () => {
    const { store, key } = open(`${server.origin}/big`, { stall: 1000 });
    const stream = await store.read(key);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (chunks.length === 3) await new Promise((resolve) => setTimeout(resolve, 2500));
    }
    assert.equal(sha(Buffer.concat(chunks)), sha(bytes));
  });

  it('refuses bytes that are not the object: compressed ones, and ranges the server ignores', async () => {
    odd.set('/packed', (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 3 }).end('abc'),
    );
    await assert.rejects(read(`${server.origin}/packed`), { code: 'source_unreachable', retryable: false });
    const { store, key } = open(`${server.origin}/plain`);
    await assert.rejects(store.read(key, { start: 100 }), { code: 'source_unreachable', retryable: false });
    assert.deepEqual(await bytesOf(await store.read(key, { start: 0, end: 99 })), bytes.subarray(0, 100));
  });
});

describe('http: writing', () => {
  it('sends length, type and method, and streams without a length', async () => {
    const post = open(`${server.origin}/posted`, { role: 'destination', method: 'POST', headers: { 'X-Token': 't' } });
    await post.store.write(post.key, Readable.from([pattern(1000)]), { contentType: 'video/mp4', size: 1000 });
    const seen = server.requests.at(-1);
    assert.deepEqual(
      [seen?.method, seen?.headers['content-length'], seen?.headers['content-type'], seen?.headers['x-token']],
      ['POST', '1000', 'video/mp4', 't'],
    );
    await post.store.write(post.key, Readable.from([pattern(2_000_000), pattern(1_000_000)]));
    assert.equal(server.requests.at(-1)?.headers['transfer-encoding'], 'chunked');
    assert.equal(server.files.get('/posted')?.bytes.length, 3_000_000);
  });

  it('fails when the server goes away in the middle, and ends the body', async () => {
    const proxy = await startFaultProxy({ target: server.port, fault: () => ({ cutUploadAfter: 500_000 }) });
    const { store, key } = open(`http://127.0.0.1:${proxy.port}/cut`, { role: 'destination' });
    const body = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536);
      })(),
      { objectMode: false },
    );
    await assert.rejects(store.write(key, body), { code: 'destination_unreachable' });
    assert.ok(body.destroyed);
    assert.equal(server.files.has('/cut'), false);
    await proxy.stop();
  });

  it('is not for sources', async () => {
    const { store, key } = open(`${server.origin}/x`);
    await assert.rejects(store.write(key, Buffer.from('x')), { code: 'invalid_request' });
    await assert.rejects(store.remove(key), { code: 'invalid_request' });
  });
});
