// Results delivered to Cloudinary through its SDK, against a server that speaks its upload API and checks signatures.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { PlatformError } from '#domain/error.ts';
import { openCloudinary } from '#storage/cloudinary.ts';
import { ACCOUNT, type CloudinaryServer, startCloudinary } from '../kit/cloudinary-server.ts';
import { eventually } from '../kit/eventually.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';
import { Client, formOf, makePicture, resizeForm, UNLIMITED } from './operations-client.ts';

let cloud: CloudinaryServer;
let server: TestServer;
let client: Client;
before(async () => {
  cloud = await startCloudinary();
  server = await openServer({
    works: true,
    settings: {
      ...UNLIMITED,
      USE_CLOUDINARY: 'True',
      CLOUDINARY_CLOUD_NAME: ACCOUNT.cloudName,
      CLOUDINARY_API_KEY: ACCOUNT.apiKey,
      CLOUDINARY_API_SECRET: ACCOUNT.apiSecret,
      CLOUDINARY_API_URL: cloud.url,
      OPERATION_RETRY_DELAYS: '1,1',
      QUEUE_POLL_INTERVAL_MS: '200',
    },
  });
  client = new Client(server.base);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await cloud[Symbol.asyncDispose]();
});

test('a picture goes there, is downloaded from there, and is removed from there', async () => {
  const { id } = await client.create(resizeForm(await makePicture(), 'photo.png', { width: 20 }));
  const done = await client.until(id, 'completed');
  const publicId = `mediaprocessor/outputs/${id}`;
  const url = `https://res.cloudinary.com/demo-cloud/image/upload/fl_attachment/v1/${publicId}.png`;
  assert.deepEqual([done.output_file?.cloudinary_public_id, done.output_file?.cloudinary_url], [publicId, url]);
  const { format, width } = await sharp(cloud.assets.get(`image/${publicId}`)).metadata();
  assert.deepEqual([format, width], ['png', 20]);
  const download = await client.fetch('GET', `operations/${id}/download/`);
  assert.deepEqual([download.status, download.headers.get('location')], [302, url]);
  assert.equal((await client.call('DELETE', `operations/${id}/`)).status, 200);
  assert.equal(cloud.assets.size, 0);
});

test('sound is of the resource type video; a service that fails for a while is tried again', async () => {
  const film = Buffer.from(await makeFilm(server.folder, 1), 'base64');
  cloud.failNext(2, 503);
  const { id } = await client.create(
    formOf(
      ['operation', 'audio_extract'],
      ['parameters', '{"output_format":"mp3"}'],
      ['file', new Blob([new Uint8Array(film)]), 'film.mp4'],
    ),
  );
  await client.until(id, 'completed');
  assert.ok((cloud.assets.get(`video/mediaprocessor/outputs/${id}`)?.length ?? 0) > 1000);
});

test('what the service refuses for good fails at once, in its words', async () => {
  cloud.failNext(1, 400);
  const { id } = await client.create(resizeForm(await makePicture()));
  const failed = await client.until(id, 'failed');
  assert.equal(failed.error_code, 'destination_refused');
  assert.match(failed.error_message ?? '', /told to fail/);
});

test('large files go in pieces; a wrong secret is refused; the account is pinged', async () => {
  const account = { ...ACCOUNT, apiUrl: cloud.url };
  const right = await openCloudinary(account);
  const large = Buffer.alloc(45 * 1024 ** 2, 'pieces of a large file ');
  assert.equal(
    await right.store('video').write('large/one', Readable.from([large], { objectMode: false })),
    large.length,
  );
  assert.ok(cloud.assets.get('video/large/one')?.equals(large));
  await right.check();
  await right.remove({ resourceType: 'video', path: 'large/one' });
  await right.remove({ resourceType: 'video', path: 'large/one' });
  assert.equal(cloud.assets.has('video/large/one'), false);
  const wrong = await openCloudinary({ ...account, apiSecret: 'another' });
  const denied = (error: unknown) => error instanceof PlatformError && error.code === 'destination_denied';
  await assert.rejects(wrong.store('image').write('x', Buffer.from('x'), { size: 1 }), denied);
  await assert.rejects(wrong.check(), denied);
});

test('health tells of it, and is 503 when it is gone', async () => {
  type Health = { readonly status: string; readonly services: Record<string, string> };
  const well = await client.call<Health>('GET', 'health/');
  assert.deepEqual([well.status, well.body.data.services.cloudinary], [200, 'healthy']);
  await cloud[Symbol.asyncDispose]();
  // What was asked a moment ago is answered from memory.
  const ill = await eventually(async () => {
    const answer = await client.call<Health>('GET', 'health/');
    assert.equal(answer.status, 503);
    return answer;
  });
  assert.deepEqual(
    [ill.status, ill.body.success, ill.body.error.code, ill.body.data.services.cloudinary],
    [503, false, 'degraded', 'unhealthy'],
  );
});

test('a Redis that is configured and does not answer makes health 503 as well', async () => {
  await using lonely = await openServer({ settings: { ...UNLIMITED, REDIS_URL: 'redis://127.0.0.1:1' } });
  const { status, body } = await new Client(lonely.base).call<{ services: Record<string, string> }>('GET', 'health/');
  assert.deepEqual([status, body.data.services.redis, body.data.services.database], [503, 'unhealthy', 'healthy']);
});
