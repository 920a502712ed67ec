// The life of a video in a bucket: encrypted, stopped in the middle, gone on with, deleted; and an upload that nobody goes on with. Nothing is left behind.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { sweepCluster } from '#workflows/janitor.ts';
import { bucketAccess, makeBucket, openClient } from '../kit/bucket.ts';
import { checkStream } from '../kit/check-playlists.ts';
import { eventually } from '../kit/eventually.ts';
import { startSwift, swiftMissing } from '../kit/swift.ts';
import { writeSlowFfmpeg } from '../road/processes.ts';
import { openServer } from './open-server.ts';
import { otherFilm, upload, whenReady } from './stream-client.ts';

const MB = 1024 ** 2;

test('a video in a bucket is stopped, gone on with and deleted, an upload expires: the bucket is empty', {
  skip: swiftMissing(),
}, async () => {
  const swift = await startSwift();
  const s3 = openClient(swift);
  const folder = await mkdtemp(path.join(tmpdir(), 'rendition-life-'));
  try {
    await makeBucket(swift, 'media');
    await using server = await openServer({
      works: true,
      settings: {
        STORAGE_URL: 's3://media/videos',
        ...bucketAccess(swift),
        SEGMENT_SECONDS: '2',
        // Ten seconds of film a second: there is a middle that it can be stopped in.
        FFMPEG_PATH: await writeSlowFfmpeg(folder, 10),
      },
    });
    const left = async () => {
      const { Contents: objects = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'media' }));
      const { Uploads: open = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'media' }));
      return [...objects, ...open].map(({ Key }) => Key);
    };
    const body = { filename: 'abandoned.mp4', size: 12 * MB, part_size: 6 * MB };
    const begun = await server.call('POST', '/upload/presign', { body });
    const { parts } = begun.body as { parts: { url: string }[] };
    const part = await fetch(parts[0]?.url ?? '', { method: 'PUT', body: new Uint8Array(6 * MB) });
    assert.equal(part.status, 200);
    assert.equal((await left()).length, 1);
    const { pool } = server.platform.database;
    await pool.query(`update upload set expires_at = now() - interval '1 second'`);
    await sweepCluster(server.platform);
    assert.deepEqual(await left(), []);

    const film = await otherFilm(server.folder, 30, { rate: 10 });
    const id = await upload(server, film, { qualities: '360p,240p', encryption: 'aes-128' });
    const place = `${server.base}/stream/${id}`;
    const names = async () =>
      (await (await fetch(`${place}/240p/playlist.m3u8`)).text())
        .split('\n')
        .filter((line) => /^(seg|light)/.test(line));
    await eventually(async () => assert.ok((await names()).length >= 2));
    const stopped = await server.call('PUT', `/videos/${id}/stop`);
    assert.equal(stopped.status, 200, stopped.text);
    const shown = await names();
    assert.ok(shown.length >= 2);
    const one = await fetch(`${place}/240p/${shown[1]}`);
    assert.deepEqual([one.status, (await one.arrayBuffer()).byteLength % 16], [200, 0]);
    assert.equal((await server.call('PUT', `/videos/${id}/resume`)).status, 200);
    const { body: ready } = await whenReady(server, id);
    assert.equal((ready as { status: string }).status, 'ready');
    assert.deepEqual(await checkStream(`${place}/master.m3u8`), []);
    assert.equal((await names()).length, 15);
    assert.equal((await server.call('DELETE', `/videos/${id}`)).status, 204);
    await eventually(async () => assert.deepEqual(await left(), []));
  } finally {
    s3.destroy();
    await swift.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
