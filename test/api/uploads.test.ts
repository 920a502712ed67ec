import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { endUploadLater } from '#workflows/uploads/finish-upload.ts';
import { sweepUploads } from '#workflows/uploads/sweep-uploads.ts';
import { eventually } from '../kit/eventually.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { openServer, type TestServer } from './open-server.ts';
import { bigFilm, cut, evenly, init, sendChunk, sha256, storedKeys, storedOriginal } from './upload-client.ts';

const MB = 1024 ** 2;
let server: TestServer;
let film: Buffer;
before(async () => {
  server = await openServer();
  film = await bigFilm(server.folder, 5 * MB + 77_777);
});
after(() => server[Symbol.asyncDispose]());

const complete = (id: string) => server.call('POST', '/upload/complete', { body: { upload_id: id } });
const look = async (id: string) => (await server.call('GET', `/upload/${id}`)).body as Record<string, unknown>;

test('chunks come in any order, at once and again, and the file is the same', async () => {
  const { upload_id: id, received } = await init(server, {
    total_chunks: 7,
    size: film.length,
    sha256: sha256(film),
    title: 'Seven pieces',
    tags: 'a, b',
  });
  assert.deepEqual(received, []);
  const pieces = evenly(film, 7);
  const send = (index: number, bytes = pieces[index] ?? Buffer.alloc(0)) =>
    sendChunk(server.base, { id, index, bytes });
  // A wrong third chunk first; the right one takes its place.
  assert.equal((await send(2, randomBytes(1000))).status, 200);
  const answers = await Promise.all([6, 4, 0, 2, 0, 5].map((index) => send(index)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  const halfway = await look(id);
  assert.deepEqual([halfway.received, halfway.missing, halfway.status], [[0, 2, 4, 5, 6], [1, 3], 'receiving']);
  const early = await complete(id);
  assert.equal(early.status, 409);
  assert.match(early.text, /lacks 2 of 7 chunks: 1, 3/);
  for (const index of [1, 3]) assert.deepEqual((await send(index)).body.total_chunks, 7);
  const done = await complete(id);
  assert.equal(done.status, 202, done.text);
  assert.deepEqual(done.body, {
    upload_id: id,
    status: 'queued',
    master_url: `${server.base}/stream/${id}/master.m3u8`,
  });
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  // Told twice it is done once.
  assert.deepEqual((await complete(id)).body, done.body);
  assert.deepEqual(await storedKeys(server, `uploads/${id}/`), [`uploads/${id}/original`]);
  const video = (await server.call('GET', `/videos/${id}`)).body as Record<string, unknown>;
  assert.deepEqual(
    [video.hash, video.title, video.tags, video.size, video.status, video.filename],
    [id, 'Seven pieces', ['a', 'b'], film.length, 'queued', 'film.mp4'],
  );
  assert.equal((await send(0)).status, 409);
});

test('chunks of different lengths are joined in their order', async () => {
  const cuts = Array.from({ length: 9 }, () => randomInt(1, film.length)).sort((a, b) => a - b);
  const pieces = cut(
    film,
    cuts.map((at, index) => at - (cuts[index - 1] ?? 0)),
  ).filter((piece) => piece.length > 0);
  const { upload_id: id } = await init(server, { total_chunks: pieces.length });
  const order = pieces.map((_, index) => index).sort(() => Math.random() - 0.5);
  for (const index of order) {
    const { status } = await sendChunk(server.base, { id, index, bytes: pieces[index] ?? Buffer.alloc(0) });
    assert.equal(status, 200);
  }
  const done = await complete(id);
  assert.equal(done.status, 202, done.text);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film), `lengths ${pieces.map((one) => one.length)}`);
  assert.deepEqual(await storedKeys(server, `uploads/${id}/`), [`uploads/${id}/original`]);
});

test('chunks shorter than was announced are joined all the same', async () => {
  const pieces = cut(film, [MB, MB, 700_000, MB]);
  const { upload_id: id } = await init(server, { total_chunks: pieces.length, chunk_size: 2 * MB });
  for (const [index, bytes] of pieces.entries())
    assert.equal((await sendChunk(server.base, { id, index, bytes })).status, 200);
  assert.equal((await complete(id)).status, 202);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
});

test('after the machine went down, what was not yet safe on its disk is asked for again', async () => {
  const pieces = evenly(film, 3);
  const { upload_id: id } = await init(server, { total_chunks: 3 });
  const send = (index: number) => sendChunk(server.base, { id, index, bytes: pieces[index] ?? Buffer.alloc(0) });
  // The third one comes before its place is known: an object of its own, safe when it was answered.
  for (const index of [2, 0, 1]) await send(index);
  await sql`update upload set boot_id = 'the boot before' where id = ${id}`.execute(server.platform.database.db);
  const { received, missing } = await look(id);
  assert.deepEqual([received, missing], [[2], [0, 1]]);
  for (const index of [0, 1]) await send(index);
  assert.equal((await complete(id)).status, 202);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
});

