import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retimeInit, retimeMoof } from '#media/retime.ts';

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const words = (...values: number[]): Buffer => {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => void data.writeInt32BE(value, 4 * i));
  return data;
};

/** 23.976 frames/s in ticks of 1/24000: a frame is 1001, a millisecond 24. */
const moof = (start: number, defaultDuration: number, samples: [duration: number, offset: number][]): Buffer =>
  box(
    'moof',
    box('mfhd', words(0, 1)),
    box(
      'traf',
      box('tfhd', words(0x020008, 1, defaultDuration)),
      box('tfdt', words(0x01000000, 0, start)),
      // Version 1: data offset, duration and composition offset of each.
      box('trun', words(0x01000901, samples.length, 88, ...samples.flat())),
    ),
  );

test('rounded times go back to whole frames, each lasts one', () => {
  const data = moof(24_030, 984, [
    [1008, 2010],
    [984, -1018],
    [1008, 0],
  ]);
  retimeMoof(data, 1001);
  assert.deepEqual(
    data,
    moof(24_024, 1001, [
      [1001, 2002],
      [1001, -1001],
      [1001, 0],
    ]),
  );
});

test('times on the grid stay as they are', () => {
  const data = moof(24_024, 1001, [
    [1001, 2002],
    [1001, 0],
  ]);
  const before = Buffer.from(data);
  retimeMoof(data, 1001);
  assert.deepEqual(data, before);
});

test('the delay in the edit list is whole frames too; a pause stays', () => {
  const init = (delay: number) =>
    box('moov', box('trak', box('edts', box('elst', words(0, 2, 500, -1, 0x10000, 0, delay, 0x10000)))));
  const data = init(2010);
  retimeInit(data, 1001);
  assert.deepEqual(data, init(2002));
});
