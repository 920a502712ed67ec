// What has come of a film into a bucket, where it lies in pieces: encoded while the rest arrives.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { findUpload } from '#database/uploads.ts';
import { findArrived } from '#workflows/uploads/arrived-object.ts';
import { bucketAccess, makeBucket } from '../kit/bucket.ts';
import { eventually } from '../kit/eventually.ts';
import { startSwift, swiftMissing } from '../kit/swift.ts';
import { beginTus, chunksOf, FILM, LADDER, timesOf } from './arriving-client.ts';
import { openServer, type TestServer } from './open-server.ts';
import { standardFilm, whenReady } from './stream-client.ts';
import { evenly, init, sendChunk, storedKeys } from './upload-client.ts';

const CHUNKS = 16;
/** So many hold the first chunk of film, with what a decoder reads ahead. */
const MOST = 11;

type Begun = { readonly id: string; readonly sendRest: () => Promise<void> };

async function beginChunks(server: TestServer, bytes: Buffer): Promise<Begun> {
  const pieces = evenly(bytes, CHUNKS);
  const { upload_id: id } = await init(server, { total_chunks: CHUNKS, filename: 'film.mp4' });
  const send = async (from: number, to: number) => {
    for (const [i, piece] of pieces.slice(from, to).entries())
      assert.equal((await sendChunk(server.base, { id, index: from + i, bytes: piece })).status, 200);
  };
  await send(0, MOST);
  const complete = () => server.call('POST', '/upload/complete', { body: { upload_id: id } });
  return { id, sendRest: async () => void (await send(MOST, CHUNKS).then(complete)) };
}

async function beginByTus(server: TestServer, bytes: Buffer): Promise<Begun> {
  const { id, send } = await beginTus(server, bytes);
  const most = Math.round((bytes.length * MOST) / CHUNKS);
  await send(0, most);
  return { id, sendRest: () => send(most, bytes.length) };
}

test('what has come of a film into a bucket is encoded while the rest arrives, once', {
  skip: swiftMissing(),
}, async () => {
  const swift = await startSwift();
  try {
    await makeBucket(swift, 'media');
    const settings = { STORAGE_URL: 's3://media', ...bucketAccess(swift), ...LADDER };
    await using server = await openServer({ works: true, settings });
    const { database } = server.platform;
    const bytes = await readFile(await standardFilm(server.folder, FILM.seconds, FILM));
    for (const begin of [beginChunks, beginByTus]) {
      const { id, sendRest } = await begin(server, bytes);
      const [first] = await eventually(() => chunksOf(server, id), { until: (all) => all[0]?.status === 'done' });
      assert.equal((await fetch(`${server.base}/stream/${id}/360p/playlist.m3u8`)).status, 404);
      const upload = await findUpload(database.db, { projectId: 'default', id });
      assert.ok(upload?.status === 'receiving');
      const arrived = await findArrived(server.platform, upload);
      assert.ok(arrived.size > bytes.length / 2 && arrived.size < bytes.length);
      const [start, end] = [1000, arrived.size - 1001];
      const read = async () => buffer(await arrived.store.read(arrived.key, { start, end }));
      assert.deepEqual(await read(), bytes.subarray(start, end + 1));
      await sendRest();
      assert.equal(((await whenReady(server, id)).body as { status: string }).status, 'ready');
      const kept = (await chunksOf(server, id))[0];
      assert.deepEqual([kept?.id, kept?.attempt, kept?.result], [first?.id, first?.attempt, first?.result]);
      assert.equal((await timesOf(server, id, '240p')).length, FILM.seconds * FILM.rate);
      await eventually(() => storedKeys(server, `uploads/${id}/`), {
        until: (keys) => keys.every((key) => key === upload.storageKey),
      });
      // Whoever still reads the pieces reads on in the whole.
      assert.deepEqual(await read(), bytes.subarray(start, end + 1));
    }
  } finally {
    await swift.stop();
  }
});