test('an upload whose server died while it was ended is ended by another', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 2 });
  for (const [index, bytes] of evenly(film, 2).entries()) await sendChunk(server.base, { id, index, bytes });
  const { db } = server.platform.database;
  await sql`update upload set status = 'finishing' where id = ${id}`.execute(db);
  const ref = { projectId: 'default', uploadId: id };
  // Two at once, as where the first was only slow.
  await Promise.all([endUploadLater(server.platform, ref), complete(id)]);
  assert.equal(((await server.call('GET', `/videos/${id}`)).body as { status: string }).status, 'queued');
  const { body } = await server.call('GET', `/admin/videos/${id}/status`);
  assert.equal((body as { jobs: unknown[] }).jobs.length, 1);
  await endUploadLater(server.platform, ref);
  await endUploadLater(server.platform, { ...ref, uploadId: crypto.randomUUID() });
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
});

test('the fields of a chunk may come behind its file', async () => {
  const pieces = evenly(film, 2);
  const { upload_id: id } = await init(server, { total_chunks: 2 });
  const orders = [
    ['file', 'index', 'upload_id'],
    ['upload_id', 'file', 'sha256', 'index'],
  ] as const;
  for (const [index, bytes] of pieces.entries()) {
    const sent = await sendChunk(server.base, { id, index, bytes, order: orders[index] ?? [], sha256: sha256(bytes) });
    assert.deepEqual([sent.status, sent.body.received], [200, index + 1]);
  }
  assert.equal((await complete(id)).status, 202);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  assert.deepEqual(
    (await storedKeys(server)).filter((key) => !key.endsWith('/original')),
    [],
  );
});

test('forms of both kinds and JSON begin an upload; one chunk is the whole file', async () => {
  const fields = { filename: 'C:\\films\\one.mp4', total_chunks: '1', qualities: '480p,360p', transcode: 'false' };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const body of [form, new URLSearchParams(fields), JSON.stringify(fields)]) {
    const headers: Record<string, string> = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    const begun = await fetch(`${server.base}/upload/init/`, { method: 'POST', body, headers });
    assert.equal(begun.status, 201);
    const { upload_id: id, ...rest } = (await begun.json()) as Record<string, unknown>;
    assert.deepEqual(rest, { filename: 'one.mp4', total_chunks: 1, chunk_size: 8 * MB, received: [] });
    const put = await fetch(`${server.base}/upload/${id}/chunks/0?sha256=${sha256(film)}`, {
      method: 'PUT',
      body: new Uint8Array(film),
      headers: { 'content-type': 'application/octet-stream' },
    });
    assert.deepEqual([put.status, await put.json()], [200, { upload_id: id, index: 0, received: 1, total_chunks: 1 }]);
    const done = await complete(String(id));
    assert.deepEqual([done.status, (done.body as { status: string }).status], [202, 'uploaded']);
    assert.equal(sha256(await storedOriginal(server, String(id))), sha256(film));
  }
});

test('what is no media is refused and leaves nothing behind', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 1, filename: 'notes.mp4' });
  await sendChunk(server.base, { id, index: 0, bytes: Buffer.from('these are words, not pictures\n'.repeat(500)) });
  const done = await complete(id);
  assert.equal(done.status, 422, done.text);
  assert.equal((done.body as { code: string }).code, 'not_media');
  assert.equal((await complete(id)).status, 422);
  const video = (await server.call('GET', `/videos/${id}`)).body as { status: string; error: { code: string } };
  assert.deepEqual([video.status, video.error.code], ['failed', 'not_media']);
  assert.deepEqual(await storedKeys(server, `uploads/${id}/`), []);
});

test('checksums are checked, of the whole and of each chunk', async () => {
  const whole = await init(server, { total_chunks: 1, sha256: sha256(Buffer.from('another file')) });
  await sendChunk(server.base, { id: whole.upload_id, index: 0, bytes: film });
  const done = await complete(whole.upload_id);
  assert.deepEqual([done.status, (done.body as { code: string }).code], [422, 'checksum_mismatch']);
  const { upload_id: id } = await init(server, { total_chunks: 1 });
  const wrong = await sendChunk(server.base, { id, index: 0, bytes: film, sha256: sha256(Buffer.from('no')) });
  assert.deepEqual([wrong.status, wrong.body.code], [422, 'checksum_mismatch']);
  assert.deepEqual((await look(id)).received, []);
  assert.equal((await sendChunk(server.base, { id, index: 0, bytes: film, sha256: sha256(film) })).status, 200);
  assert.equal((await complete(id)).status, 202);
});

test('a file that has fewer bytes than announced is not taken for whole, and its cut chunk may come again', async () => {
  const pieces = evenly(film, 3);
  const { upload_id: id } = await init(server, { total_chunks: 3, size: film.length });
  const send = (index: number, bytes = pieces[index] ?? Buffer.alloc(0)) =>
    sendChunk(server.base, { id, index, bytes });
  for (const index of [0, 1]) await send(index);
  await send(2, pieces[2]?.subarray(0, -1));
  const cutShort = await complete(id);
  assert.deepEqual([cutShort.status, (cutShort.body as { code: string }).code], [409, 'conflict']);
  assert.match(cutShort.text, new RegExp(`has ${film.length - 1} bytes in its chunks; ${film.length} were announced`));
  assert.equal((await look(id)).status, 'receiving');
  await send(2);
  assert.equal((await complete(id)).status, 202);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
});

