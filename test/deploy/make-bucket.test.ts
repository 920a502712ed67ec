import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { makeImageFolder } from './image-folder.ts';

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

describe('the bucket of compose', { skip: swiftMissing() }, () => {
  const image = makeImageFolder();
  let swift: Swift;
  before(async () => {
    swift = await startSwift();
  });
  after(async () => {
    await swift?.stop();
    image.remove();
  });

  const makeBucket = (settings: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    new Promise((settle) => {
      const env = {
        PATH: process.env.PATH,
        STORAGE_URL: 's3://media/rendition',
        S3_ENDPOINT: swift.endpoint,
        AWS_ACCESS_KEY_ID: swift.accessKeyId,
        AWS_SECRET_ACCESS_KEY: swift.accessKeySecret,
        ...settings,
      };
      const args = [join(image.app, 'deploy/make-bucket.ts')];
      const child = execFile(process.execPath, args, { env }, (_error, stdout, stderr) =>
        settle({ code: child.exitCode, stdout, stderr }),
      );
    });

  test('is made once, by packages that the image has', async () => {
    assert.deepEqual(await makeBucket(), { code: 0, stdout: 'the bucket media was made\n', stderr: '' });
    assert.deepEqual(await makeBucket(), { code: 0, stdout: 'the bucket media is there\n', stderr: '' });
  });

  test('a wrong secret is told at once', async () => {
    const { code, stderr } = await makeBucket({ AWS_SECRET_ACCESS_KEY: 'wrong', STORAGE_URL: 's3://other' });
    assert.equal(code, 1);
    assert.match(stderr, /SignatureDoesNotMatch|AccessDenied/);
  });

  test('a server that is not there yet is waited for', async () => {
    const proxy = await startFaultProxy({
      target: swift.port,
      // More than the client's own tries.
      fault: (connection) => (connection < 8 ? { cutUploadAfter: 0 } : {}),
    });
    const settings = { S3_ENDPOINT: `http://127.0.0.1:${proxy.port}`, STORAGE_URL: 's3://late' };
    assert.deepEqual(await makeBucket(settings), { code: 0, stdout: 'the bucket late was made\n', stderr: '' });
    assert.ok(proxy.connections() > 8);
    await proxy.stop();
  });
});
