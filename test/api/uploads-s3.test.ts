import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import * as tus from 'tus-js-client';
import { bucketAccess, makeBucket, openClient } from '../kit/bucket.ts';
import { eventually } from '../kit/eventually.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { openServer, type TestServer } from './open-server.ts';
import { bigFilm, cut, init, sendChunk, sha256, storedKeys, storedOriginal } from './upload-client.ts';

const MB = 1024 ** 2;
const missing = swiftMissing();
const skip = missing === false ? {} : { skip: missing };
let swift: Swift;
let server: TestServer;
let film: Buffer;
let client: S3Client;
before(async () => {
  if (missing !== false) return;
  swift = await startSwift();
  client = openClient(swift);
  await makeBucket(swift, 'videos');
  server = await openServer({
    settings: {
      STORAGE_URL: 's3://videos/media',
      ...bucketAccess(swift),
    },
  });
  film = await bigFilm(server.folder, 17 * MB + 4321);
});
after(async () => {
  if (missing !== false) return;
  client.destroy();
  await server[Symbol.asyncDispose]();
  await swift.stop();
});

const complete = (id: string) => server.call('POST', '/upload/complete', { body: { upload_id: id } });
const isStored = async (id: string) => {
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  assert.deepEqual(await storedKeys(server, `uploads/${id}/`), [`uploads/${id}/original`]);
};
const openMultiparts = async () =>
  (await client.send(new ListMultipartUploadsCommand({ Bucket: 'videos' }))).Uploads?.length ?? 0;

test('chunks, large and small, in any order, joined inside S3', skip, async () => {
  for (const lengths of [
    [6 * MB, 6 * MB],
    [MB, 6 * MB, 300, 2 * MB, 1],
  ]) {
    const pieces = cut(film, lengths);
    const { upload_id: id } = await init(server, { total_chunks: pieces.length, sha256: sha256(film) });
    for (const index of pieces.map((_, at) => at).reverse()) {
      const sent = await sendChunk(server.base, { id, index, bytes: pieces[index] ?? Buffer.alloc(0) });
      assert.equal(sent.status, 200, JSON.stringify(sent.body));
    }
    const done = await complete(id);
    assert.equal(done.status, 202, done.text);
    await isStored(id);
  }
  assert.equal(await openMultiparts(), 0);
});

test('tus through cuts, and in parts at once', skip, async () => {
  const proxy = await startFaultProxy({
    target: Number(new URL(server.base).port),
    fault: (connection) => (connection > 0 && connection <= 5 ? { cutUploadAfter: randomInt(1000, 3 * MB) } : {}),
  });
  const upload = (options: Partial<tus.UploadOptions>): Promise<string> =>
    new Promise((resolve, reject) => {
      const started: tus.Upload = new tus.Upload(film, {
        metadata: { filename: 'film.mp4', sha256: sha256(film) },
        retryDelays: Array.from({ length: 20 }, () => 5),
        onError: reject,
        onSuccess: () => resolve(started.url?.split('/').at(-1) ?? ''),
        ...options,
      });
      started.start();
    });
  try {
    const ids = [
      await upload({ endpoint: `http://127.0.0.1:${proxy.port}/upload/tus/`, headers: { connection: 'close' } }),
      await upload({ endpoint: `${server.base}/upload/tus/`, parallelUploads: 3 }),
    ];
    for (const id of ids)
      await eventually(async () => {
        const { body } = await server.call('GET', `/videos/${id}`);
        assert.equal((body as { status: string }).status, 'queued');
        await isStored(id);
      });
    // A request whose connection was cut may still be storing what another has stored since: then it takes it back.
    await eventually(async () =>
      assert.deepEqual(
        (await storedKeys(server)).filter((key) => !key.endsWith('/original')),
        [],
      ),
    );
  } finally {
    await proxy.stop();
  }
});

