// What one project's keys may not do to another's: whatever is named by its id alone must be the caller's own.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { ChannelInput } from '#domain/channel.ts';
import { resolveInput } from '#live/resolve-input.ts';
import { createKey } from '#workflows/create-key.ts';
import { receiveUpload } from '#workflows/receive-upload.ts';
import { openServer, type TestServer } from './open-server.ts';

let server: TestServer;
const keys = { ours: '', theirs: '' };
before(async () => {
  server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'an-admin-key-of-the-settings' } });
  for (const projectId of ['ours', 'theirs'] as const)
    keys[projectId] = await createKey(server.platform, { name: projectId, scopes: ['admin'], projectId });
});
after(() => server[Symbol.asyncDispose]());

const as = (key: string) => ({ authorization: `Bearer ${key}` });

test("a channel shows no other project's upload", async () => {
  const { id } = await receiveUpload(server.platform, {
    projectId: 'ours',
    filename: 'a.mp4',
    body: Readable.from([Buffer.from('the bytes of one project')]),
  });
  const file = { input_type: 'file', input_file: `upload:${id}` };
  const channel = { name: 'borrowed', output_type: 'hls', ...file };
  const create = (body: object, key: string) =>
    server.call('POST', '/api/channels/', { body, headers: as(key) }) as Promise<{
      status: number;
      body: { id: number; errors: { path: string }[] };
    }>;
  const wishes = [
    [channel, 'input_file'],
    [{ ...channel, input_type: 'test', input_file: null, fallback_input: file }, 'fallback_input.input_file'],
  ] as const;
  for (const [wish, path] of wishes) {
    const refused = await create(wish, keys.theirs);
    assert.equal(refused.status, 400, path);
    assert.equal(refused.body.errors[0]?.path, path);
  }
  const plain = await create({ ...channel, input_type: 'test', input_file: null }, keys.theirs);
  assert.equal(plain.status, 201);
  const changed = await server.call('PATCH', `/api/channels/${plain.body.id}/`, {
    body: file,
    headers: as(keys.theirs),
  });
  assert.equal(changed.status, 400, changed.text);

  const own = await create(channel, keys.ours);
  assert.equal(own.status, 201);
  // What was stored before anybody asked whose it is.
  const input = { inputType: 'file', inputFile: `upload:${id}`, inputLoop: false } as ChannelInput;
  const wish = { input, picture: { width: 320, height: 180, rate: 25 }, proxy: 'http://127.0.0.1:1/' };
  const found = await resolveInput({ platform: server.platform }, { ...wish, projectId: 'ours' });
  await found.close();
  await assert.rejects(resolveInput({ platform: server.platform }, { ...wish, projectId: 'theirs' }), {
    code: 'not_found',
  });
  // Its upload may end before it does: then it is still changed and deleted.
  const { db } = server.platform.database;
  await db.deleteFrom('upload').where('id', '=', id).execute();
  const renamed = await server.call('PATCH', `/api/channels/${own.body.id}/`, {
    body: { name: 'renamed' },
    headers: as(keys.ours),
  });
  assert.equal(renamed.status, 200, renamed.text);
});

test("what all projects share is changed by the default project's admins alone", async () => {
  const ADMIN = 'an-admin-key-of-the-settings';
  const shared = [
    ['POST', '/queue/pause'],
    ['POST', '/queue/drain'],
    ['POST', '/queue/resume'],
    ['PUT', '/queue/projects/ours', { concurrency: 1 }],
    ['POST', '/admin/storage/sweep'],
  ] as const;
  for (const [method, path, body] of shared) {
    const refused = await server.call(method, path, { body, headers: as(keys.theirs) });
    assert.equal(refused.status, 403, path);
    assert.match(refused.text, /concerns all projects/);
    const done = await server.call(method, path, { body, headers: as(ADMIN) });
    assert.ok(done.status < 300, `${path}: ${done.text}`);
  }
  await server.call('POST', '/queue/resume', { headers: as(ADMIN) });
  const limits = async (key: string) => {
    const { body } = await server.call('GET', '/queue', { headers: as(key) });
    return (body as { concurrency: { projects: object } }).concurrency.projects;
  };
  assert.deepEqual(await limits(keys.theirs), {});
  assert.deepEqual(await limits(keys.ours), { ours: 1 });
  assert.deepEqual(await limits(ADMIN), { ours: 1 });
});
