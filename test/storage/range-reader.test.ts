// The loopback range reader: HTTP as FFmpeg speaks it, few downloads for many reads, and errors that are not lost.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import http, { type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { PlatformError } from '#domain/error.ts';
import { type DiskStore, openDisk } from '#storage/disk.ts';
import { parseRange, type RangeReader, startRangeReader } from '#storage/range-reader.ts';
import type { ReadOptions, Store } from '#storage/store.ts';
import { eventually } from '../kit/eventually.ts';
import { missingPrograms } from '../kit/server-process.ts';
import { pattern } from './conformance.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const SIZE = 12 * MIB + 4321;
const bytes = pattern(SIZE);
let root = '';
let disk: DiskStore;
let reader: RangeReader;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'range-reader-'));
  disk = await openDisk(root);
  await disk.write('film.bin', bytes);
  reader = await startRangeReader();
});
after(async () => {
  await reader.close();
  await rm(root, { recursive: true, force: true });
});

/** The store with its reads counted, and a way to spoil them. */
function watched(spoil: (read: number, stream: Readable) => Readable = (_, stream) => stream) {
  const reads: ReadOptions[] = [];
  const streams: Readable[] = [];
  const store: Store = {
    ...disk,
    localPath: () => null,
    read: async (key, options = {}) => {
      reads.push(options);
      const stream = spoil(reads.length, await disk.read(key, options));
      streams.push(stream);
      return stream;
    },
  };
  return { store, reads, open: () => streams.filter((stream) => !stream.destroyed).length };
}

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };
function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}

const until = (condition: () => boolean, what: string): Promise<void> => eventually(() => assert.ok(condition(), what));

describe('range reader: HTTP', () => {
  it('serves the whole, ranges, and their headers', async () => {
    const { store } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    assert.match(served.url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/source$/);
    const whole = await get(served.url);
    assert.equal(whole.status, 200);
    assert.equal(whole.headers['accept-ranges'], 'bytes');
    assert.equal(whole.headers['content-length'], String(SIZE));
    assert.ok(whole.body.equals(bytes));
    const ranges = [
      [0, 0],
      [0, SIZE - 1],
      [MIB - 1, MIB],
      [MIB, 3 * MIB - 1],
      [5_000_000, 5_000_099],
      [SIZE - 1, SIZE - 1],
      [SIZE - 10, SIZE + 1000],
    ] as const;
    for (const [start, last] of ranges) {
      const part = await get(served.url, { range: `bytes=${start}-${last}` });
      assert.equal(part.status, 206);
      assert.equal(part.headers['content-range'], `bytes ${start}-${Math.min(last, SIZE - 1)}/${SIZE}`);
      assert.ok(part.body.equals(bytes.subarray(start, last + 1)), `${start}-${last}`);
    }
    assert.ok((await get(served.url, { range: 'bytes=12000000-' })).body.equals(bytes.subarray(12_000_000)));
    assert.ok((await get(served.url, { range: 'bytes=-1000' })).body.equals(bytes.subarray(-1000)));
    const head = await get(served.url, {}, 'HEAD');
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(SIZE), 0]);
    const beyond = await get(served.url, { range: `bytes=${SIZE}-` });
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, `bytes */${SIZE}`]);
    assert.equal(served.lastError, null);
    served.close();
    assert.equal((await get(served.url)).status, 404);
  });

  it('gives nothing without the token, and takes nothing', async () => {
    const { store, reads } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    const origin = new URL(served.url).origin;
    for (const place of ['/', '/source', '//source', '/../source', `/${'A'.repeat(32)}/source`])
      assert.equal((await get(origin + place)).status, 404);
    assert.equal((await get(served.url, {}, 'PUT')).status, 405);
    assert.equal(reads.length, 0);
    served.close();
  });

  it('reads ranges as RFC 9110 has them', () => {
    const cases: readonly [string | undefined, ReturnType<typeof parseRange>][] = [
      [undefined, null],
      ['bytes=0-', { start: 0, end: 100 }],
      ['bytes=10-19', { start: 10, end: 20 }],
      ['bytes=90-500', { start: 90, end: 100 }],
      ['bytes=-10', { start: 90, end: 100 }],
      ['bytes=-500', { start: 0, end: 100 }],
      ['bytes=-0', 'beyond'],
      ['bytes=100-', 'beyond'],
      ['bytes=20-10', null],
      ['bytes=-', null],
      ['bytes=0-1,5-6', null],
      ['items=0-1', null],
      ['bytes=a-b', null],
    ];
    for (const [header, expected] of cases) assert.deepEqual(parseRange(header, 100), expected, header);
    assert.equal(parseRange('bytes=0-', 0), 'beyond');
  });
});

