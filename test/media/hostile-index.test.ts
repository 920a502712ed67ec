// Indexes made to keep their reader busy: a few bytes that claim much. They are told by what they claim, before it is done.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { boxesIn, findBox, hasMoreBoxes } from '#media/boxes.ts';
import { codecString } from '#media/codec-string.ts';
import { readPacketEnds, readSampleTable } from '#media/sample-table.ts';
import { openSourceIndex } from '#media/source-index.ts';
import { findParts } from '#media/source-parts.ts';
import { countTurns } from '../kit/count-turns.ts';

const words = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, i) => void bytes.writeUInt32BE(number, i * 4));
  return bytes;
};
const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([words(body.length + 8), Buffer.from(type, 'latin1'), body]);
};
const openBytes = (bytes: Buffer) =>
  openSourceIndex({
    size: bytes.length,
    read: async (at, length) => bytes.subarray(at, at + length),
    [Symbol.asyncDispose]: async () => undefined,
  });

test('more boxes than any film has are counted no further, wherever they lie', async () => {
  const crowd = Buffer.concat(Array.from({ length: 11_000 }, () => box('free')));
  const places: readonly ((inside: Buffer) => Buffer)[] = [
    (inside) => inside,
    (inside) => box('trak', box('mdia', box('minf', box('stbl', inside)))),
    (inside) => box('udta', box('meta', words(0), box('ilst', inside))),
    (inside) => box('udta', box('meta', box('ilst', inside))),
    (inside) => box('trak', box('mdia', box('minf', box('stbl', box('stsd', words(0, 1), inside))))),
  ];
  for (const place of places) {
    assert.equal(hasMoreBoxes(box('moov', place(crowd)), 10_000), true);
    assert.equal(hasMoreBoxes(box('moov', place(box('free'))), 10_000), false);
  }
  const folder = await mkdtemp(join(tmpdir(), 'rendition-index-'));
  try {
    const path = join(folder, 'film.mp4');
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=1', '-c:v', 'libx264', '-movflags', '+faststart'];
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...source, path]);
    const film = await readFile(path);
    const whole = await openBytes(film);
    assert.equal(whole?.tracks[0]?.packets.count, 10);
    // Behind the media, so that what the index says of it stays true.
    const moov = findBox(film, 'moov');
    assert.ok(moov);
    const rest = [...boxesIn(film, 0, film.length)].filter(({ type }) => type !== 'moov');
    const padding = box('free', Buffer.alloc(moov.end - moov.start - 8));
    const crowded = box('moov', film.subarray(moov.body, moov.end), crowd);
    const track = findBox(film, 'moov/trak');
    assert.ok(track);
    // A second table, behind the ones that are read here.
    const twice = box('trak', film.subarray(track.body, track.end), box('stts', words(0, 1, 0xffffffff, 1)));
    const doubled = box('moov', film.subarray(moov.body, track.start), twice, film.subarray(track.end, moov.end));
    const parts = rest.map(({ type, start, end }) =>
      type === 'ftyp' ? Buffer.concat([film.subarray(start, end), padding]) : film.subarray(start, end),
    );
    for (const index of [crowded, doubled]) assert.equal(await openBytes(Buffer.concat([...parts, index])), null);
    const same = await openBytes(Buffer.concat([...parts, film.subarray(moov.start, moov.end)]));
    assert.equal(same?.tracks[0]?.packets.count, 10);
    // A track where none belongs, under the number of the real one: of its claims nobody takes notice.
    const claims = { stts: words(0, 1, 4e9, 1), ctts: words(0, 1, 4e9, 5), stsz: words(0, 1, 10) };
    const tables = box('stbl', ...Object.entries(claims).map(([type, body]) => box(type, body)));
    const [header, media] = ['tkhd', 'mdia/mdhd'].map((path) => findBox(film, path, track));
    assert.ok(header && media);
    const parents = [film.subarray(header.start, header.end), film.subarray(media.start, media.end)] as const;
    const hidden = box('schi', box('trak', parents[0], box('mdia', parents[1], box('minf', tables))));
    const index = await openBytes(Buffer.concat([...parts, box('moov', film.subarray(moov.body, moov.end), hidden)]));
    assert.deepEqual([index?.tracks.length, (await index?.tracks[0]?.init())?.includes('avcC')], [1, true]);
    // The same track twice, and headers that end before their numbers do.
    const again = film.subarray(track.start, track.end);
    assert.equal(
      await openBytes(Buffer.concat([...parts, box('moov', film.subarray(moov.body, moov.end), again)])),
      null,
    );
    for (const type of ['mvhd', 'tkhd', 'mdhd', 'hdlr', 'stsd', 'elst']) {
      const short = Buffer.concat([...parts, film.subarray(moov.start, moov.end)]);
      // What is left of the box belongs to no other.
      const at = short.indexOf(type, short.length - (moov.end - moov.start)) - 4;
      const size = short.readUInt32BE(at);
      short.writeUInt32BE(12, at);
      box('free', Buffer.alloc(size - 20)).copy(short, at + 12);
      const found = await openBytes(short);
      assert.ok(found === null || (await found.tracks[0]?.init())?.length === 0, type);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** A track of 50 packets in one chunk; each table as it should be, or another in its place. */
const readTrack = (
  tables: Readonly<Record<string, Buffer>>,
  limits: { readonly most: number; readonly mostEqual: number } = { most: 50, mostEqual: 50 },
) => {
  const all = {
    stts: words(0, 1, 50, 1),
    stsz: words(0, 100, 50),
    stsc: words(0, 1, 1, 50, 1),
    stco: words(0, 1, 100),
    ...tables,
  };
  const moov = box(
    'trak',
    box('mdia', box('minf', box('stbl', ...Object.entries(all).map(([type, body]) => box(type, body))))),
  );
  const [trak] = boxesIn(moov, 0, moov.length);
  assert.ok(trak);
  return readSampleTable(moov, trak, { timescale: 10, zero: 0, ...limits });
};

test('packets that no table lists are counted over all tracks', async () => {
  const equal = await readTrack({});
  assert.deepEqual([equal?.count, equal?.isEqual], [50, true]);
  assert.equal(await readTrack({}, { most: 50, mostEqual: 49 }), null);
  const stsz = Buffer.concat([words(0, 0, 50), Buffer.alloc(200)]);
  const listed = await readTrack({ stsz }, { most: 50, mostEqual: 0 });
  assert.deepEqual([listed?.count, listed?.isEqual], [50, false]);
  assert.equal(await readTrack({ stsz }, { most: 49, mostEqual: 50 }), null);
});

test('others have their turns while many packets are counted', async () => {
  const count = 200_000;
  const stts = Buffer.concat([words(0, count), Buffer.alloc(8 * count, words(1, 1))]);
  const many = { stts, stsc: words(0, 1, 1, count, 1), stsz: words(0, 1, count) };
  const turns = await countTurns(() => readTrack(many, { most: count, mostEqual: count }));
  assert.ok(turns >= 6, `${turns} turns`);
});

test('tables that speak of far more than there is are not believed', async () => {
  const careless: Record<string, Buffer> = {
    stts: words(0, 2, 50, 1, 3, 1),
    ctts: words(0, 1, 60, 0),
    stsc: words(0, 1, 1, 64, 1),
  };
  for (const [type, body] of Object.entries(careless))
    assert.equal((await readTrack({ [type]: body }))?.count, 50, type);
  const hostile: [string, Buffer][] = [
    ['stts', words(0, 1, 0xffffffff, 1)],
    ['ctts', words(0, 1, 0xffffffff, 0)],
    // One chunk of four billion packets held mediabunny up for a minute, packet by packet.
    ['stsc', words(0, 1, 1, 0xffffff01, 1)],
    ['stsc', words(0, 1, 1, 0, 1)],
    ['stsc', words(0, 2, 1, 50, 1, 0xfffffff0, 1, 1)],
    ['stsc', words(0, 2, 1, 25, 1, 1, 25, 1)],
    ['stsc', words(0, 0xffff, 1, 50, 1)],
    ['stco', words(0, 0xffff, 100)],
  ];
  for (const [type, body] of hostile) assert.equal(await readTrack({ [type]: body }), null, type);
});

test('configurations of codecs that end too early have the bare name', () => {
  const init = (entry: string, fixed: number, [config, length]: readonly [string, number]) => {
    const own = box(entry, Buffer.alloc(fixed), box(config, Buffer.alloc(length, 4)));
    return box('moov', box('trak', box('mdia', box('minf', box('stbl', box('stsd', words(0, 1), own))))));
  };
  assert.equal(codecString(init('hvc1', 78, ['hvcC', 12])), 'hvc1');
  assert.equal(codecString(init('vp09', 78, ['vpcC', 6])), 'vp09');
  for (const length of [4, 5, 6, 7]) assert.match(codecString(init('mp4a', 28, ['esds', length])), /^mp4a\./);
});

test('a file full of what looks like beginnings is no row of films', async () => {
  const parts = (bytes: Buffer) => {
    const read = async (at: number, length: number) => bytes.subarray(at, at + length);
    const source = { size: bytes.length, read, [Symbol.asyncDispose]: async () => undefined };
    return findParts(source, { container: 'flv', jumps: true, unread: bytes.length });
  };
  const film = Buffer.from('464c5601050000000900000000', 'hex');
  assert.deepEqual(await parts(Buffer.concat([film, film])), [0, 13]);
  assert.deepEqual(await parts(Buffer.concat([film, Buffer.alloc(48_000, 'FLV\x01'), film])), []);
});

test('runs of chunks that go back are not followed', async () => {
  const sizes = new Uint32Array([5, 5]);
  const ends = (...runs: number[]) => {
    const tables = box('stbl', box('stsc', words(0, runs.length / 3, ...runs)), box('stco', words(0, 2, 100, 200)));
    const moov = box('trak', box('mdia', box('minf', tables)));
    const [trak] = boxesIn(moov, 0, moov.length);
    assert.ok(trak);
    return readPacketEnds(moov, trak, sizes);
  };
  assert.deepEqual(await ends(1, 1, 1), new Float64Array([105, 205]));
  assert.deepEqual(await ends(1, 1, 1, 2, 1, 1), new Float64Array([105, 205]));
  assert.equal(await ends(1, 0, 1, 3, 0, 1, 1, 1, 1), null);
});
