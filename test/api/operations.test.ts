// The operations API as its callers see it: forms, envelope, files, downloads, states. With a real worker.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import sharp from 'sharp';
import { sweepCluster } from '#workflows/janitor.ts';
import { eventually } from '../kit/eventually.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';
import { Client, formOf, makePicture, type OperationBody, resizeForm, UNLIMITED } from './operations-client.ts';

let server: TestServer;
let picture: Buffer;
let film: Buffer;
before(async () => {
  server = await openServer({ works: true, settings: { ...UNLIMITED, RETENTION_HOURS: '0' } });
  picture = await makePicture();
  film = Buffer.from(await makeFilm(server.folder, 2), 'base64');
});
after(() => server[Symbol.asyncDispose]());

const client = () => new Client(server.base);
const blob = (bytes: Buffer) => new Blob([new Uint8Array(bytes)]);
/** Everything that lies in managed storage. */
async function stored(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of server.platform.storage.list('')) keys.push(key);
  return keys.sort();
}
/** What lies there since. What others before have left may still be on its way out. */
const added = async (before: readonly string[]): Promise<string[]> =>
  (await stored()).filter((key) => !before.includes(key));
const uploads = async (): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from upload`.execute(server.platform.database.db);
  return rows[0]?.n ?? -1;
};

test('a file goes in, its result comes out: envelope, record, download', async () => {
  const me = client();
  const form = resizeForm(picture, '../../etc/ph\u202eöto "1".png', { width: 20, output_format: 'webp' });
  const created = await me.call('POST', 'operations/', { body: form });
  assert.equal(created.status, 201);
  const { data } = created.body;
  assert.equal(created.headers.get('location'), `/api/v1/operations/${data.id}/`);
  assert.deepEqual(Object.keys(created.body), ['success', 'data', 'message']);
  assert.deepEqual([created.body.success, created.body.message], [true, 'Operation created and queued for processing']);
  assert.match(data.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.match(data.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(
    [data.operation, data.status, data.progress, data.parameters],
    ['image_resize', 'queued', 0, { width: 20, output_format: 'webp' }],
  );
  const { file_name, file_size, mime_type, metadata } = data.input_file;
  assert.deepEqual([file_name, file_size, mime_type], ['ph_öto _1_.png', picture.length, 'image/png']);
  assert.deepEqual(metadata, { format: 'png', width: 64, height: 48 });

  const done = await me.until(data.id, 'completed');
  assert.deepEqual([done.progress, done.error_message, done.eta_seconds], [100, null, null]);
  assert.ok(done.started_at && done.completed_at && done.expires_at);
  assert.equal(Date.parse(done.expires_at) - Date.parse(done.completed_at), 7 * 86_400_000);
  assert.deepEqual(
    [done.output_file?.file_name, done.output_file?.mime_type, done.output_file?.metadata],
    ['ph_öto _1_.webp', 'image/webp', { format: 'webp', width: 20, height: 15 }],
  );

  const download = await me.fetch('GET', `operations/${data.id}/download/`);
  const bytes = Buffer.from(await download.arrayBuffer());
  assert.equal(download.status, 200);
  assert.equal(download.headers.get('content-type'), 'image/webp');
  assert.equal(download.headers.get('cache-control'), 'private, no-cache');
  assert.equal(download.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(
    download.headers.get('content-disposition'),
    `attachment; filename="ph__to _1_.webp"; filename*=UTF-8''ph_%C3%B6to%20_1_.webp`,
  );
  assert.equal(bytes.length, done.output_file?.file_size);
  const { format, width, height } = await sharp(bytes).metadata();
  assert.deepEqual([format, width, height], ['webp', 20, 15]);

  const part = await me.fetch('GET', `operations/${data.id}/download/`, { headers: { range: 'bytes=4-11' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 4-11/${bytes.length}`]);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(4, 12));
  const head = await me.fetch('HEAD', `operations/${data.id}/download`);
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)]);
});