test('parts are sent straight to S3 by signed addresses', skip, async () => {
  const begun = await server.call('POST', '/upload/presign', {
    body: { filename: 'direct.mp4', size: film.length, part_size: 6 * MB, title: 'Direct' },
  });
  assert.equal(begun.status, 201, begun.text);
  const {
    upload_id: id,
    parts,
    part_size: size,
    total_parts: total,
  } = begun.body as {
    upload_id: string;
    part_size: number;
    total_parts: number;
    parts: { part_number: number; url: string }[];
  };
  assert.deepEqual([size, total, parts.map((part) => part.part_number)], [6 * MB, 3, [1, 2, 3]]);
  const send = async (number: number, url: string) => {
    assert.equal(new URL(url).origin, swift.endpoint);
    const body = new Uint8Array(film.subarray((number - 1) * size, number * size));
    assert.equal((await fetch(url, { method: 'PUT', body })).status, 200);
  };
  for (const { part_number: number, url } of parts.slice(0, 2)) await send(number, url);
  const early = await complete(id);
  assert.deepEqual([early.status, /lacks 1 of 3 parts: 3/.test(early.text)], [409, true], early.text);
  const another = { filename: 'direct.mp4', size: 9 * MB, upload_id: id };
  assert.equal((await server.call('POST', '/upload/presign', { body: another })).status, 409);
  const status = (await server.call('GET', `/upload/${id}`)).body as { received: number[]; missing: number[] };
  assert.deepEqual([status.received, status.missing], [[0, 1], [2]]);
  const more = await server.call('POST', '/upload/presign', { body: { upload_id: id, part_numbers: [3] } });
  assert.equal(more.status, 200, more.text);
  await send(3, (more.body as { parts: { url: string }[] }).parts[0]?.url ?? '');
  const done = await complete(id);
  assert.deepEqual([done.status, (done.body as { status: string }).status], [202, 'queued'], done.text);
  await isStored(id);
});

test('parts that S3 would not join are told while they can be sent again', skip, async () => {
  const presign = async (body: Readonly<Record<string, unknown>>) => {
    const answer = await server.call('POST', '/upload/presign', { body });
    return answer.body as { upload_id: string; parts: { url: string }[] };
  };
  const put = (url: string | undefined, bytes: Buffer) =>
    fetch(url ?? '', { method: 'PUT', body: new Uint8Array(bytes) });
  const { upload_id: id, parts } = await presign({ filename: 'small.mp4' });
  const none = await complete(id);
  assert.deepEqual([none.status, /no bytes in S3/.test(none.text)], [409, true], none.text);
  await put(parts[0]?.url, film.subarray(0, MB));
  const { parts: others } = await presign({ upload_id: id, part_numbers: [2] });
  await put(others[0]?.url, film.subarray(6 * MB));
  const early = await complete(id);
  const { errors } = early.body as { errors: { path: string; message: string }[] };
  assert.deepEqual([early.status, errors.map(({ path }) => path)], [409, ['parts.1']]);
  await put(parts[0]?.url, film.subarray(0, 6 * MB));
  const done = await complete(id);
  assert.equal(done.status, 202, done.text);
  await isStored(id);
});

test("the same in the words of Uppy's AwsS3 plugin, and given up", skip, async () => {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await server.call(method, `/upload/s3/multipart${path}`, body === undefined ? {} : { body });
    assert.equal(answer.status, 200, answer.text);
    return answer.body as Record<string, string>;
  };
  const begin = () =>
    call('POST', '', { filename: 'uppy.mp4', type: 'video/mp4', metadata: { name: 'uppy.mp4', title: 'From Uppy' } });
  const { uploadId: id = '', key } = await begin();
  for (const number of [1, 2, 3]) {
    const { url = '' } = await call('GET', `/${id}/${number}?key=${key}`);
    const body = new Uint8Array(film.subarray((number - 1) * 6 * MB, number * 6 * MB));
    assert.equal((await fetch(url, { method: 'PUT', body })).status, 200);
  }
  const listed = (await call('GET', `/${id}?key=${key}`)) as unknown as { PartNumber: number; ETag: string }[];
  assert.deepEqual(
    listed.map(({ PartNumber }) => PartNumber),
    [1, 2, 3],
  );
  await call('POST', `/${id}/complete?key=${key}`, { parts: listed });
  await isStored(id);
  assert.equal(((await server.call('GET', `/videos/${id}`)).body as { title: string }).title, 'From Uppy');
  const { uploadId: other } = await begin();
  assert.equal(await openMultiparts(), 1);
  await call('DELETE', `/${other}?key=${other}`);
  assert.equal(await openMultiparts(), 0);
  assert.equal((await server.call('GET', `/videos/${other}`)).status, 404);
});
