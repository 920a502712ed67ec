import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackUrl, jobStatusesOf, judgeSource } from '#domain/encoder-job.ts';

const facts = { size: 1_000_000, duration: 100 };
const judge = (inputFileSize: number | null, duration: number | null) =>
  judgeSource({ inputFileSize, duration }, facts);

test('what was announced and is so, or was not announced, is no matter', () => {
  for (const [size, duration] of [
    [1_000_000, 100],
    [null, null],
    [0, 0],
    [1_000_000, 101.9],
    [null, 98.1],
  ] as const)
    assert.deepEqual(judge(size, duration), [], `${size} ${duration}`);
});

test('a difference alone is a warning, with both figures', () => {
  assert.deepEqual(judge(950_000, 100), ['input_file_size: the source has 1000000 bytes, announced were 950000']);
  assert.deepEqual(judge(1_100_000, null), ['input_file_size: the source has 1000000 bytes, announced were 1100000']);
  assert.deepEqual(judge(100, null), ['input_file_size: the source has 1000000 bytes, announced were 100']);
  assert.deepEqual(judge(null, 105), ['duration: it lasts 100.0 s, announced were 105 s']);
});

test('the same number of bytes is the same file, however long it was thought to be', () => {
  assert.deepEqual(judge(1_000_000, 3600), ['duration: it lasts 100.0 s, announced were 3600 s']);
});

test('a file that lacks a tenth, or differs by a tenth in length, is a cut one or another', () => {
  assert.throws(() => judge(1_200_000, null), {
    code: 'source_mismatch',
    message: /not whole, or another file: the source has 1000000 bytes, announced were 1200000/,
  });
  assert.throws(() => judge(null, 200), {
    code: 'source_mismatch',
    message: /another file, or a part of it: it lasts 100.0 s, announced were 200 s/,
  });
  assert.throws(() => judge(900_000, 50), { code: 'source_mismatch' });
});

test('short films may differ by seconds: containers round', () => {
  assert.deepEqual(judgeSource({ inputFileSize: null, duration: 3 }, { size: 1, duration: 2 }), []);
  assert.equal(judgeSource({ inputFileSize: null, duration: 6 }, { size: 1, duration: 2 }).length, 1);
  assert.throws(() => judgeSource({ inputFileSize: null, duration: 9 }, { size: 1, duration: 2 }));
});

test('every status of the engine is one of the four', () => {
  assert.deepEqual(jobStatusesOf('pending'), ['queued', 'paused']);
  assert.deepEqual(jobStatusesOf('processing'), ['processing']);
  assert.deepEqual(jobStatusesOf('completed'), ['completed']);
  assert.deepEqual(jobStatusesOf('failed'), ['failed', 'canceled']);
});

test('the address of a callback', () => {
  assert.equal(
    callbackUrl('http://b:8000/api/', '/videos/{video_id}/encoding/', 'a:b'),
    'http://b:8000/api/videos/a%3Ab/encoding/',
  );
  assert.equal(callbackUrl('http://b', '/hook?id={video_id}', 'x'), 'http://b/hook?id=x');
});