test('twenty cuts in the line, and the bytes are the same', async () => {
  const pieces = evenly(film, 8);
  const { upload_id: id } = await init(server, { total_chunks: 8, sha256: sha256(film) });
  const port = Number(new URL(server.base).port);
  const proxy = await startFaultProxy({
    target: port,
    fault: (connection) => (connection < 20 ? { cutUploadAfter: randomInt(300, 600_000) } : {}),
  });
  let cuts = 0;
  try {
    for (let round = 0; round < 60; round++) {
      const { missing } = (await look(id)) as { missing: number[] };
      if (missing.length === 0) break;
      // Each on a connection of its own.
      await Promise.all(
        missing.slice(0, 3).map(async (index) => {
          try {
            await sendChunk(`http://127.0.0.1:${proxy.port}`, {
              id,
              index,
              bytes: pieces[index] ?? Buffer.alloc(0),
              headers: { connection: 'close' },
            });
          } catch {
            cuts += 1;
          }
        }),
      );
    }
    assert.ok(proxy.connections() > 20);
  } finally {
    await proxy.stop();
  }
  const done = await complete(id);
  assert.equal(done.status, 202, done.text);
  assert.equal(cuts, 20);
  assert.equal(sha256(await storedOriginal(server, id)), sha256(film));
  // What stored for a connection that was cut may hear of it late.
  await eventually(async () =>
    assert.deepEqual(await storedKeys(server, `uploads/${id}/`), [`uploads/${id}/original`]),
  );
});

test('an upload is given up by its client, or when its time is over', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 2 });
  await sendChunk(server.base, { id, index: 0, bytes: film.subarray(0, MB) });
  assert.equal((await server.call('DELETE', `/upload/${id}`)).status, 204);
  assert.equal((await server.call('GET', `/upload/${id}`)).status, 404);
  assert.equal((await server.call('GET', `/videos/${id}`)).status, 404);
  const { upload_id: late } = await init(server, { total_chunks: 3 });
  for (const index of [0, 2]) await sendChunk(server.base, { id: late, index, bytes: film.subarray(0, MB) });
  const { upload_id: kept } = await init(server, { total_chunks: 1 });
  await sendChunk(server.base, { id: kept, index: 0, bytes: film });
  await complete(kept);
  // A part whose concatenation is gone: its video was deleted while it was made.
  const part = await fetch(`${server.base}/upload/tus`, {
    method: 'POST',
    headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '10', 'Upload-Concat': 'partial' },
  });
  const orphan = part.headers.get('location')?.split('/').at(-1);
  const { db } = server.platform.database;
  await sql`update upload set status = 'finishing' where id = ${orphan}`.execute(db);
  await sql`update upload set expires_at = now() - interval '1 hour' where id in (${late}, ${kept}, ${orphan})`.execute(
    db,
  );
  await sweepUploads(server.platform);
  assert.equal((await server.call('GET', `/upload/${orphan}`)).status, 404);
  assert.deepEqual(await storedKeys(server, `uploads/${late}/`), []);
  assert.equal((await server.call('GET', `/videos/${late}`)).status, 404);
  // What has become a video lives as long as the video.
  assert.equal(sha256(await storedOriginal(server, kept)), sha256(film));
  assert.equal((await server.call('DELETE', `/upload/${kept}`)).status, 409);
});

test('an upload may be the source of a job instead of a video', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 1, purpose: 'job' });
  await sendChunk(server.base, { id, index: 0, bytes: film });
  const done = await complete(id);
  assert.deepEqual([done.status, done.body], [202, { upload_id: id, status: 'uploaded', master_url: null }]);
  const job = await server.call('POST', '/jobs', {
    body: { source: { kind: 'upload', uploadId: id }, outputs: [{ container: 'mp4' }] },
  });
  assert.equal(job.status, 202, job.text);
  assert.equal((await server.call('GET', `/videos/${id}`)).status, 404);
});

test('the speed test sends and counts bytes', async () => {
  const down = await fetch(`${server.base}/api/speedtest?bytes=3000000`);
  const bytes = Buffer.from(await down.arrayBuffer());
  assert.deepEqual([bytes.length, down.headers.get('cache-control')], [3_000_000, 'no-store']);
  for (const type of ['application/octet-stream', 'application/x-www-form-urlencoded', 'application/json', null]) {
    const headers: Record<string, string> = type === null ? {} : { 'content-type': type };
    const up = await fetch(`${server.base}/api/speedtest`, { method: 'POST', body: new Uint8Array(bytes), headers });
    const counted = (await up.json()) as { bytes: number; seconds: number };
    assert.equal(counted.bytes, 3_000_000, type ?? 'without a type');
    assert.ok(counted.seconds >= 0);
  }
});