describe('range reader: downloads', () => {
  it('continues one download through consecutive requests, and keeps what was read', async () => {
    const { store, reads } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    for (let at = 0; at < 4 * MIB; at += 200_000) {
      const part = await get(served.url, { range: `bytes=${at}-${at + 199_999}` });
      assert.ok(part.body.equals(bytes.subarray(at, at + 200_000)));
    }
    assert.equal(reads.length, 1);
    // An index at the end, and back to the beginning: two small places again and again.
    for (let i = 0; i < 10; i++) {
      await get(served.url, { range: `bytes=${SIZE - 500_000}-${SIZE - 1}` });
      await get(served.url, { range: `bytes=${3 * MIB}-${3 * MIB + 100}` });
    }
    assert.equal(reads.length, 2, reads.map(({ start }) => start).join());
    served.close();
  });

  it('gives many readers at once the same bytes', async () => {
    const { store, reads } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    const starts = [0, 0, 2 * MIB, 5 * MIB, 5 * MIB, 9 * MIB + 77, 100];
    await Promise.all(
      starts.map(async (start) =>
        assert.ok((await get(served.url, { range: `bytes=${start}-` })).body.equals(bytes.subarray(start))),
      ),
    );
    assert.ok(reads.length < 40, `${reads.length} downloads`);
    served.close();
  });

  it('ends the download when the receiver goes away', async () => {
    const { store, open } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    await new Promise<void>((resolve, reject) => {
      const request = http.get(served.url, { agent: false }, (response) => {
        response.once('data', () => {
          request.destroy();
          resolve();
        });
      });
      request.on('error', reject);
    });
    assert.equal(open(), 1);
    await until(() => open() === 0, 'the download ends');
    assert.equal(served.lastError, null, "that is nobody's failure");
    assert.equal((await get(served.url, { range: 'bytes=0-9' })).status, 206, 'and the next request is served');
    served.close();
  });

  it('ends everything when its signal aborts', async () => {
    const { store, open } = watched();
    const control = new AbortController();
    const served = reader.serve(store, 'film.bin', { size: SIZE, signal: control.signal });
    const request = http.get(served.url, { agent: false });
    const cut = new Promise((resolve) =>
      request.on('response', (response) => response.once('data', () => control.abort()).on('error', resolve)),
    );
    await cut;
    assert.equal(open(), 0);
    assert.equal((await get(served.url)).status, 404);
    assert.equal(served.lastError, null);
  });
});

describe('range reader: failures', () => {
  it('answers 502 to a store that fails at once, and keeps the error', async () => {
    const denied = new PlatformError('source_denied', 'no');
    const store: Store = { ...disk, read: async () => Promise.reject(denied) };
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    assert.equal((await get(served.url)).status, 502);
    assert.equal(served.lastError, denied);
    served.close();
  });

  it('breaks the connection when the store fails later, and keeps the error', async () => {
    const broken = new PlatformError('source_truncated', 'broke');
    const { store, open } = watched((_, stream) =>
      Readable.from(
        (async function* () {
          let sent = 0;
          for await (const chunk of stream) {
            yield chunk;
            sent += chunk.length;
            if (sent >= 3 * MIB) throw broken;
          }
        })(),
        { objectMode: false },
      ),
    );
    const served = reader.serve(store, 'film.bin', { size: SIZE });
    await assert.rejects(get(served.url), { code: 'ECONNRESET' });
    assert.equal(served.lastError, broken);
    assert.equal(open(), 0);
    served.close();
  });

  it('notices an object that is shorter than it was said to be', async () => {
    const { store } = watched();
    const served = reader.serve(store, 'film.bin', { size: SIZE + 10 });
    await assert.rejects(get(served.url));
    assert.equal(served.lastError?.code, 'source_truncated');
    served.close();
  });
});

describe('range reader: FFmpeg', { skip: missingPrograms('ffmpeg', 'ffprobe') }, () => {
  it('decodes the same frames as from the file, index at the end, sought or not', async () => {
    const film = path.join(root, 'film.mp4');
    const source = [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=640x360:r=25:d=20,noise=alls=40:allf=t',
      '-f',
      'lavfi',
      '-i',
      'sine=d=20',
    ];
    await run('ffmpeg', ['-v', 'error', ...source, '-c:v', 'mpeg4', '-b:v', '3M', '-g', '25', '-c:a', 'aac', film]);
    const { size } = await stat(film);
    assert.ok(size > 3 * MIB);
    assert.ok((await readFile(film)).indexOf('moov') > size / 2, 'the index is at the end');
    const { store, reads } = watched();
    const served = reader.serve(store, 'film.mp4', { size });
    const decode = async (input: string[], seek: string[]) => {
      const { stdout } = await run(
        'ffmpeg',
        ['-v', 'error', ...seek, ...input, '-t', '2', '-map', '0', '-f', 'framemd5', '-'],
        { maxBuffer: 1e8 },
      );
      return stdout;
    };
    for (const seek of [[], ['-ss', '13.2'], ['-ss', '5']]) {
      const local = await decode(['-i', film], seek);
      const remote = await decode(['-protocol_whitelist', 'http,tcp', '-i', served.url], seek);
      assert.ok(local.split('\n').length > 50);
      assert.equal(remote, local);
    }
    assert.ok(reads.length <= 12, `${reads.length} downloads for three runs`);
    assert.equal(served.lastError, null);
    served.close();
  });
});