test('fields may come after the file, as JSON too; without parameters the defaults hold; the same without a form', async () => {
  const me = client();
  const json = new Blob([JSON.stringify({ width: 8 })], { type: 'application/json' });
  const forms = [
    formOf(['file', blob(picture), 'a.png'], ['parameters', '{"width":8}'], ['operation', 'image_resize']),
    formOf(['operation', 'image_convert'], ['file', blob(picture), 'a.png'], ['parameters', '{"output_format":"jpg"}']),
    formOf(['file', blob(picture), 'a.png'], ['operation', 'image_compress']),
  ];
  assert.equal(json.type, 'application/json');
  for (const form of forms) await me.until((await me.create(form)).id, 'completed');
  const body = {
    operation: 'image_resize',
    parameters: { width: 8 },
    file: picture.toString('base64'),
    file_name: 'x.png',
  };
  const asJson = await me.call('POST', 'operations', {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  const fields = new URLSearchParams({ ...body, parameters: '{"width":8}' }).toString();
  const asFields = await me.call('POST', 'operations', {
    body: fields,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  for (const { status, body: answer } of [asJson, asFields]) {
    assert.equal(status, 201, JSON.stringify(answer));
    await me.until(answer.data.id, 'completed');
  }
});

test('content decides what a file is, never its name', async () => {
  const me = client();
  const operation = await me.create(
    formOf(['operation', 'audio_extract'], ['parameters', '{"output_format":"wav"}'], ['file', blob(film), 'song.txt']),
  );
  assert.equal(operation.input_file.mime_type, 'video/mp4');
  const { duration, bitrate, sample_rate, ...rest } = operation.input_file.metadata;
  assert.deepEqual(rest, {
    format: 'mp4',
    width: 320,
    height: 180,
    video_codec: 'h264',
    audio_codec: 'aac',
    channels: 1,
    frame_rate: 24,
  });
  assert.ok(Math.abs(Number(duration) - 2) < 0.1 && Number(bitrate) > 0);
  assert.equal(sample_rate, 48_000);
  const done = await me.until(operation.id, 'completed');
  assert.deepEqual([done.output_file?.file_name, done.output_file?.mime_type], ['song.wav', 'audio/wav']);
  assert.equal(done.output_file?.metadata.channels, 1);
  // A picture that is called a film is a picture still.
  const refused = await me.call('POST', 'operations/', {
    body: formOf(
      ['operation', 'video_convert'],
      ['parameters', '{"output_format":"mp4"}'],
      ['file', blob(picture), 'film.mp4'],
    ),
  });
  assert.equal(refused.status, 422);
  assert.match(refused.body.error.message, /video_convert takes mp4, .* and the file is png/);
});

test('what is wrong is said in the envelope, naming the field; nothing of it is kept', async () => {
  const me = client();
  const before = await stored();
  const file: [string, Blob, string] = ['file', blob(picture), 'a.png'];
  const operation: [string, string] = ['operation', 'image_resize'];
  const wide: [string, string] = ['parameters', '{"width":20}'];
  const svg = new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>']);
  const ribbon = await makePicture(17_000, 1);
  const cases: [FormData, number, string, string | null][] = [
    [formOf(file, wide), 400, 'invalid_request', 'operation'],
    [formOf(['operation', 'video_explode'], wide, file), 400, 'invalid_request', 'operation'],
    [formOf(operation, wide), 400, 'invalid_request', 'file'],
    [formOf(operation, wide, file, file), 400, 'invalid_request', 'file'],
    [formOf(operation, ['parameters', '{"width"'], file), 400, 'invalid_request', 'parameters'],
    [formOf(operation, ['parameters', '[]'], file), 400, 'invalid_request', 'parameters'],
    [formOf(operation, ['parameters', '{"width":0}'], file), 400, 'invalid_request', 'parameters.width'],
    [formOf(operation, file, ['parameters', '{"depth":1}']), 400, 'invalid_request', 'parameters.depth'],
    [formOf(file, operation), 400, 'invalid_request', 'parameters.width'],
    [formOf(operation, wide, ['picture', blob(picture), 'a.png']), 400, 'invalid_request', 'picture'],
    [formOf(operation, wide, ['colour', 'red'], file), 400, 'invalid_request', 'colour'],
    [formOf(operation, wide, ['file', 'a.png']), 400, 'invalid_request', 'file'],
    // What only a look into the file tells.
    [
      formOf(['operation', 'video_trim'], ['parameters', '{"start":100}'], ['file', blob(film), 'a.mp4']),
      400,
      'invalid_request',
      'parameters',
    ],
    [
      formOf(
        ['operation', 'image_convert'],
        ['parameters', '{"output_format":"webp"}'],
        ['file', blob(ribbon), 'a.png'],
      ),
      400,
      'invalid_request',
      'parameters',
    ],
    [formOf(operation, wide, ['file', svg, 'a.png']), 422, 'not_media', 'file'],
    [formOf(operation, wide, ['file', new Blob(['#EXTM3U\n/etc/passwd']), 'a.mp4']), 422, 'not_media', 'file'],
    [formOf(operation, wide, ['file', new Blob([]), 'a.png']), 422, 'empty_source', 'file'],
    [
      formOf(operation, wide, ['file', new Blob([new Uint8Array(picture.subarray(0, 60))]), 'a.png']),
      422,
      'corrupt_media',
      'file',
    ],
  ];
  for (const [form, status, code, path] of cases) {
    const answer = await me.call('POST', 'operations/', { body: form });
    const said = JSON.stringify(answer.body);
    assert.deepEqual([answer.status, answer.body.success, answer.body.error?.code], [status, false, code], said);
    if (path !== null)
      assert.deepEqual(
        answer.body.error.details.errors.map((one) => one.path),
        [path],
        said,
      );
    assert.deepEqual(Object.keys(answer.body), ['success', 'error']);
  }
  const { body } = await me.call<OperationBody[]>('GET', 'operations/');
  assert.deepEqual([body.data, body.pagination.total], [[], 0]);
  assert.deepEqual([await added(before), await uploads()], [[], 0]);
});

test('errors below the prefix wear its envelope, whoever throws them', async () => {
  const me = client();
  const json = { 'content-type': 'application/json' };
  const cases: [string, string, object, number, string][] = [
    ['GET', 'nothing/here', {}, 404, 'not_found'],
    ['PUT', 'operations/', {}, 405, 'invalid_request'],
    ['GET', 'operations/none/cancel/', {}, 405, 'invalid_request'],
    ['GET', 'operations/?page=0', {}, 400, 'invalid_request'],
    ['GET', 'operations/?page_size=101', {}, 400, 'invalid_request'],
    ['GET', 'operations/?status=done', {}, 400, 'invalid_request'],
    ['GET', 'operations/none', {}, 404, 'not_found'],
    ['GET', 'operation-definitions/none/', {}, 404, 'not_found'],
    ['POST', 'operations/', { body: '{"operation"', headers: json }, 400, 'invalid_request'],
    ['POST', 'operations/', { body: 'x', headers: { 'content-type': 'text/x' } }, 415, 'invalid_request'],
    ['GET', 'session/', { headers: { 'x-session-key': 'short' } }, 400, 'invalid_request'],
    ['POST', 'operations/', { headers: { origin: 'https://elsewhere.example' } }, 403, 'forbidden'],
  ];
  for (const [method, path, init, status, code] of cases) {
    const answer = await me.call(method, path, init);
    const said = `${method} ${path}: ${JSON.stringify(answer.body)}`;
    assert.deepEqual([answer.status, answer.body.success, answer.body.error?.code], [status, false, code], said);
  }
});

test('lists are paged, newest first, and filtered', async () => {
  const me = client();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.unshift((await me.create(resizeForm(picture))).id);
  for (const id of ids) await me.until(id, 'completed');
  const page = async (query: string) => (await me.call<OperationBody[]>('GET', `operations/?${query}`)).body;
  const second = await page('page=2&page_size=2');
  assert.deepEqual(
    second.data.map(({ id }) => id),
    ids.slice(2),
  );
  assert.deepEqual(second.pagination, { page: 2, page_size: 2, total: 3, total_pages: 2 });
  assert.deepEqual(
    (await page('')).data.map(({ id }) => id),
    ids,
  );
  assert.equal((await page('status=completed')).pagination.total, 3);
  assert.equal((await page('status=failed')).pagination.total, 0);
  assert.equal((await page('operation=video_trim')).pagination.total, 0);
  const { body } = await me.call<{ operations: Record<string, number> }>('GET', 'session/');
  assert.deepEqual([body.data.operations.total, body.data.operations.completed], [3, 3]);
});

test('status, events, definitions, queues and health', async () => {
  const me = client();
  const { id } = await me.create(resizeForm(picture));
  const stream = await me.fetch('GET', `operations/${id}/events/`);
  assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/);
  let told = '';
  for await (const bytes of stream.body ?? []) {
    told += Buffer.from(bytes).toString();
    if (told.includes('"completed"')) break;
  }
  assert.match(told, /event: status\ndata: \{"id":"[^"]+","status":"completed","progress":100,/);
  const { body: status } = await me.call('GET', `operations/${id}/status/`);
  assert.deepEqual(status.data, { id, status: 'completed', progress: 100, eta_seconds: null, error_message: null });

  const { body: list } = await me.call<{ name: string; parameters: Record<string, object> }[]>(
    'GET',
    'operation-definitions/',
  );
  assert.deepEqual(list.pagination, { page: 1, page_size: 100, total: list.data.length, total_pages: 1 });
  const { body: part } = await me.call<object[]>('GET', 'operation-definitions/?page=2&page_size=5');
  assert.deepEqual(part.data, list.data.slice(5, 10));
  const { body: one } = await me.call('GET', 'operation-definitions/video_compress/');
  assert.deepEqual(
    list.data.find(({ name }) => name === 'video_compress'),
    one.data,
  );
  for (const name of ['video_convert', 'image_resize', 'image_convert', 'audio_convert', 'audio_extract'])
    assert.ok(
      list.data.some((found) => found.name === name),
      name,
    );
  assert.deepEqual(Object.keys(one.data).sort(), [
    'description',
    'input_formats',
    'max_file_size',
    'media_type',
    'name',
    'output_formats',
    'parameters',
  ]);

  const { body: queues } = await me.call<Record<string, object>>('GET', 'queues/');
  const shape = Object.values(queues.data).map((queue) => [
    (queue as { name: string }).name,
    (queue as { workers: number }).workers,
    (queue as { timeout_seconds: number }).timeout_seconds,
  ]);
  assert.deepEqual(shape, [
    ['video_queue', 1, 1800],
    ['image_queue', 2, 60],
    ['audio_queue', 1, 300],
  ]);
  const health = await me.call<{ status: string; services: Record<string, string> }>('GET', 'health/');
  assert.equal(health.status, 200);
  assert.deepEqual(health.body.data.services, {
    database: 'healthy',
    redis: 'disabled',
    storage: 'healthy',
    cloudinary: 'disabled',
    queue: 'healthy',
    ffmpeg: 'healthy',
  });
});

test('deleting removes job and files; what was deleted is nowhere', async () => {
  const before = await stored();
  const me = client();
  const { id } = await me.create(resizeForm(picture));
  await me.until(id, 'completed');
  const deleted = await me.call('DELETE', `operations/${id}/`);
  assert.deepEqual([deleted.status, deleted.body.success, deleted.body.data], [200, true, { id }]);
  for (const path of ['', 'status/', 'download/', 'events/'])
    assert.equal((await me.call('GET', `operations/${id}/${path}`)).status, 404, path);
  assert.equal((await me.call('DELETE', `operations/${id}/`)).status, 404);
  await eventually(async () => assert.deepEqual(await added(before), []));
  const { rows } = await sql<{ is_deleted: boolean }>`select is_deleted from operation where id = ${id}`.execute(
    server.platform.database.db,
  );
  assert.deepEqual(rows, [{ is_deleted: true }]);
});

test('seven days after its end an operation goes with its files, not before, whatever RETENTION_HOURS says', async () => {
  const { db } = server.platform.database;
  const me = client();
  const before = await stored();
  const { id } = await me.create(resizeForm(picture));
  await me.until(id, 'completed');
  const endedAgo = (seconds: number) =>
    sql`update job set completed_at = now() - make_interval(secs => ${seconds})
        from operation where operation.job_id = job.id and operation.id = ${id}`.execute(db);
  await endedAgo(7 * 86_400 - 60);
  await sweepCluster(server.platform);
  assert.equal((await me.fetch('GET', `operations/${id}/download/`)).status, 200);
  await endedAgo(7 * 86_400 + 1);
  assert.equal((await me.call('GET', `operations/${id}/`)).status, 404, 'before the janitor comes');
  await sweepCluster(server.platform);
  await eventually(async () => assert.deepEqual(await added(before), []));
  const { rows } = await sql<{
    n: number;
  }>`select count(*)::int as n from operation_file where operation_id = ${id}`.execute(db);
  assert.deepEqual(rows, [{ n: 0 }]);
});

test('scratch is empty when nothing runs', async () => {
  const [own = ''] = await readdir(`${server.folder}/scratch`);
  await eventually(async () => assert.deepEqual(await readdir(`${server.folder}/scratch/${own}`), []));
});
