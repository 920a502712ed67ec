// Operations whose files lie in S3: uploaded straight into the bucket, worked on by ranges, served from there, removed from there. Against a real S3 server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { bucketAccess, makeBucket } from '../kit/bucket.ts';
import { eventually } from '../kit/eventually.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';
import { Client, formOf, makePicture, resizeForm, UNLIMITED } from './operations-client.ts';

const missing = swiftMissing();
let swift: Swift;
let server: TestServer;
before(async () => {
  if (missing) return;
  swift = await startSwift();
  await makeBucket(swift, 'operations');
  server = await openServer({
    works: true,
    settings: {
      ...UNLIMITED,
      STORAGE_URL: 's3://operations/managed',
      ...bucketAccess(swift),
    },
  });
});
after(async () => {
  if (missing) return;
  await server[Symbol.asyncDispose]();
  await swift.stop();
});

test('files in S3: in, worked on, out, gone', { skip: missing }, async () => {
  const me = new Client(server.base);
  const film = Buffer.from(await makeFilm(server.folder, 2), 'base64');
  const picture = await me.create(resizeForm(await makePicture(), 'photo.png', { width: 20 }));
  const sound = await me.create(
    formOf(
      ['file', new Blob([new Uint8Array(film)]), 'film.mp4'],
      ['operation', 'audio_extract'],
      ['parameters', '{"output_format":"flac"}'],
    ),
  );
  await me.until(picture.id, 'completed');
  const done = await me.until(sound.id, 'completed');
  const download = await me.fetch('GET', `operations/${picture.id}/download/`);
  assert.equal((await sharp(Buffer.from(await download.arrayBuffer())).metadata()).width, 20);
  const part = await me.fetch('GET', `operations/${sound.id}/download/`, { headers: { range: 'bytes=0-3' } });
  assert.deepEqual([part.status, await part.text()], [206, 'fLaC']);
  assert.equal(part.headers.get('content-range'), `bytes 0-3/${done.output_file?.file_size}`);
  for (const { id } of [picture, sound]) assert.equal((await me.call('DELETE', `operations/${id}/`)).status, 200);
  await eventually(async () => {
    const left: string[] = [];
    for await (const { key } of server.platform.storage.list('')) left.push(key);
    assert.deepEqual(left, []);
  });
});
