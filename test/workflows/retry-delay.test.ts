// Which failures are tried again, when, and which of them count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { PlatformError } from '#domain/error.ts';
import { type FailedTry, planRetry } from '#workflows/retry-delay.ts';

const config = loadConfig({ QUEUE_MAX_ATTEMPTS: '3' });
const failed = (changes: Partial<FailedTry>) =>
  planRetry(
    config,
    { api: 'jobs' },
    {
      ...{ error: new PlatformError('storage_failed', 'it broke'), tries: 1, attempt: 1, isStorageAway: false },
      ...changes,
    },
  );
const between = (seconds: number | undefined, least: number, most: number) =>
  assert.ok(seconds !== undefined && seconds >= least && seconds <= most, `${seconds} s`);

test('what may pass is tried again after growing pauses until its tries are over; what cannot pass is not', () => {
  assert.equal(failed({})?.burnt, true);
  between(failed({ tries: 1 })?.startAfter, 2, 3);
  between(failed({ tries: 2, attempt: 2 })?.startAfter, 4, 5);
  assert.equal(failed({ tries: 3, attempt: 3 }), null);
  assert.equal(failed({ error: new PlatformError('corrupt_media', 'nothing in it') }), null);
});

test('while storage is away nothing counts, and what waits is tried every quarter of a minute', () => {
  const away = (attempt: number) => failed({ isStorageAway: true, tries: 3, attempt });
  for (const attempt of [3, 4, 50]) assert.equal(away(attempt)?.burnt, false);
  between(away(3)?.startAfter, 2, 3);
  between(away(50)?.startAfter, 15, 19);
  assert.equal(failed({ isStorageAway: true, error: new PlatformError('corrupt_media', 'nothing in it') }), null);
});
