// The FTP store against vsftpd, plain and with TLS: conformance, errors, resumed reads, and servers that lead elsewhere.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { createEgress, type Egress } from '#storage/egress.ts';
import { openFtp } from '#storage/ftp.ts';
import type { FtpOptions } from '#storage/ftp-connection.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { freePort } from '../kit/server-process.ts';
import { startVsftpd, type Vsftpd, vsftpdMissing } from '../kit/vsftpd.ts';
import { bytesOf, pattern, storeConformance } from './conformance.ts';

const MB = 1e6;
const skip = vsftpdMissing();
if (skip) console.log(`ftp.test.ts is skipped: ${skip}`);

let plain: Vsftpd;
let secure: Vsftpd;
/** With one data port, so that a proxy can stand before it. */
let narrow: Vsftpd;
let egress: Egress;
let trusting: Egress;
before(async () => {
  egress = createEgress({ allow: ['127.0.0.1/32'] });
  if (skip) return;
  [plain, secure, narrow] = await Promise.all([
    startVsftpd(),
    startVsftpd({ secure: true }),
    startVsftpd({ oneDataPort: true }),
  ]);
  trusting = createEgress({ allow: ['127.0.0.1/32'], ca: secure.certificate?.cert ?? '' });
});
after(async () => {
  await plain?.stop();
  await secure?.stop();
  await narrow?.stop();
});

const open = (server: Vsftpd, options: Partial<FtpOptions> = {}) =>
  openFtp({
    host: '127.0.0.1',
    port: server.port,
    user: server.user,
    password: server.password,
    secure: server === secure,
    prefix: '',
    guard: (server === secure ? trusting : egress).as('destination'),
    ...options,
  });

for (const kind of ['ftp', 'ftps'] as const) {
  const server = () => (kind === 'ftp' ? plain : secure);
  storeConformance(
    kind,
    async () => ({ store: open(server(), { prefix: `${server().home}files/` }), folder: 'a folder/of its own' }),
    {
      skip,
      missing: 'destination_not_found',
      large: { size: 120 * MB, alive: 48 * MB },
      keepsType: false,
    },
  );
}

