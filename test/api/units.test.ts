// Units, ranges and places: pure, by their whole output.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferCache } from '#api/buffer-cache.ts';
import { BufferPool } from '#api/buffer-pool.ts';
import { parseRange } from '#api/byte-range.ts';
import { parseBitrate, parseFrameRate, parseSeconds } from '#api/jobs/unit-schema.ts';
import { isLoopback } from '#domain/access.ts';
import { hideSecrets, nameOfLocation } from '#domain/view-location.ts';

test('bitrates', () => {
  const cases: readonly (readonly [number | string, number | null])[] = [
    [2_500_000, 2_500_000],
    ['2500k', 2_500_000],
    ['2.5M', 2_500_000],
    ['128kbps', 128_000],
    ['96 k', 96_000],
    ['800000', 800_000],
    ['fast', null],
    ['', null],
    ['-5k', null],
    [Number.NaN, null],
  ];
  assert.deepEqual(
    cases.map(([text]) => parseBitrate(text)),
    cases.map(([, bits]) => bits),
  );
});

test('times', () => {
  const cases: readonly (readonly [number | string, number | null])[] = [
    [12.5, 12.5],
    ['12.5', 12.5],
    ['1:02', 62],
    ['01:02:03.5', 3723.5],
    ['90:00', 5400],
    ['1:2:3:4', null],
    ['soon', null],
    ['', null],
  ];
  assert.deepEqual(
    cases.map(([text]) => parseSeconds(text)),
    cases.map(([, value]) => value),
  );
});

test('frame rates', () => {
  const cases: readonly (readonly [number | string, string | null])[] = [
    [25, '25/1'],
    ['30000/1001', '30000/1001'],
    [29.97, '30000/1001'],
    ['23.976', '24000/1001'],
    [23.98, '24000/1001'],
    [59.94, '60000/1001'],
    [12.5, '12500/1000'],
    ['30/0', null],
    ['0', null],
    ['x', null],
  ];
  const text = (value: number | string) => {
    const rate = parseFrameRate(value);
    return rate && `${rate.num}/${rate.den}`;
  };
  assert.deepEqual(
    cases.map(([value]) => text(value)),
    cases.map(([, rate]) => rate),
  );
});

test('ranges', () => {
  assert.deepEqual(parseRange(undefined, 100), null);
  assert.deepEqual(parseRange('bytes=0-9', 100), { start: 0, end: 9 });
  assert.deepEqual(parseRange('bytes=90-', 100), { start: 90, end: 99 });
  assert.deepEqual(parseRange('bytes=-10', 100), { start: 90, end: 99 });
  assert.deepEqual(parseRange('bytes=-1000', 100), { start: 0, end: 99 });
  assert.deepEqual(parseRange('bytes=50-1000', 100), { start: 50, end: 99 });
  assert.deepEqual(parseRange('bytes=100-', 100), 'unsatisfiable');
  assert.deepEqual(parseRange('bytes=-0', 100), 'unsatisfiable');
  assert.deepEqual(parseRange('bytes=0-', 0), 'unsatisfiable');
  for (const odd of ['bytes=5-2', 'bytes=0-1,5-6', 'lines=0-1', 'bytes=-', 'bytes=a-b'])
    assert.deepEqual(parseRange(odd, 100), null, odd);
});

test('what is loopback', () => {
  for (const host of ['127.0.0.1', '127.9.8.7', 'localhost', 'LOCALHOST', 'app.localhost', '::1', '[::1]'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'localhost.example.org', '127.0.0.1.nip.io', '1270.0.0.1'])
    assert.ok(!isLoopback(host), host);
});

test('URLs are shown without what opens them', () => {
  assert.equal(hideSecrets('https://example.com/a.mp4'), 'https://example.com/a.mp4');
  assert.equal(hideSecrets('https://u:p@example.com/a.mp4'), 'https://***:***@example.com/a.mp4');
  assert.equal(
    hideSecrets('https://example.com/a?page=2&X-Amz-Signature=abc'),
    'https://example.com/a?page=2&X-Amz-Signature=***',
  );
});

test('what a source is called', () => {
  assert.equal(
    nameOfLocation({ kind: 'https', url: 'https://example.com/x/my%20film.mp4?a=b', headers: {}, method: 'PUT' }),
    'my film.mp4',
  );
  assert.equal(nameOfLocation({ kind: 'file', path: '/media/film.mov' }), 'film.mov');
  assert.equal(nameOfLocation({ kind: 'inline', data: '', filename: '../../x.mp4' }), 'x.mp4');
  assert.equal(nameOfLocation({ kind: 'upload', uploadId: 'x' }), null);
});

test('the cache wants what is asked for again while as much as it holds went by', async () => {
  const cache = new BufferCache(10);
  assert.equal(cache.isWanted('a', 4), false);
  assert.equal(cache.isWanted('a', 4), true);
  const scan = ['b', 'c', 'd', 'b', 'c', 'd'].map((key) => cache.isWanted(key, 4));
  assert.deepEqual(scan, Array(6).fill(false), 'more than it holds, again and again');
  await cache.get('b', async () => Buffer.alloc(4));
  assert.equal(cache.isWanted('b', 4), true, 'what it has');
});

test('the cache gives up what nobody asked for in a minute', async () => {
  let now = 0;
  const cache = new BufferCache(10, () => now);
  const loaded: string[] = [];
  const get = (key: string) =>
    cache.get(key, async () => {
      loaded.push(key);
      return Buffer.alloc(2);
    });
  await get('a');
  await get('b');
  now = 50_000;
  await get('a');
  now = 61_000;
  await get('c');
  await get('a');
  await get('b');
  assert.deepEqual(loaded, ['a', 'b', 'c', 'b'], 'a was asked for in between');
});

test('a buffer is given to one at a time, and again', () => {
  const pool = new BufferPool();
  const [first, second] = [pool.take(100), pool.take(100)];
  assert.notEqual(first, second);
  pool.give(first);
  assert.equal(pool.take(first.length), first);
  pool.give(second);
  assert.ok(pool.take(second.length + 1).length > second.length, 'one that is too small is left');
  assert.equal(pool.take(1), second);
});

test('the cache is bounded, drops what was used least lately, and loads once', async () => {
  const cache = new BufferCache(10);
  let loads = 0;
  const get = (key: string, bytes: number) =>
    cache.get(key, async () => {
      loads += 1;
      return Buffer.alloc(bytes);
    });
  await Promise.all([get('a', 4), get('a', 4), get('b', 4)]);
  assert.equal(loads, 2);
  await get('a', 4);
  await get('c', 4);
  assert.equal(loads, 3);
  await get('a', 4);
  assert.equal(loads, 3, 'a was used and is kept');
  await get('b', 4);
  assert.equal(loads, 4, 'b had to go');
  await get('huge', 11);
  await get('huge', 11);
  assert.equal(loads, 6, 'what does not fit is not kept');
});
