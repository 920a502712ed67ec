// What the probe learns from packets while they pass: clocks, keyframes, holes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rational } from '#domain/source-facts.ts';
import { FrameClock } from '#media/frame-clock.ts';
import { StreamScan } from '#media/probe-packets.ts';

function clock(times: readonly number[], tick: Rational, declared: Rational | null = null): string {
  const one = new FrameClock();
  for (const time of times) one.add(time);
  const { constant, skips, average, nominal } = one.finish(tick, declared);
  const text = (rate: Rational | null) => (rate === null ? 'none' : `${rate.num}/${rate.den}`);
  return `${constant ? 'constant' : skips ? 'skipping' : 'varying'} ${text(average)}${constant ? '' : `, mostly ${text(nominal)}`}`;
}

test('frame clocks: rounding is forgiven, real changes are not', () => {
  const ms = { num: 1, den: 1000 };
  const frames = (count: number, fps: number, [unit, from]: readonly [number, number] = [1000, 0]) =>
    Array.from({ length: count }, (_, n) => Math.round((n / fps + from) * unit));
  const film = 24000 / 1001;
  // decode order of a stream with B-frames
  const reordered = frames(300, 25, [12800, 0])
    .flatMap((_, i, all) => (i % 3 === 0 ? [all[i + 2], all[i], all[i + 1]] : []))
    .filter((time) => time !== undefined);
  const ticks90 = { num: 1, den: 90_000 };
  // Runs of frames that last so many fields each.
  const limping = (...runs: readonly (readonly [count: number, fields: number])[]) =>
    runs
      .flatMap(([count, fields]) => Array.from({ length: count }, () => fields))
      .map((_, i, fields) => Math.round(fields.slice(0, i).reduce((sum, one) => sum + one, 0) * 1501.5));
  const pulldown = (count: number, unit: number, phase = 0) =>
    Array.from({ length: count }, (_, n) => Math.round((Math.floor((5 * n + 1 - phase) / 2) * 1001 * unit) / 60_000));
  const sparse = Array.from({ length: 24 }, (_, n) => n * 6 + (n % 4 === 3 ? 3 : 0));
  const table: [string, string, string][] = [
    ['23.976 in milliseconds', clock(frames(2000, film), ms), 'constant 24000/1001'],
    ['24 in milliseconds', clock(frames(2000, 24), ms), 'constant 24/1'],
    ['59.94 in milliseconds', clock(frames(2000, 60000 / 1001), ms), 'constant 60000/1001'],
    [
      '29.97 in 90 kHz, from ten hours on',
      clock(frames(500, 30000 / 1001, [90000, 36_000]), { num: 1, den: 90000 }),
      'constant 30000/1001',
    ],
    [
      'few frames: the declared rate decides',
      clock(frames(20, film), ms, { num: 24000, den: 1001 }),
      'constant 24000/1001',
    ],
    ['B-frames', clock(reordered, { num: 1, den: 12800 }), 'constant 25/1'],
    ['12.5', clock(frames(100, 12.5, [90000, 0]), { num: 1, den: 90000 }), 'constant 25/2'],
    ['one tick a frame', clock(frames(100, 15, [15, 0]), { num: 1, den: 15 }), 'constant 15/1'],
    [
      'one tick a frame, one missing',
      clock(
        frames(100, 15, [15, 0]).filter((n) => n !== 50),
        { num: 1, den: 15 },
      ),
      'skipping 490/33, mostly 15/1',
    ],
    [
      'a tick of jitter',
      clock(
        frames(1000, 30, [90000, 0]).map((time, n) => time + (n % 2)),
        { num: 1, den: 90000 },
      ),
      'constant 30/1',
    ],
    [
      'one frame missing',
      clock(
        frames(1000, 25).filter((_, n) => n !== 500),
        ms,
      ),
      'skipping 24950/999, mostly 25/1',
    ],
    [
      'every fourth frame missing',
      clock(
        frames(1000, 25).filter((_, n) => n % 4 !== 3),
        ms,
      ),
      'varying 18725/998, mostly 25/1',
    ],
    ['24, then 25', clock([...frames(240, 24), ...frames(240, 25, [1000, 10])], ms), 'varying 11975/489, mostly 25/1'],
    [
      'soft telecine of 90 kHz',
      clock(pulldown(200, 90_000), ticks90, { num: 60_000, den: 1001 }),
      'constant 24000/1001',
    ],
    [
      'soft telecine that begins with the short one',
      clock(pulldown(200, 90_000, 1), ticks90, { num: 30_000, den: 1001 }),
      'constant 24000/1001',
    ],
    ['soft telecine in milliseconds', clock(pulldown(900, 1000), ms), 'constant 24000/1001'],
    [
      'half of it long frames, then short ones',
      clock(limping([300, 2], [300, 3]), ticks90),
      'varying 23960/999, mostly 30000/1001',
    ],
    [
      'a clock of frames, few of them there',
      clock(sparse, { num: 1, den: 25 }, { num: 25, den: 1 }),
      'varying 575/141, mostly 25/1',
    ],
    [
      'the same in milliseconds',
      clock(
        sparse.map((n) => n * 40),
        ms,
        { num: 25, den: 1 },
      ),
      'varying 575/141, mostly 25/6',
    ],
    ['doubled timestamps', clock([0, 40, 40, 80, 120, 160], ms), 'varying 125/4, mostly 25/1'],
    ['two frames hours apart', clock([0, 36_000_000], ms), 'constant 1/36000'],
    ['one frame', clock([123], ms), 'constant none'],
    ['no frame', clock([], ms), 'constant none'],
  ];
  for (const [name, found, expected] of table) assert.equal(found, expected, name);
});

