// What of an upload is refused, and what becomes of one that cannot be ended.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { endUploadAgain } from '#workflows/uploads/finish-upload.ts';
import { openServer, type TestServer } from './open-server.ts';
import { init, sendChunk } from './upload-client.ts';

let server: TestServer;
before(async () => {
  server = await openServer();
});
after(() => server[Symbol.asyncDispose]());

const complete = (id: string) => server.call('POST', '/upload/complete', { body: { upload_id: id } });
const look = async (id: string) => (await server.call('GET', `/upload/${id}`)).body as Record<string, unknown>;

test('what is asked wrongly is told by its field', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 2, size: 1000, chunk_size: 500 });
  const bytes = Buffer.alloc(10, 1);
  const answers = [
    await sendChunk(server.base, { id, index: 2, bytes }),
    await sendChunk(server.base, { id, index: 0, bytes: Buffer.alloc(0) }),
    await sendChunk(server.base, { id, index: 0, bytes: Buffer.alloc(1200, 1) }),
    await sendChunk(server.base, { id: 'nothing', index: 0, bytes }),
    await sendChunk(server.base, { id, index: 0, bytes, order: ['upload_id', 'index'] }),
  ];
  const told = answers.map(({ status, body }) => [status, (body.errors as { path: string }[] | undefined)?.[0]?.path]);
  assert.deepEqual(told, [
    [400, 'index'],
    [400, 'file'],
    [400, 'size'],
    [404, undefined],
    [400, 'file'],
  ]);
  assert.match(String(answers[3]?.body.detail), /"nothing"/);
  for (const [fields, path] of [
    [{ total_chunks: 0 }, 'total_chunks'],
    [{ total_chunks: 1, filename: undefined }, 'filename'],
    [{ total_chunks: 1, sha256: 'xyz' }, 'sha256'],
    [{ total_chunks: 1, qualities: '999p' }, 'qualities.0'],
    [{ total_chunks: 3, size: 1000, chunk_size: 500 }, 'total_chunks'],
    [{ total_chunks: true }, 'total_chunks'],
    [{ total_chunks: [2] }, 'total_chunks'],
    [{ total_chunks: 11, size: 10 }, 'total_chunks'],
    [{ total_chunks: 100_000, chunk_size: 2 ** 40 }, 'chunk_size'],
  ] as const) {
    const answer = await server.call('POST', '/upload/init', { body: { filename: 'x.mp4', ...fields } });
    assert.deepEqual([answer.status, (answer.body as { errors: { path: string }[] }).errors[0]?.path], [400, path]);
  }
  const huge = await server.call('POST', '/upload/init', {
    body: { filename: 'x.mp4', total_chunks: 1, size: 10 ** 15 },
  });
  assert.equal(huge.status, 413);
  // An empty field is no index, and 0x1 none that anybody means.
  for (const index of ['', '0x1', '1.5', '-1']) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ upload_id: id, index })) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(bytes)]), 'blob');
    const answer = await fetch(`${server.base}/upload/chunk`, { method: 'POST', body: form });
    const { errors } = (await answer.json()) as { errors: { path: string; message: string }[] };
    assert.deepEqual([answer.status, errors[0]?.path], [400, 'index'], index);
    assert.match(errors[0]?.message ?? '', /0 to 99999/);
  }
  assert.deepEqual(((await look(id)) as { received: number[] }).received, []);
});

test('forms that are none are told as such; a chunk alone needs no type; a list has a field for each member', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 2 });
  const field = (name: string, value: string) =>
    `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const cut = await fetch(`${server.base}/upload/chunk`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: `${field('upload_id', id)}${field('index', '0')}--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc`,
  });
  const problem = (await cut.json()) as { code: string; detail: string };
  assert.deepEqual([cut.status, problem.code], [400, 'invalid_request']);
  assert.match(problem.detail, /form cannot be read/);
  const put = (headers: Record<string, string>) =>
    fetch(`${server.base}/upload/${id}/chunks/1`, {
      method: 'PUT',
      headers,
      body: new Uint8Array(Buffer.from('{"no":"JSON"}')),
    });
  for (const headers of [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'application/x-www-form-urlencoded' },
  ])
    assert.equal((await put(headers as Record<string, string>)).status, 200);
  assert.equal((await put({ 'content-type': 'multipart/form-data; boundary=x' })).status, 400);
  const form = new FormData();
  for (const [name, value] of Object.entries({ filename: 'x.mp4', total_chunks: '1' })) form.append(name, value);
  for (let index = 0; index < 50; index++) form.append('tags[]', `tag ${index}`);
  const begun = await fetch(`${server.base}/upload/init`, { method: 'POST', body: form });
  const { upload_id: tagged } = (await begun.json()) as { upload_id: string };
  const video = (await server.call('GET', `/videos/${tagged}`)).body as { tags: string[] };
  assert.equal(video.tags.length, 50);
  const two = new FormData();
  for (const name of ['file', 'file']) two.append(name, new Blob(['a']), 'blob');
  const files = await fetch(`${server.base}/upload/chunk`, { method: 'POST', body: two });
  assert.match(((await files.json()) as { detail: string }).detail, /more files than this call takes/);
});

test('an upload that cannot be ended is tried again, and has failed when its time is over', async () => {
  const { upload_id: id } = await init(server, { total_chunks: 1 });
  await sendChunk(server.base, { id, index: 0, bytes: Buffer.alloc(1000, 1) });
  const { db } = server.platform.database;
  await rm(path.join(server.folder, 'storage', 'uploads', id), { recursive: true });
  const lost = await complete(id);
  assert.equal(lost.status, 503, lost.text);
  const waiting = (await look(id)) as { status: string; error: { code: string } };
  assert.deepEqual([waiting.status, waiting.error.code], ['finishing', 'storage_failed']);
  const entries = async () =>
    (
      await sql<{ count: number }>`select count(*)::int as count from pgboss.job
        where name = 'housekeeping' and state < 'active' and data->>'uploadId' = ${id} and data->>'chore' = 'finish-upload'`.execute(
        db,
      )
    ).rows[0]?.count;
  assert.equal(await entries(), 1);
  const ref = { projectId: 'default', uploadId: id };
  await endUploadAgain(server.platform, ref);
  assert.equal(await entries(), 2);
  await sql`update upload set expires_at = now() - interval '1 hour' where id = ${id}`.execute(db);
  await endUploadAgain(server.platform, ref);
  const failed = (await look(id)) as { status: string; error: { message: string } };
  assert.equal(failed.status, 'failed');
  assert.match(failed.error.message, /could not be ended within 24 hours; last: /);
  assert.equal(((await server.call('GET', `/videos/${id}`)).body as { status: string }).status, 'failed');
});
