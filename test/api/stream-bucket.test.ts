// Streams out of a bucket: the original is read by ranges, and players may be sent to the bucket itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketAccess, makeBucket } from '../kit/bucket.ts';
import { checkStream } from '../kit/check-playlists.ts';
import { startSwift, swiftMissing } from '../kit/swift.ts';
import { openServer } from './open-server.ts';
import { standardFilm, upload, whenReady } from './stream-client.ts';

test('a video in a bucket plays out of its original, and stored segments come from the bucket', {
  skip: swiftMissing(),
}, async () => {
  const swift = await startSwift();
  try {
    await makeBucket(swift, 'media');
    await using server = await openServer({
      works: true,
      settings: {
        STORAGE_URL: 's3://media/videos',
        ...bucketAccess(swift),
        STREAM_FROM_S3: 'redirect',
        SEGMENT_SECONDS: '2',
        CHILD_NICENESS: '0',
      },
    });
    const id = await upload(server, await standardFilm(server.folder, 6), { qualities: '360p,240p' });
    const place = `${server.base}/stream/${id}`;
    assert.match(await (await fetch(`${place}/master.m3u8`)).text(), /360p\/playlist\.m3u8/);
    // Cut out of the original by us; encoded ones lie in the bucket.
    const own = await fetch(`${place}/360p/segment_00001.m4s`, { redirect: 'manual' });
    assert.equal(own.status, 200);
    await whenReady(server, id);
    const sent = await fetch(`${place}/240p/segment_00001.m4s`, { redirect: 'manual' });
    assert.equal(sent.status, 302);
    assert.ok(sent.headers.get('location')?.startsWith(swift.endpoint));
    const there = await fetch(`${place}/240p/segment_00001.m4s`);
    assert.equal(Buffer.from(await there.arrayBuffer()).toString('latin1', 4, 8), 'moof');
    assert.deepEqual(await checkStream(`${place}/master.m3u8`), []);
  } finally {
    await swift.stop();
  }
});