describe('ftp', { skip }, () => {
  it('leaves no temporary name behind and makes folders on the way', async () => {
    const store = open(plain, { prefix: 'files/relative/' });
    await store.write('deep/er/movie.mp4', pattern(1000));
    assert.deepEqual(await readdir(path.join(plain.root, 'files/relative/deep/er')), ['movie.mp4']);
    assert.deepEqual(await readFile(path.join(plain.root, 'files/relative/deep/er/movie.mp4')), pattern(1000));
    await store.close();
  });

  it('goes on with a read that breaks, from its offset, to identical bytes', async () => {
    const bytes = randomBytes(6_000_000);
    await writeFile(path.join(narrow.root, 'files', 'resumed.bin'), bytes);
    const data = await startFaultProxy({
      target: narrow.dataPort,
      fault: (n) => [{ cutAfter: 1_000_000 }, { endAfter: 1_500_000 }, { stallAfter: 500_000 }][n] ?? {},
    });
    const control = await startFaultProxy({
      target: narrow.port,
      fault: () => ({}),
      rewrite: (text) => text.replace(`|||${narrow.dataPort}|`, `|||${data.port}|`),
    });
    const store = open(narrow, { port: control.port, prefix: 'files/', timeout: 3000 });
    try {
      const read = await bytesOf(await store.read('resumed.bin', { start: 5 }));
      assert.equal(sha(read), sha(bytes.subarray(5)));
      assert.ok(data.connections() >= 4, `${data.connections()} data connections`);
    } finally {
      await store.close();
      await control.stop();
      await data.stop();
    }
  });

  it('fails a write whose data connection breaks, and leaves nothing', async () => {
    const data = await startFaultProxy({ target: narrow.dataPort, fault: () => ({ cutUploadAfter: 300_000 }) });
    const control = await startFaultProxy({
      target: narrow.port,
      fault: () => ({}),
      rewrite: (text) => text.replace(`|||${narrow.dataPort}|`, `|||${data.port}|`),
    });
    const store = open(narrow, { port: control.port, prefix: 'files/cut/' });
    try {
      await assert.rejects(
        store.write('x.bin', Readable.from([pattern(200_000), pattern(200_000), pattern(200_000)])),
        { code: 'destination_unreachable' },
      );
      assert.deepEqual(await readdir(path.join(narrow.root, 'files/cut')), []);
    } finally {
      await store.close();
      await control.stop();
      await data.stop();
    }
  });

  it('says who is at fault', async () => {
    for (const role of ['source', 'destination'] as const) {
      const guard = egress.as(role);
      const read = async (options: Partial<FtpOptions>, key = 'files/x') =>
        bytesOf(await open(plain, { guard, ...options }).read(key));
      await assert.rejects(read({ password: plain.wrongPassword }), { code: `${role}_denied` });
      await assert.rejects(read({ user: 'somebody' }), { code: `${role}_denied` });
      await assert.rejects(read({ port: await freePort() }), { code: `${role}_unreachable`, retryable: true });
      await assert.rejects(read({ host: 'localhost.' }), (error: { code: string }) =>
        [`${role}_not_found`, `${role}_unreachable`].includes(error.code),
      );
      await assert.rejects(read({ host: '10.0.0.1' }), { code: `${role}_refused_address` });
      await assert.rejects(read({ host: '2130706434' }), { code: `${role}_refused_address` });
      await assert.rejects(read({}, 'files/missing'), { code: `${role}_not_found` });
      // vsftpd without TLS asked for TLS, and the other way round
      await assert.rejects(read({ secure: true }), (error: { code: string }) => error.code.startsWith(role));
    }
    await mkdir(path.join(plain.root, 'locked'), { recursive: true });
    await chmod(path.join(plain.root, 'locked'), 0o555);
    const locked = open(plain, { prefix: 'locked/' });
    await assert.rejects(locked.write('x', Buffer.from('x')), (error: { code: string }) =>
      /^destination_(denied|not_found)$/.test(error.code),
    );
    await locked.close();
  });

  it('holds the certificate against the name', async () => {
    const untrusted = open(secure, { guard: egress.as('source') });
    await assert.rejects(untrusted.stat('files/x'), { code: 'source_tls', retryable: false });
    const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
    const named = createEgress({ allow: ['127.0.0.1/32'], lookup, ca: secure.certificate?.cert ?? '' }).as('source');
    await assert.rejects(open(secure, { host: 'other.example', guard: named }).stat('files/x'), { code: 'source_tls' });
    await assert.rejects(open(secure, { host: 'localhost', guard: named }).stat('files/x'), {
      code: 'source_not_found',
    });
  });

  it('refuses control characters', () => {
    for (const wrong of [{ user: 'a\r\nDELE x' }, { password: 'x\n' }, { prefix: 'a\r/' }]) {
      assert.throws(() => open(plain, wrong), { code: 'invalid_request' });
    }
  });

  it('dials its own server for data, whatever PASV answers', async () => {
    const canary = await countingServer();
    const bouncing = await scriptedServer(
      `227 Entering Passive Mode (10,9,8,7,${canary.port >> 8},${canary.port & 255})`,
    );
    const store = open(plain, { port: bouncing.port, timeout: 10_000, guard: egress.as('source') });
    const read = bytesOf(await store.read('files/x'));
    assert.equal(String(await read), 'data', 'the port of the answer, at the address of the control connection');
    assert.equal(canary.connections(), 1);
    await store.close();
    await bouncing.stop();
    await canary.stop();
  });
});

async function countingServer() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.end('data');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    connections: () => connections,
    stop: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** An FTP server that knows no EPSV and answers PASV as it is told. */
async function scriptedServer(passive: string) {
  const answers: Readonly<Record<string, string>> = {
    USER: '331 password',
    PASS: '230 in',
    EPSV: '500 what?',
    PASV: passive,
    SIZE: '213 4',
    RETR: '150 coming',
    TYPE: '200 ok',
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('220 hello\r\n');
    socket.on('data', (bytes) => {
      for (const line of String(bytes).split('\r\n').filter(Boolean)) {
        const verb = line.split(' ')[0] ?? '';
        socket.write(`${answers[verb] ?? '502 no'}\r\n`);
        if (verb === 'RETR') setTimeout(() => socket.write('226 done\r\n'), 50);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
