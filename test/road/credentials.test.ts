// Which credentials open a bucket: those of the request, else the environment's, else the credentials file's, else the role's.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { makeBucket, openClient } from '../kit/bucket.ts';
import { needTool } from '../kit/decode.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { startRendition } from '../kit/rendition-server.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';

const missing = swiftMissing();
const skip = missing ? { skip: missing } : {};
const WRONG = { id: 'test:nobody', secret: 'wrongwrong' };
let folder = '';
let swift: Swift;
let fresh: FreshDatabase;
let roles: Server;
let roleUrl = '';
let asked = 0;

before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-credentials-'));
  [swift, fresh] = await Promise.all([startSwift(), freshDatabase()]);
  const client = openClient(swift);
  const sound = ['-f', 'lavfi', '-i', 'sine=440:d=1', '-f', 'wav', join(folder, 'tone.wav')];
  await needTool('ffmpeg', ['-v', 'error', ...sound]);
  await makeBucket(swift, 'media');
  await client.send(
    new PutObjectCommand({ Bucket: 'media', Key: 'tone.wav', Body: await readFile(join(folder, 'tone.wav')) }),
  );
  client.destroy();
  // What a container gets its role from.
  roles = createServer((_request, response) => {
    asked += 1;
    const { accessKeyId, accessKeySecret } = swift;
    const body = { AccessKeyId: accessKeyId, SecretAccessKey: accessKeySecret, Token: 'of-the-role' };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...body, Expiration: new Date(Date.now() + 3_600_000).toISOString() }));
  });
  await new Promise<void>((resolve) => roles.listen(0, '127.0.0.1', resolve));
  const address = roles.address();
  roleUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/role`;
});
after(async () => {
  if (missing) return;
  await swift?.stop();
  await fresh?.drop();
  roles?.close();
  await rm(folder, { recursive: true, force: true });
});

async function credentialsFile(id: string, secret: string): Promise<string> {
  const path = join(folder, 'credentials');
  await writeFile(path, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`);
  return path;
}

/** What becomes of a job whose source has these credentials, on a server with those settings: `completed`, or its code. */
async function outcomes(settings: Readonly<Record<string, string>>, requests: readonly object[]): Promise<string[]> {
  await using server = await startRendition({
    settings: { DATABASE_URL: fresh.url, S3_ENDPOINT: swift.endpoint, AWS_EC2_METADATA_DISABLED: 'true', ...settings },
  });
  const found: string[] = [];
  for (const credentials of requests) {
    const response = await fetch(`${server.url}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        source: { kind: 's3', bucket: 'media', path: 'tone.wav', ...credentials },
        outputs: [{ container: 'mp3' }],
      }),
    });
    assert.equal(response.status, 202);
    const { status, error } = await server.waitFor(((await response.json()) as { uuid: string }).uuid, 300);
    found.push(error?.code ?? status);
  }
  return found;
}

const right = () => ({ access_key_id: swift.accessKeyId, access_key_secret: swift.accessKeySecret });
const wrong = { access_key_id: WRONG.id, access_key_secret: WRONG.secret };

describe('credentials for S3', { ...skip, concurrency: 1 }, () => {
  test('those of the request come before those of the environment, and these before the file', async () => {
    const file = await credentialsFile(WRONG.id, WRONG.secret);
    const rightOnes = { AWS_ACCESS_KEY_ID: swift.accessKeyId, AWS_SECRET_ACCESS_KEY: swift.accessKeySecret };
    assert.deepEqual(await outcomes({ ...rightOnes, AWS_SHARED_CREDENTIALS_FILE: file }, [{}, wrong, right()]), [
      'completed',
      'source_denied',
      'completed',
    ]);
    const wrongOnes = { AWS_ACCESS_KEY_ID: WRONG.id, AWS_SECRET_ACCESS_KEY: WRONG.secret };
    const good = await credentialsFile(swift.accessKeyId, swift.accessKeySecret);
    assert.deepEqual(await outcomes({ ...wrongOnes, AWS_SHARED_CREDENTIALS_FILE: good }, [{}, right()]), [
      'source_denied',
      'completed',
    ]);
  });

  test('the file comes before the role, and the role last', async () => {
    const good = await credentialsFile(swift.accessKeyId, swift.accessKeySecret);
    const role = { AWS_CONTAINER_CREDENTIALS_FULL_URI: roleUrl };
    assert.deepEqual(await outcomes({ ...role, AWS_SHARED_CREDENTIALS_FILE: good }, [{}]), ['completed']);
    assert.equal(asked, 0, 'with a file nobody asks for the role');
    const none = join(folder, 'none');
    assert.deepEqual(await outcomes({ ...role, AWS_SHARED_CREDENTIALS_FILE: none, HOME: folder }, [{}]), ['completed']);
    assert.ok(asked > 0);
    assert.deepEqual(await outcomes({ AWS_SHARED_CREDENTIALS_FILE: none, HOME: folder }, [{}]), ['source_denied']);
  });
});
