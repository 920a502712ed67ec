import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBox } from '#media/boxes.ts';
import { cleanInit } from '#media/clean-init.ts';

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};

/** tkhd of either version whose matrix turns by a quarter. */
function turned(version: 0 | 1): Buffer {
  const body = Buffer.alloc(version === 1 ? 96 : 84);
  body.writeUInt8(version, 0);
  [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000].forEach((value, i) => {
    body.writeInt32BE(value, (version === 1 ? 52 : 40) + 4 * i);
  });
  return box('tkhd', body);
}

function moov(version: 0 | 1): Buffer {
  const entry = box(
    'avc1',
    Buffer.alloc(78),
    box('avcC', Buffer.from([1])),
    box('mdcv', Buffer.alloc(24)),
    box('clli', Buffer.alloc(4)),
  );
  const stsd = box('stsd', Buffer.alloc(8), entry);
  return box(
    'moov',
    box('trak', turned(version), box('mdia', box('minf', box('vmhd', Buffer.alloc(12)), box('stbl', stsd)))),
  );
}

for (const version of [0, 1] as const) {
  test(`a turned track of version ${version} stands upright, and its HDR boxes are gone`, () => {
    const before = moov(version);
    const after = cleanInit(before);
    assert.equal(after.length, before.length);
    const tkhd = findBox(after, 'moov/trak/tkhd');
    assert.ok(tkhd);
    const at = tkhd.body + (version === 1 ? 52 : 40);
    const matrix = Array.from({ length: 9 }, (_, i) => after.readInt32BE(at + 4 * i));
    assert.deepEqual(matrix, [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]);
    const types = [...after.toString('latin1').matchAll(/avcC|mdcv|clli|free/g)].map(String);
    assert.deepEqual(types, ['avcC', 'free', 'free']);
    assert.match(before.toString('latin1'), /mdcv/, 'the given bytes are left alone');
  });
}
