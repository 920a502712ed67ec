// What is kept of the figures of channels: a quarter of an hour of each, and nothing of those that are long off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FigureHistory } from '#api/channels/figure-history.ts';
import { NO_FIGURES } from '#domain/channel.ts';

test('samples are kept a quarter of an hour, and channels with them', () => {
  const history = new FigureHistory();
  for (let second = 0; second <= 1200; second += 300)
    for (const job of second <= 300 ? [1, 2] : [1]) history.add(job, { ...NO_FIGURES, fps: second }, second * 1000);
  history.forget(1_200_000);
  assert.deepEqual(
    history.of(1).map(({ fps }) => fps),
    [600, 900, 1200],
  );
  assert.deepEqual(history.of(2), []);
  assert.deepEqual(history.of(1)[0], { at: 600_000, fps: 600, bitrate: null, speed: null, cpuPercent: null });
});
