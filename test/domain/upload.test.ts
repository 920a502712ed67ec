import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBytes, readChecksum, readConcat, readLength, readMetadata } from '#domain/tus.ts';
import {
  arrivedBytes,
  arrivedPieces,
  chunkSizeOf,
  describeChunks,
  isRegular,
  missingChunks,
  plainFilename,
  readSha256,
} from '#domain/upload.ts';
import { videoProgress } from '#domain/video.ts';
import { planJoin } from '#storage/s3-piecewise.ts';

const MB = 1024 ** 2;

test('chunks: what is missing, where they belong, how they are named', () => {
  assert.deepEqual(missingChunks(6, [5, 0, 2]), [1, 3, 4]);
  assert.equal(describeChunks([0, 1, 2, 7, 9, 10]), '0-2, 7, 9-10');
  assert.equal(describeChunks(Array.from({ length: 50 }, (_, index) => index * 2)).endsWith('38, …'), true);
  assert.deepEqual(
    [
      { size: 10, totalChunks: 3 },
      { size: null, totalChunks: 3 },
      { size: 1, totalChunks: 5 },
    ].map(chunkSizeOf),
    [4, 8 * MB, 1],
  );
  assert.deepEqual(
    [isRegular([5], null), isRegular([5, 5, 2], 5), isRegular([5, 4, 5], 5), isRegular([5, 5], null)],
    [true, true, false, false],
  );
});

test('bytes that have come without a gap from the beginning, each in its place', () => {
  const part = (index: number, size = 5, storageKey: string | null = null) => ({ index, size, storageKey });
  const chunks = { protocol: 'chunks', received: 0, chunkSize: 5 };
  assert.deepEqual(
    [
      [],
      [part(1)],
      [part(0), part(1), part(3)],
      [part(0), part(1, 5, 'uploads/x/parts/1'), part(2)],
      [part(0), part(1, 3), part(2)],
    ].map((parts) => arrivedBytes(chunks, parts)),
    [0, 0, 10, 5, 8],
  );
  assert.equal(arrivedBytes({ protocol: 'tus', received: 77, chunkSize: null }, []), 77);
  assert.deepEqual(arrivedPieces([part(0, 5, 'a'), part(1, 3, 'b'), part(3, 5, 'c')]), [
    { key: 'a', size: 5 },
    { key: 'b', size: 3 },
  ]);
  assert.deepEqual(arrivedPieces([part(0), part(1, 5, 'b')]), []);
});

test('names of files are names alone', () => {
  assert.deepEqual(
    ['a.mp4', '../../etc/passwd', 'C:\\x\\film 1.mov', '', '..', 'a\u0000b\n.mp4', 'x/'].map(plainFilename),
    ['a.mp4', 'passwd', 'film 1.mov', 'upload', 'upload', 'ab.mp4', 'upload'],
  );
  assert.equal(plainFilename('x'.repeat(400)).length, 255);
  // Letters of any direction stay; what would turn the name around does not.
  assert.equal(plainFilename('\u202efdp.فيلم "q".mp4'), 'fdp.فيلم "q".mp4');
});

test('checksums are read from hex and base64', () => {
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const base64 = Buffer.from(hex, 'hex').toString('base64');
  assert.deepEqual([readSha256(hex.toUpperCase()), readSha256(base64)], [hex, hex]);
  assert.throws(() => readSha256('abc'), { code: 'invalid_request' });
});

test('headers of tus', () => {
  assert.deepEqual(readMetadata('filename ZmlsbS5tcDQ=,empty, title VA=='), {
    filename: 'film.mp4',
    empty: '',
    title: 'T',
  });
  assert.deepEqual(Object.keys(readMetadata('__proto__ VA==')), ['__proto__']);
  assert.throws(() => readMetadata('a b c'), { code: 'invalid_request' });
  assert.equal(readBytes('Upload-Length', '12'), 12);
  for (const wrong of ['-1', '1.5', '', '1e3', '99999999999999999999', undefined])
    assert.throws(() => readBytes('Upload-Length', wrong), { code: 'invalid_request' });
  assert.deepEqual(readChecksum('sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0='), {
    algorithm: 'sha1',
    digest: 'Kq5sNclPz7QV2+lfQIuc6R7oRu0=',
  });
  assert.equal(readChecksum(undefined), null);
  for (const wrong of ['crc32 AAAA', 'sha1', 'sha1 !', 'sha1 a b'])
    assert.throws(() => readChecksum(wrong), { code: 'invalid_request' });
  assert.deepEqual(readConcat(undefined), { kind: 'whole' });
  assert.deepEqual(readConcat('partial'), { kind: 'partial' });
  assert.deepEqual([readLength('7', undefined), readLength(undefined, '1')], [7, null]);
  for (const [length, defer] of [
    ['7', '1'],
    [undefined, '2'],
    [undefined, undefined],
  ])
    assert.throws(() => readLength(length, defer), { code: 'invalid_request' });
  assert.deepEqual(readConcat('final;/upload/tus/A https://x.example/upload/tus/b/?token=1'), {
    kind: 'final',
    ids: ['a', 'b'],
  });
  for (const wrong of ['final', 'final;', 'other']) assert.throws(() => readConcat(wrong), { code: 'invalid_request' });
});

test('joining inside S3: small ones gather bytes of the next until they make a part', () => {
  assert.deepEqual(planJoin([{ key: 'a', size: 3 }]), [{ kind: 'bytes', ranges: [{ key: 'a', start: 0, end: 2 }] }]);
  assert.deepEqual(
    planJoin([
      { key: 'a', size: 6 * MB },
      { key: 'b', size: MB },
      { key: 'c', size: 20 * MB },
      { key: 'd', size: 10 },
    ]),
    [
      { kind: 'copy', key: 'a', start: 0, end: 6 * MB - 1 },
      {
        kind: 'bytes',
        ranges: [
          { key: 'b', start: 0, end: MB - 1 },
          { key: 'c', start: 0, end: 4 * MB - 1 },
        ],
      },
      { kind: 'copy', key: 'c', start: 4 * MB, end: 20 * MB - 1 },
      { kind: 'bytes', ranges: [{ key: 'd', start: 0, end: 9 }] },
    ],
  );
  const long = planJoin([{ key: 'x', size: 1100 * MB }]);
  assert.deepEqual(
    long.map((step) => (step.kind === 'copy' ? step.end - step.start + 1 : 0)).reduce((sum, one) => sum + one, 0),
    1100 * MB,
  );
  assert.equal(long.length, 3);
});

test('progress of a video is that of what is not done yet', () => {
  const job = { jobId: 1, uuid: '', etaSeconds: null, error: null, qualities: null };
  assert.equal(videoProgress({ status: 'uploading', jobs: [] }), 0);
  assert.equal(videoProgress({ status: 'ready', jobs: [{ ...job, status: 'completed', progress: 100 }] }), 100);
  assert.equal(
    videoProgress({
      status: 'processing',
      jobs: [
        { ...job, status: 'completed', progress: 100 },
        { ...job, status: 'processing', progress: 33.3 },
      ],
    }),
    33.3,
  );
});
