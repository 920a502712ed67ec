// What a place that was reached answers: it is not called unreachable, and what may pass is tried again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FTPError } from 'basic-ftp';
import { PlatformError } from '#domain/error.ts';
import { ftpError } from '#storage/ftp-connection.ts';
import { s3Error } from '#storage/s3-client.ts';

const told = (error: Error) => (error instanceof PlatformError ? [error.code, error.retryable] : [error.name]);
const ofS3 = (name: string, httpStatusCode: number) =>
  Object.assign(new Error('no'), { name, $metadata: { httpStatusCode } });

test('an S3 server that cannot take the file now', () => {
  const answers: [name: string, status: number][] = [
    ['InternalError', 500],
    ['SlowDown', 503],
    ['TooManyRequests', 429],
  ];
  for (const [name, status] of answers) {
    const error = s3Error('s3://b/k', 'destination', ofS3(name, status));
    assert.deepEqual(told(error), ['destination_refused', true], name);
    assert.match(error.message, new RegExp(`${name} \\(${status}\\)`));
    assert.deepEqual(told(s3Error('s3://b/k', 'source', ofS3(name, status))), ['source_unreachable', true]);
    assert.deepEqual(told(s3Error('s3://b/k', 'managed', ofS3(name, status))), ['storage_failed', true]);
  }
  assert.deepEqual(told(s3Error('s3://b/k', 'destination', ofS3('EntityTooLarge', 400))), [
    'destination_refused',
    false,
  ]);
});

test('an FTP server whose disk is full or busy, and one that goes', () => {
  const answer = (code: number) =>
    told(ftpError('ftp://h/k', 'destination', new FTPError({ code, message: `${code} no` })));
  for (const code of [450, 451, 452]) assert.deepEqual(answer(code), ['destination_refused', true], String(code));
  for (const code of [421, 425, 426]) assert.deepEqual(answer(code), ['destination_unreachable', true], String(code));
  assert.deepEqual(answer(552), ['destination_refused', false]);
});
