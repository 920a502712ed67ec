// Frame rates: exact fractions, the choice for an output.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rational, VideoFacts } from '#domain/source-facts.ts';
import { chooseFrameRate, rateBetween, reduceRate, snapRate } from '#media/frame-rate.ts';
import { videoFacts } from './sample-facts.ts';

const text = (value: Rational) => `${value.num}/${value.den}`;
const parse = (value: string): Rational => {
  const [num = 0, den = 1] = value.split('/').map(Number);
  return { num, den };
};

test('written rates snap to the standard rate they mean, others stay themselves', () => {
  const table = [
    '2997/100',
    '2398/100',
    '23976/1000',
    '5994/100',
    '24/1',
    '60000/1000',
    '25/2',
    '1496/50',
    '15/1',
    '2994/100',
  ];
  assert.deepEqual(
    table.map((value) => text(snapRate(parse(value)))),
    ['30000/1001', '24000/1001', '24000/1001', '60000/1001', '24/1', '60/1', '25/2', '748/25', '15/1', '1497/50'],
  );
  assert.equal(text(reduceRate({ num: 50, den: 4 })), '25/2');
  assert.equal(text(reduceRate({ num: 24000, den: 1001 })), '24000/1001');
});

test('between two bounds lies the standard rate, else the simplest fraction', () => {
  const table: [number, number, string][] = [
    [23.9, 23.99, '24000/1001'],
    [23.98, 24.02, '24/1'],
    [29.96, 29.98, '30000/1001'],
    [29.9, 30.1, '30/1'],
    [12.49, 12.51, '25/2'],
    [9.99, 10.01, '10/1'],
    [119.8, 119.9, '599/5'],
    [0.199, 0.201, '1/5'],
    [14.9798, 14.9802, '749/50'],
    [1000, 1000, '1000/1'],
  ];
  for (const [low, high, expected] of table) assert.equal(text(rateBetween(low, high)), expected, `${low}–${high}`);
  // Clocks of strangers contradict themselves, and have rates that no fraction meets.
  assert.deepEqual(rateBetween(31.2, 30.9), rateBetween(30.9, 31.2));
  for (const odd of [Math.PI, Math.E * 1e7, Math.SQRT1_2 / 1e6]) {
    const { num, den } = rateBetween(odd, odd);
    assert.ok(num > 0 && den > 0 && Math.abs(num / den / odd - 1) < 1e-6, `${odd}: ${num}/${den}`);
  }
});

const constant = (value: string): VideoFacts =>
  videoFacts({ averageFrameRate: parse(value), nominalFrameRate: parse(value), constantFrameRate: true });
const varying = (average: string, nominal: string | null): VideoFacts =>
  videoFacts({
    averageFrameRate: parse(average),
    nominalFrameRate: nominal === null ? null : parse(nominal),
    constantFrameRate: false,
  });

test('the rate of an output', () => {
  const table: [string, VideoFacts, string | null, number, string][] = [
    ['film stays', constant('24000/1001'), null, 120, '24000/1001'],
    ['an odd constant rate stays', constant('25/2'), null, 120, '25/2'],
    ['slow stays', constant('5/1'), null, 120, '5/1'],
    ['120 is halved', constant('120/1'), null, 120, '60/1'],
    ['119.88 is halved', constant('120000/1001'), null, 120, '60000/1001'],
    ['100 is halved', constant('100/1'), null, 120, '50/1'],
    ['240 is quartered', constant('240/1'), null, 120, '60/1'],
    ['144 is quartered', constant('144/1'), null, 120, '36/1'],
    ['a slide show gets one frame a second', constant('1/5'), null, 120, '1/1'],
    ['a lower limit halves again', constant('60/1'), null, 30, '30/1'],
    ['wanted wins', constant('24/1'), '50/1', 120, '50/1'],
    ['wanted 29.97 is meant exactly', constant('24/1'), '2997/100', 120, '30000/1001'],
    ['wanted may be above 60', constant('120/1'), '120/1', 120, '120/1'],
    ['wanted is limited', constant('24/1'), '240/1', 120, '120/1'],
    ['wanted is at least 1', constant('24/1'), '1/10', 120, '1/1'],
    ['varying: what it mostly runs at', varying('28021/1000', '30/1'), null, 120, '30/1'],
    ['varying near a standard rate', varying('2900/100', '1000/33'), null, 120, '30/1'],
    ['varying near 24000/1001 keeps it', varying('23/1', '24000/1001'), null, 120, '24000/1001'],
    ['varying between the rates: whole frames', varying('10/1', '1000/67'), null, 120, '15/1'],
    ['varying, mostly standing still: 30 at the most', varying('7/1', '60/1'), null, 120, '30/1'],
    ['varying, mostly standing still: every second frame', varying('7/1', '50/1'), null, 120, '25/1'],
    ['varying above 60', varying('100/1', '120/1'), null, 120, '60/1'],
    ['two frames ten hours apart', varying('1/36000', '1/36000'), null, 120, '1/1'],
    [
      'one frame',
      videoFacts({ averageFrameRate: null, nominalFrameRate: null, constantFrameRate: false, frames: 1 }),
      null,
      120,
      '25/1',
    ],
  ];
  for (const [name, video, wanted, maximum, expected] of table) {
    assert.equal(text(chooseFrameRate(video, wanted === null ? null : parse(wanted), maximum)), expected, name);
  }
});
