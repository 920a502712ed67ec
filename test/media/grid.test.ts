import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeGrid } from '#media/grid.ts';

const shape = (seconds: number, fps: { num: number; den: number }) => {
  const grid = makeGrid({ duration: seconds, fps, segmentSeconds: 6, keyframes: null });
  return {
    frames: grid.frames,
    gop: grid.gopFrames,
    segments: grid.boundaries.length - 1,
    chunks: grid.chunks.map((chunk) => chunk.segments),
  };
};

test('segments are whole GOPs of about two seconds, chunks grow from two segments to a minute', () => {
  const rows: [number, { num: number; den: number }, ReturnType<typeof shape>][] = [
    [0.04, { num: 25, den: 1 }, { frames: 1, gop: 50, segments: 1, chunks: [1] }],
    [10, { num: 24000, den: 1001 }, { frames: 240, gop: 48, segments: 2, chunks: [2] }],
    [24, { num: 25, den: 1 }, { frames: 600, gop: 50, segments: 4, chunks: [4] }],
    [60, { num: 30000, den: 1001 }, { frames: 1798, gop: 60, segments: 10, chunks: [2, 8] }],
    [180, { num: 60000, den: 1001 }, { frames: 10789, gop: 120, segments: 30, chunks: [2, 6, 10, 12] }],
    [
      600,
      { num: 25, den: 2 },
      { frames: 7500, gop: 25, segments: 100, chunks: [2, 6, 10, 10, 10, 10, 10, 10, 10, 10, 12] },
    ],
  ];
  for (const [seconds, fps, expected] of rows) assert.deepEqual(shape(seconds, fps), expected, `${seconds} s`);
});

test('chunks of a source that still arrives do not grow: its last one is short', () => {
  const chunks = (seconds: number) =>
    makeGrid({ duration: seconds, fps: { num: 25, den: 1 }, segmentSeconds: 6, keyframes: null, evenChunks: true });
  const lengths = (seconds: number) => chunks(seconds).chunks.map(({ segments }) => segments);
  assert.deepEqual([24, 26, 60, 100].map(lengths), [[4], [2, 3], [2, 2, 2, 2, 2], [2, 2, 2, 2, 2, 2, 2, 3]]);
});

test('every frame lies in exactly one segment and one chunk, whatever the length', () => {
  for (let frames = 1; frames < 4000; frames += 7) {
    const grid = makeGrid({ duration: frames / 30, fps: { num: 30, den: 1 }, segmentSeconds: 6, keyframes: null });
    assert.equal(grid.frames, frames);
    assert.equal(grid.boundaries[0], 0);
    assert.equal(grid.boundaries.at(-1), frames);
    assert.ok(
      grid.boundaries.every((boundary, i) => i === 0 || boundary > (grid.boundaries[i - 1] ?? 0)),
      `rising at ${frames}`,
    );
    let [frame, segment] = [0, 0];
    for (const chunk of grid.chunks) {
      assert.deepEqual([chunk.startFrame, chunk.firstSegment], [frame, segment]);
      assert.equal(chunk.endFrame, grid.boundaries[chunk.firstSegment + chunk.segments]);
      frame = chunk.endFrame;
      segment += chunk.segments;
    }
    assert.deepEqual([frame, segment], [frames, grid.boundaries.length - 1]);
  }
});

test('a copied rendition takes the keyframes of the source, grouped to about a segment', () => {
  const keyframes = [0, 103, 150, 187, 300, 420, 500, 740, 980, 1000];
  const grid = makeGrid({ duration: 1035 / 24, fps: { num: 24, den: 1 }, segmentSeconds: 6, keyframes });
  assert.deepEqual(grid.boundaries, [0, 150, 300, 420, 500, 740, 980, 1035]);
  assert.equal(grid.gopFrames, null);
});

test('without video the boundaries are milliseconds and there are no chunks', () => {
  const grid = makeGrid({ duration: 20.2, fps: null, segmentSeconds: 6, keyframes: null });
  assert.deepEqual([grid.boundaries, grid.frames, grid.chunks], [[0, 6000, 12000, 20200], 0, []]);
});
