// Sessions of the operations API: fifty of them see only their own; cookies, keys, projects. No worker: operations stay queued.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKey } from '#workflows/create-key.ts';
import { openServer, type TestServer } from './open-server.ts';
import { Client, makePicture, type OperationBody, resizeForm, UNLIMITED } from './operations-client.ts';

let server: TestServer;
let picture: Buffer;
before(async () => {
  server = await openServer({ settings: UNLIMITED });
  picture = await makePicture(16, 16);
});
after(() => server[Symbol.asyncDispose]());

/** Every call that names an operation. */
const CALLS = [
  ['GET', ''],
  ['GET', 'status/'],
  ['GET', 'download/'],
  ['GET', 'events/'],
  ['POST', 'retry/'],
  ['POST', 'cancel/'],
  ['DELETE', ''],
] as const;

const idsOf = async (client: Client): Promise<string[]> =>
  (await client.call<OperationBody[]>('GET', 'operations/')).body.data.map(({ id }) => id);

test('fifty sessions see only their own', async () => {
  const clients = Array.from({ length: 50 }, () => new Client(server.base));
  const ids = await Promise.all(clients.map(async (client) => (await client.create(resizeForm(picture))).id));
  assert.equal(new Set(clients.map(({ cookie }) => cookie)).size, 50);
  await Promise.all(
    clients.map(async (client, i) => {
      assert.deepEqual(await idsOf(client), [ids[i]]);
      const other = ids[(i + 1) % 50];
      for (const [method, path] of CALLS)
        assert.equal((await client.call(method, `operations/${other}/${path}`)).status, 404, `${method} ${path}`);
      const { body } = await client.call<{ operations: { total: number } }>('GET', 'session/');
      assert.equal(body.data.operations.total, 1);
    }),
  );
  // None of those calls has changed anything.
  for (const [i, client] of clients.entries()) assert.equal((await client.get(ids[i] ?? '')).status, 'queued');
});

test('the cookie is signed, for the API alone, out of reach of scripts', async () => {
  const first = await new Client(server.base).fetch('GET', 'session/');
  const cookie = first.headers.get('set-cookie') ?? '';
  assert.match(
    cookie,
    /^rendition_session=[0-9a-f-]{36}\.[\w-]{43}; Path=\/api\/v1; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
  );
  const owner = new Client(server.base);
  const { id } = await owner.create(resizeForm(picture));
  const [name, token = ''] = (owner.cookie ?? '').split('=');
  const changed = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA');
  const unsigned = token.split('.')[0] ?? '';
  for (const forged of [changed, unsigned, `${unsigned}.`, '']) {
    const thief = new Client(server.base);
    thief.cookie = `${name}=${forged}`;
    assert.equal((await thief.call('GET', `operations/${id}/`)).status, 404, forged);
  }
  assert.equal((await owner.call('GET', `operations/${id}/`)).status, 200);
});

test('X-Session-Key carries what session/ gave, or a long secret of the client; a forged one is refused', async () => {
  const owner = new Client(server.base);
  const { id } = await owner.create(resizeForm(picture));
  const { body } = await owner.call<{ session_key: string }>('GET', 'session/');
  const key = body.data.session_key;
  const program = new Client(server.base, { 'x-session-key': key });
  assert.deepEqual(await idsOf(program), [id]);
  assert.equal(program.cookie, null, 'who sends the header needs no cookie');
  const forged = new Client(server.base, { 'x-session-key': `${key.slice(0, -2)}${key.endsWith('AA') ? 'BB' : 'AA'}` });
  const refused = await forged.call('GET', 'operations/');
  assert.deepEqual([refused.status, refused.body.error.code], [401, 'unauthorized']);
  const own = { 'x-session-key': 'a-secret-of-my-own-0001' };
  const mine = await new Client(server.base, own).create(resizeForm(picture));
  assert.deepEqual(await idsOf(new Client(server.base, own)), [mine.id]);
  assert.deepEqual(await idsOf(new Client(server.base, { 'x-session-key': 'a-secret-of-my-own-0002' })), []);
});

