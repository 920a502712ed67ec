// The S3 store against OpenStack Swift: conformance, errors, resumed reads, multipart uploads and their clearing up.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAclCommand,
  HeadObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createEgress, type Egress } from '#storage/egress.ts';
import { openManagedStorage } from '#storage/managed.ts';
import { openS3 } from '#storage/s3.ts';
import type { S3Options } from '#storage/s3-client.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { freePort } from '../kit/server-process.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { bytesOf, pattern, storeConformance } from './conformance.ts';

const MB = 1e6;
const skip = swiftMissing();
if (skip) console.log(`s3.test.ts is skipped: ${skip}`);

let swift: Swift;
let admin: S3Client;
let egress: Egress;
before(async () => {
  egress = createEgress({ allow: ['127.0.0.0/8'] });
  if (skip) return;
  swift = await startSwift();
  admin = new S3Client({
    endpoint: swift.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: swift.accessKeyId, secretAccessKey: swift.accessKeySecret },
  });
  await admin.send(new CreateBucketCommand({ Bucket: 'media' }));
});
after(async () => {
  admin?.destroy();
  await egress.close();
  await swift?.stop();
});

const open = (options: Partial<S3Options> = {}) =>
  openS3({
    bucket: 'media',
    prefix: '',
    region: null,
    endpoint: swift.endpoint,
    forcePathStyle: null,
    credentials: { accessKeyId: swift.accessKeyId, accessKeySecret: swift.accessKeySecret, sessionToken: null },
    role: 'managed',
    acl: null,
    guard: null,
    ...options,
  });

storeConformance('s3', async () => ({ store: open({ prefix: 'suite/ü/' }), folder: 'conformance' }), {
  skip,
  missing: 'not_found',
  large: { size: 100 * MB, alive: 64 * MB },
  keepsType: true,
});