test('keyframes of an intra-only film of hours stay a bounded list', () => {
  const scan = new StreamScan('video');
  const count = 400_000;
  for (let n = 0; n < count; n++) {
    scan.add({
      type: 'video',
      pts: n,
      dts: n,
      duration: 1,
      size: 10,
      isKey: true,
      isDiscarded: false,
      isEncrypted: false,
    });
  }
  assert.ok(scan.keyframes.length <= 50_000 && scan.keyframes.length > 10_000, String(scan.keyframes.length));
  assert.ok(scan.keyframes.every((time, i) => i === 0 || time > (scan.keyframes[i - 1] ?? 0)));
  assert.deepEqual([scan.shown, scan.start, scan.end, scan.longestGop], [count, 0, count, 1]);
});

test('packets before the first keyframe, leading pictures and hidden frames', () => {
  const scan = new StreamScan('video');
  const add = (pts: number | null, flags: string, dts = pts) =>
    scan.add({
      type: 'video',
      pts,
      dts,
      duration: 10,
      size: 100,
      isKey: flags.includes('K'),
      isDiscarded: flags.includes('D'),
      isEncrypted: false,
    });
  add(0, '');
  add(10, '');
  add(50, 'K');
  add(30, ''); // hangs on the group before
  add(70, 'D');
  add(80, '');
  add(60, '');
  add(null, '', 90);
  assert.deepEqual(
    [
      scan.packets,
      scan.shown,
      scan.undecodable,
      scan.discarded,
      scan.start,
      scan.end,
      scan.keyframes,
      scan.hasReordering,
    ],
    [8, 4, 3, 1, 50, 100, [50], true],
  );
});

test('a pause before pictures that are stored out of order is not counted twice', () => {
  const scan = new StreamScan('video');
  const stored: readonly (readonly [pts: number, dts: number, duration: number])[] = [
    [0, -20, 10],
    [200, -10, 110],
    [210, 100, 10],
    [230, 110, 10],
    [220, 120, 10],
  ];
  for (const [pts, dts, duration] of stored)
    scan.add({
      ...{ type: 'video', pts, dts, duration, size: 100 },
      ...{ isKey: pts === 0, isDiscarded: false, isEncrypted: false },
    });
  assert.deepEqual([scan.start, scan.end, scan.lastDuration], [0, 240, 10]);
});

test('sound whose packets are missing in places, and sound whose clock staggers', () => {
  const heard = (times: readonly number[]) => {
    const scan = new StreamScan('audio');
    for (const pts of times)
      scan.add({
        ...{ type: 'audio', pts, dts: pts, duration: 1920, size: 300 },
        ...{ isKey: true, isDiscarded: false, isEncrypted: false },
      });
    return scan.hasHoles;
  };
  const packets = Array.from({ length: 100 }, (_, n) => n * 1920);
  assert.deepEqual(
    [
      heard(packets),
      heard(packets.filter((_, n) => n !== 50)),
      heard(packets.filter((_, n) => n % 10 !== 7)),
      // rounded to milliseconds
      heard(packets.map((time) => Math.round(time / 90) * 90).filter((_, n) => n !== 50)),
      // one and a half
      heard(packets.map((time, n) => (n < 50 ? time : time + 2880))),
      heard(packets.map((time, n) => time + (n % 3) * 900)),
      // late now and then
      heard(packets.map((time, n) => time + (n % 10 === 4 ? 1700 : 0))),
      heard([0, 1920, 5000, 5500, 9000]),
    ],
    [false, true, true, true, true, false, false, false],
  );
});

test('sound whose packets do not say how long they are ends one packet behind the last', () => {
  const end = (times: readonly number[], duration = 0) => {
    const scan = new StreamScan('audio');
    for (const pts of times)
      scan.add({
        ...{ type: 'audio', pts, dts: pts, duration, size: 300 },
        ...{ isKey: true, isDiscarded: false, isEncrypted: false },
      });
    return scan.end;
  };
  assert.deepEqual([end([0, 500, 1000]), end([0, 500, 9000]), end([0]), end([0, 500], 20)], [1500, 9500, 0, 520]);
});