test('with keys: a scope for each call, the key is the session, another project sees nothing', async () => {
  await using keyed = await openServer({ settings: { ...UNLIMITED, AUTH: 'on', ADMIN_KEY: 'an-admin-key-for-this' } });
  const make = async (scopes: readonly ('read' | 'write')[], projectId = 'default') =>
    new Client(keyed.base, {
      authorization: `Bearer ${await createKey(keyed.platform, { name: 'k', scopes: [...scopes], projectId })}`,
    });
  const [both, reader, foreign] = [
    await make(['read', 'write']),
    await make(['read']),
    await make(['read', 'write'], 'other'),
  ];
  const { id } = await both.create(resizeForm(picture));
  assert.equal(both.cookie, null);
  assert.deepEqual(await idsOf(both), [id]);
  const nobody = await new Client(keyed.base).call('GET', 'operations/');
  assert.deepEqual([nobody.status, nobody.body.error.code], [401, 'unauthorized']);
  const forbidden = await reader.call('POST', 'operations/', { body: resizeForm(picture) });
  assert.deepEqual([forbidden.status, forbidden.body.error.code], [403, 'forbidden']);
  for (const stranger of [reader, foreign]) assert.equal((await stranger.call('GET', `operations/${id}/`)).status, 404);
  // The same session in another project is another one.
  const shared = { 'x-session-key': 'one-secret-in-two-projects' };
  const here = new Client(keyed.base, { ...both.headers, ...shared });
  const there = new Client(keyed.base, { ...foreign.headers, ...shared });
  const mine = await here.create(resizeForm(picture));
  assert.deepEqual(await idsOf(here), [mine.id]);
  assert.deepEqual(await idsOf(there), []);
  assert.equal((await there.call('DELETE', `operations/${mine.id}/`)).status, 404);
  // The key of the settings is one caller as well.
  const admin = () => new Client(keyed.base, { 'x-api-key': 'an-admin-key-for-this' });
  const adminsOwn = await admin().create(resizeForm(picture));
  assert.deepEqual(await idsOf(admin()), [adminsOwn.id]);
  assert.equal((await new Client(keyed.base).call('GET', 'health/')).status, 200);
});

test('where the server is reached by https, the cookie is secure', async () => {
  for (const settings of [{ PUBLIC_URL: 'https://media.example.com' }, { TRUSTED_PROXIES: '127.0.0.1' }]) {
    await using secure = await openServer({ settings: { ...UNLIMITED, ...settings } });
    const headers = { 'x-forwarded-proto': 'https' };
    const answer = await new Client(secure.base, headers).fetch('GET', 'session/');
    assert.match(answer.headers.get('set-cookie') ?? '', /; HttpOnly; SameSite=Lax; Secure$/);
  }
});

test('every call says what it needs of a key: reading to look, writing to change', async () => {
  await using keyed = await openServer({ settings: { ...UNLIMITED, AUTH: 'on', ADMIN_KEY: 'an-admin-key-for-this' } });
  const keys = new Map<string, string>();
  for (const scope of ['read', 'write', 'worker'] as const)
    keys.set(scope, await createKey(keyed.platform, { name: scope, scopes: [scope], projectId: 'default' }));
  const { paths } = keyed.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const routes = Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/v1/') && path !== '/api/v1/health')
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path] as const));
  assert.ok(routes.length >= 13, routes.join('; '));
  for (const [method, path] of routes) {
    const target = path.slice('/api/v1/'.length).replace('{id}', '00000000-0000-7000-8000-000000000000');
    const needed = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
    const ask = async (headers: Record<string, string>) =>
      (await new Client(keyed.base, headers).fetch(method, target.replace('{name}', 'audio_convert'))).status;
    assert.equal(await ask({}), 401, `${method} ${path} without a key`);
    for (const [scope, key] of keys) {
      const status = await ask({ 'x-api-key': key });
      if (scope === needed) assert.ok(status !== 401 && status !== 403, `${method} ${path} with ${scope}: ${status}`);
      else assert.equal(status, 403, `${method} ${path} with ${scope}`);
    }
  }
});