describe('s3', { skip }, () => {
  it('writes what others can read, with its headers', async () => {
    const store = open({ acl: 'public-read' });
    await store.write('headers.m3u8', Buffer.from('#EXTM3U'), {
      contentType: 'application/vnd.apple.mpegurl',
      cacheControl: 'no-cache',
    });
    const head = await admin.send(new HeadObjectCommand({ Bucket: 'media', Key: 'headers.m3u8' }));
    assert.equal(head.ContentType, 'application/vnd.apple.mpegurl');
    assert.equal(head.CacheControl, 'no-cache');
    const { Grants: grants = [] } = await admin.send(new GetObjectAclCommand({ Bucket: 'media', Key: 'headers.m3u8' }));
    assert.ok(grants.some(({ Grantee, Permission }) => Grantee?.URI?.endsWith('/AllUsers') && Permission === 'READ'));
    await store.close();
  });

  it('lists more than one page', async () => {
    const store = open({ prefix: 'pages/' });
    const names = Array.from({ length: 45 }, (_, i) => `segment_${String(i).padStart(5, '0')}.ts`);
    for (let from = 0; from < names.length; from += 15) {
      await Promise.all(names.slice(from, from + 15).map((name) => store.write(name, Buffer.from('x'))));
    }
    const keys: string[] = [];
    for await (const { key } of store.list('segment_')) keys.push(key);
    assert.deepEqual(keys, names);
    await store.removeAll('segment_0');
    for await (const { key } of store.list('')) assert.fail(`${key} is left`);
    await store.close();
  });

  it('goes on with a read that breaks, by range, to identical bytes', async () => {
    const bytes = randomBytes(12_000_000);
    await open().write('resumed.bin', bytes);
    const proxy = await startFaultProxy({
      target: swift.port,
      fault: (n) =>
        [{ cutAfter: 3_000_000 }, { endAfter: 2_500_000 }, { cutAfter: 10 }, { stallAfter: 4_000_000 }][n] ?? {},
    });
    const store = open({ endpoint: `http://127.0.0.1:${proxy.port}`, stallTimeout: 700 });
    try {
      assert.equal(sha(await bytesOf(await store.read('resumed.bin'))), sha(bytes));
      assert.ok(proxy.connections() >= 5);
    } finally {
      await store.close();
      await proxy.stop();
    }
  });

  it('gives up a read that breaks again and again, and one whose object changed', async () => {
    await open().write('broken.bin', pattern(3_000_000));
    const cut = await startFaultProxy({ target: swift.port, fault: () => ({ cutAfter: 100_000 }) });
    const store = open({ endpoint: `http://127.0.0.1:${cut.port}`, role: 'source' });
    await assert.rejects(async () => bytesOf(await store.read('broken.bin')), {
      code: 'source_unreachable',
      retryable: true,
    });
    assert.ok(cut.connections() <= 20, `${cut.connections()} connections`);
    await store.close();
    await cut.stop();

    const once = await startFaultProxy({ target: swift.port, fault: (n) => (n === 0 ? { cutAfter: 1_500_000 } : {}) });
    const changed = open({ endpoint: `http://127.0.0.1:${once.port}`, role: 'source' });
    const stream = await changed.read('broken.bin');
    await open().write('broken.bin', pattern(2_999_999));
    await assert.rejects(async () => bytesOf(stream), { code: 'source_truncated', retryable: false });
    await changed.close();
    await once.stop();
  });

  it('aborts the multipart upload of a write that failed', async () => {
    const store = open({ prefix: 'multi/' });
    const reason = new Error('the encoder died');
    const body = Readable.from(
      (async function* () {
        for (let i = 0; i < 40; i++) yield Buffer.alloc(1_000_000);
        throw reason;
      })(),
      { objectMode: false },
    );
    await assert.rejects(store.write('half.bin', body), (error) => error === reason);
    for await (const { key } of store.listStaleMultiparts(new Date(Date.now() + 60_000))) assert.fail(`${key} is left`);
    await store.close();
  });

  it('ends a large write at once when the server breaks, without reading the whole body', async () => {
    const proxy = await startFaultProxy({ target: swift.port, fault: () => ({ cutUploadAfter: 2_000_000 }) });
    const store = open({ endpoint: `http://127.0.0.1:${proxy.port}`, role: 'destination' });
    let asked = 0;
    const body = Readable.from(
      (function* () {
        for (; asked < 500; asked++) yield Buffer.alloc(1_000_000);
      })(),
      { objectMode: false },
    );
    await assert.rejects(store.write('never.bin', body), { code: 'destination_unreachable' });
    assert.ok(asked < 150, `${asked} MB were read`);
    assert.ok(body.destroyed);
    await store.close();
    await proxy.stop();
  });

  it('knows when its bucket is not there or not open to it', async () => {
    const signal = AbortSignal.timeout(240_000);
    await open({ prefix: 'any/' }).check(signal);
    await assert.rejects(open({ bucket: 'nowhere' }).check(signal), { code: 'storage_failed' });
  });

  it('finds and aborts stale multipart uploads, its own prefix alone', async () => {
    const store = open({ prefix: 'stale/' });
    for (const Key of ['stale/a.bin', 'stale/b.bin', 'other/c.bin'])
      await admin.send(new CreateMultipartUploadCommand({ Bucket: 'media', Key }));
    const list = async (olderThan: Date) => {
      const keys: string[] = [];
      for await (const { key } of store.listStaleMultiparts(olderThan)) keys.push(key);
      return keys.sort();
    };
    const later = new Date(Date.now() + 60_000);
    assert.deepEqual(await list(new Date(Date.now() - 60_000)), []);
    assert.deepEqual(await list(later), ['stale/a.bin', 'stale/b.bin']);
    assert.equal(await store.sweep(new Date(Date.now() - 60_000)), 0);
    assert.equal(await store.abortStaleMultiparts(later), 2);
    assert.deepEqual(await list(later), []);
    assert.equal(await open({ prefix: 'other/' }).sweep(later), 1);
    await store.close();
  });

  it('says who is at fault', async () => {
    const wrong = { accessKeyId: swift.accessKeyId, accessKeySecret: 'wrong', sessionToken: null };
    const unknown = { accessKeyId: 'nobody:nobody', accessKeySecret: 'x', sessionToken: null };
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const cases = [
      { options: { credentials: wrong }, code: 'denied' },
      { options: { credentials: unknown }, code: 'denied' },
      { options: { bucket: 'no-such-bucket' }, code: 'not_found' },
      { options: { endpoint: nowhere }, code: 'unreachable' },
      { options: { endpoint: swift.endpoint.replace('http', 'https') }, code: 'tls' },
    ];
    for (const { options, code } of cases) {
      for (const role of ['source', 'destination'] as const) {
        const store = open({ ...options, role });
        await assert.rejects(async () => bytesOf(await store.read('x')), { code: `${role}_${code}` }, `read ${code}`);
        await assert.rejects(store.write('x', Buffer.from('x')), { code: `${role}_${code}` }, `write ${code}`);
        await assert.rejects(
          store.write('x', Readable.from([Buffer.alloc(17_000_000)])),
          { code: `${role}_${code}` },
          `multipart ${code}`,
        );
        await store.close();
      }
    }
    await assert.rejects(open({ bucket: 'no-such-bucket' }).write('x', Buffer.from('x')), { code: 'storage_failed' });
  });

  it('goes out through the address guard where a caller named the endpoint', async () => {
    const closed = createEgress({ allow: [] });
    assert.throws(() => open({ role: 'source', guard: closed.as('source') }), { code: 'source_refused_address' });
    const named = open({
      role: 'source',
      endpoint: `http://rebound.example:${swift.port}`,
      guard: createEgress({ allow: [], lookup: async () => [{ address: '127.0.0.1', family: 4 }] }).as('source'),
    });
    await assert.rejects(async () => bytesOf(await named.read('x')), { code: 'source_refused_address' });
    const allowed = open({ prefix: 'guarded/', role: 'destination', guard: egress.as('destination') });
    assert.equal(await allowed.write('x', Buffer.from('through')), 7);
    assert.equal(String(await bytesOf(await allowed.read('x'))), 'through');
    await closed.close();
  });

  it('refuses what would bend the address', () => {
    for (const options of [
      { bucket: '' },
      { bucket: 'a/b' },
      { bucket: '../x' },
      { bucket: 'a b' },
      { region: 'x.evil.example/' },
      { region: '' },
    ]) {
      assert.throws(() => open(options), { code: 'invalid_request' }, JSON.stringify(options));
    }
  });

  it('is the managed storage of s3://bucket/prefix', async () => {
    const s3 = {
      endpoint: swift.endpoint,
      region: null,
      credentials: { accessKeyId: swift.accessKeyId, accessKeySecret: swift.accessKeySecret, sessionToken: null },
    };
    const store = await openManagedStorage('s3://media/managed/here', { dataDir: '/nonexistent', s3 });
    await store.write('jobs/1/a.ts', Buffer.from('a'));
    assert.equal((await open().stat('managed/here/jobs/1/a.ts')).size, 1);
    assert.equal(await store.sweep(new Date()), 0);
    await store.close();
    await assert.rejects(openManagedStorage('gs://bucket', { dataDir: '/nonexistent', s3 }), {
      code: 'invalid_setting',
    });
  });
});

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
