// Keys and scopes over every route; and, without keys, what keeps strangers' pages out.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import type { Scope } from '#domain/access.ts';
import { createKey } from '#workflows/create-key.ts';
import { openServer, type TestServer } from './open-server.ts';

const ADMIN = 'an-admin-key-of-the-settings';
const body = { source: { kind: 'http', url: 'https://media.invalid/a.mp4' }, outputs: [{ container: 'mp3' }] };

/** What each documented route needs; a route that is not here fails the first test. `ok` is the answer to who may. */
const ROUTES: Readonly<Record<string, { readonly scope: Scope | 'open'; readonly ok: readonly number[] }>> = {
  'get /health': { scope: 'open', ok: [200] },
  'get /api/v1/health': { scope: 'open', ok: [200] },
  'get /metrics': { scope: 'open', ok: [200] },
  'get /workers': { scope: 'read', ok: [200] },
  'get /events': { scope: 'read', ok: [200] },
  'get /events/stream': { scope: 'read', ok: [200] },
  'post /plan': { scope: 'write', ok: [422] },
  'post /jobs': { scope: 'write', ok: [202] },
  'get /jobs': { scope: 'read', ok: [200] },
  'get /jobs/{id}': { scope: 'read', ok: [200] },
  'get /jobs/{id}/log': { scope: 'read', ok: [200] },
  'get /jobs/{id}/events': { scope: 'read', ok: [200] },
  'get /jobs/{id}/outputs/{index}/{path}': { scope: 'read', ok: [404] },
  'head /jobs/{id}/outputs/{index}/{path}': { scope: 'read', ok: [404] },
  'post /jobs/{id}/pause': { scope: 'write', ok: [200] },
  'post /jobs/{id}/resume': { scope: 'write', ok: [200] },
  'post /jobs/{id}/cancel': { scope: 'write', ok: [200] },
  'post /jobs/{id}/retry': { scope: 'write', ok: [200] },
  'get /jobs/{id}/deliveries': { scope: 'read', ok: [200] },
  'post /jobs/{id}/deliveries/{deliveryId}/resend': { scope: 'write', ok: [404] },
  'get /queue': { scope: 'read', ok: [200] },
  'post /queue/pause': { scope: 'admin', ok: [200] },
  'post /queue/drain': { scope: 'admin', ok: [200] },
  'post /queue/resume': { scope: 'admin', ok: [200] },
  'put /queue/projects/{project}': { scope: 'admin', ok: [400] },
  'delete /jobs/{id}': { scope: 'write', ok: [204] },
};

/** The same of the routes whose answers have tests of their own: here only who gets past the door. */
const OTHER_ROUTES: Readonly<Record<Scope | 'open', readonly string[]>> = {
  open: [
    'get /live/{channel}/{path}',
    'head /live/{channel}/{path}',
    'get /live/{channel}',
    'get /live/{channel}/embed',
    'options /upload/tus',
    'options /upload/tus/{id}',
    'get /oembed',
  ],
  read: [
    'get /overview',
    'get /system/load',
    'get /session',
    'get /jobs/{id}/tasks',
    'get /jobs/{id}/attempts',
    'get /api/channels',
    'get /api/channels/{id}',
    'get /api/job',
    'get /api/job/{id}',
    'get /api/job/{id}/log',
    'get /api/job/{id}/events',
    'get /api/job/{id}/figures',
    'get /api/job/{id}/history',
    'get /api/network-interfaces',
    'get /api/metrics',
    'get /api/encoder/jobs',
    'get /api/encoder/jobs/queue_status',
    'get /api/encoder/jobs/{id}',
    'get /api/encoder/jobs/{id}/logs',
    'get /api/speedtest',
    'post /api/speedtest',
    'get /transcode/status/{upload_id}',
    'get /videos',
    'get /videos/{hash}',
    'get /videos/{hash}/stopped',
    'get /stream/{id}/qualities',
    'get /stream/{id}/{path}',
    'head /stream/{id}/{path}',
    'get /watch/{id}',
    'get /embed/{id}',
    'post /videos/{hash}/playback_url',
    'get /admin/status',
    'get /admin/videos',
    'get /admin/videos/{video_id}/status',
    'get /api/v1/operations',
    'get /api/v1/operations/{id}',
    'get /api/v1/operations/{id}/status',
    'get /api/v1/operations/{id}/download',
    'head /api/v1/operations/{id}/download',
    'get /api/v1/operations/{id}/events',
    'get /api/v1/operation-definitions',
    'get /api/v1/operation-definitions/{name}',
    'get /api/v1/queues',
    'get /api/v1/session',
  ],
  write: [
    'post /api/channels',
    'put /api/channels/{id}',
    'patch /api/channels/{id}',
    'delete /api/channels/{id}',
    'post /api/job',
    'post /api/job/{id}/start',
    'post /api/job/{id}/stop',
    'post /api/job/{id}/restart',
    'post /api/encoder/jobs/submit_job',
    'post /upload/init',
    'post /upload/chunk',
    'put /upload/{upload_id}/chunks/{index}',
    'post /upload/complete',
    'get /upload/{upload_id}',
    'delete /upload/{upload_id}',
    'post /upload/tokens',
    'post /upload/tus',
    'patch /upload/tus/{id}',
    'head /upload/tus/{id}',
    'delete /upload/tus/{id}',
    'post /upload/tus/{id}',
    'post /upload/presign',
    'post /upload/s3/multipart',
    'get /upload/s3/multipart/{id}/{number}',
    'get /upload/s3/multipart/{id}',
    'delete /upload/s3/multipart/{id}',
    'post /upload/s3/multipart/{id}/complete',
    'post /transcode/start',
    'post /transcode/resume',
    'post /videos',
    'put /videos/{hash}',
    'delete /videos/{hash}',
    'put /videos/{hash}/stop',
    'put /videos/{hash}/resume',
    'post /api/v1/operations',
    'delete /api/v1/operations/{id}',
    'post /api/v1/operations/{id}/cancel',
    'post /api/v1/operations/{id}/retry',
  ],
  worker: [
    'post /api/encoder/jobs/{id}/log_progress',
    'post /api/encoder/jobs/{id}/mark_completed',
    'post /api/encoder/jobs/{id}/mark_failed',
  ],
  admin: [
    'get /admin/keys',
    'post /admin/keys',
    'delete /admin/keys/{id}',
    'get /admin/settings',
    'get /admin/webhooks',
    'get /admin/storage',
    'post /admin/storage/sweep',
    'post /admin/resume_all',
    'delete /admin/videos/{video_id}',
    'post /admin/videos/{video_id}/stop',
    'post /admin/videos/{video_id}/resume',
  ],
};

let server: TestServer;
const keys: Record<Scope | 'stranger', string> = { admin: '', write: '', read: '', worker: '', stranger: '' };
before(async () => {
  server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: ADMIN } });
  for (const scope of ['admin', 'write', 'read', 'worker'] as const) {
    keys[scope] = await createKey(server.platform, { name: scope, scopes: [scope], projectId: 'default' });
  }
  keys.stranger = await createKey(server.platform, { name: 'stranger', scopes: ['read', 'write'], projectId: 'other' });
});
after(() => server[Symbol.asyncDispose]());

const ask = async (route: string, id: string, headers: Record<string, string>): Promise<number> => {
  const [method = '', path = ''] = route.split(' ');
  const target = path
    .replace('{id}', id)
    .replace('{index}', '0')
    .replace('{project}', 'default')
    .replace('{path}', 'master.m3u8');
  const control = new AbortController();
  const sent =
    method === 'post' && (path === '/jobs' || path === '/plan')
      ? {
          body: JSON.stringify(path === '/plan' ? { ...body, source: { kind: 'file', path: '/x' } } : body),
          headers: { ...headers, 'content-type': 'application/json' },
        }
      : { headers };
  const response = await fetch(server.base + target, { method: method.toUpperCase(), signal: control.signal, ...sent });
  control.abort();
  return response.status;
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const newJob = async (): Promise<string> =>
  String(((await server.call('POST', '/jobs', { body, headers: bearer(ADMIN) })).body as { uuid: string }).uuid);

test('the table names every documented route', () => {
  const document = server.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const named = [...Object.keys(ROUTES), ...Object.values(OTHER_ROUTES).flat()];
  assert.deepEqual(documented.toSorted(), named.toSorted());
});

for (const [route, { scope, ok }] of Object.entries(ROUTES)) {
  test(`${route}: ${scope}`, async () => {
    const id = await newJob();
    if (route.endsWith('resume')) await ask('post /jobs/{id}/pause', id, bearer(ADMIN));
    if (route.endsWith('retry')) await ask('post /jobs/{id}/cancel', id, bearer(ADMIN));
    if (scope === 'open') {
      assert.ok(ok.includes(await ask(route, id, {})));
      return;
    }
    assert.equal(await ask(route, id, {}), 401, 'without a key');
    assert.equal(await ask(route, id, bearer('rk_wrong')), 401, 'with a wrong key');
    for (const other of ['write', 'read', 'worker'] as const) {
      if (other !== scope) assert.equal(await ask(route, id, bearer(keys[other])), 403, `with the scope ${other}`);
    }
    if (route.includes('{id}'))
      assert.equal(await ask(route, id, bearer(keys.stranger)), 404, "with another project's key");
    assert.ok(ok.includes(await ask(route, id, bearer(keys[scope as Scope]))), `with the scope ${scope}`);
  });
}

/** The status of a call without anything in it: who may not is told so before anything else is looked at. */
const knock = async (route: string, headers: Record<string, string>): Promise<number> => {
  const [method = '', path = ''] = route.split(' ');
  const isReading = method === 'get' || method === 'head';
  const control = new AbortController();
  const response = await fetch(server.base + path.replaceAll(/\{[^}]+\}/g, '1'), {
    method: method.toUpperCase(),
    signal: control.signal,
    headers: { ...headers, ...(isReading ? {} : { 'content-type': 'application/json' }) },
    ...(isReading ? {} : { body: '{}' }),
  });
  control.abort();
  return response.status;
};

for (const [scope, routes] of Object.entries(OTHER_ROUTES)) {
  test(`${routes.length} other routes: ${scope}`, async () => {
    for (const route of routes) {
      if (scope === 'open') {
        assert.ok(![401, 403].includes(await knock(route, {})), route);
        continue;
      }
      assert.equal(await knock(route, {}), 401, `${route} without a key`);
      for (const other of ['write', 'read', 'worker'] as const)
        if (other !== scope) assert.equal(await knock(route, bearer(keys[other])), 403, `${route} with ${other}`);
      assert.ok(![401, 403].includes(await knock(route, bearer(keys[scope as Scope]))), `${route} with ${scope}`);
    }
  });
}

test('X-API-Key, ADMIN_KEY and admin keys open everything', async () => {
  for (const headers of [{ 'x-api-key': keys.read }, { 'x-api-key': ADMIN }, bearer(keys.admin), bearer(ADMIN)])
    assert.equal(await ask('get /jobs', '', headers), 200);
});

test("lists and events hold nothing of another project's", async () => {
  await newJob();
  const headers = bearer(keys.stranger);
  assert.deepEqual((await server.call('GET', '/jobs', { headers })).body, { jobs: [], nextCursor: null });
  assert.deepEqual((await server.call('GET', '/events', { headers })).body, { events: [], nextAfter: 0 });
});

test('without any key, a server that others can reach does not start', async () => {
  await assert.rejects(openServer({ settings: { AUTH: 'on' } }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'invalid_setting');
    assert.match(error.message, /ADMIN_KEY.*rendition keys create/);
    return true;
  });
});

/** fetch would not send a Host of our own. */
function raw(
  base: string,
  options: { readonly method: string; readonly path: string; readonly headers: Record<string, string> },
): Promise<number> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    request({ hostname, port, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

test('without keys, other names and other pages are refused', async () => {
  await using open = await openServer({
    settings: { PUBLIC_URL: 'https://media.example.com', CORS_ALLOWED_ORIGINS: 'https://app.example.com' },
  });
  const own = new URL(open.base).host;
  const cases: readonly (readonly [method: string, headers: Record<string, string>, status: number])[] = [
    ['GET', { host: own }, 200],
    ['GET', { host: 'localhost:1234' }, 200],
    ['GET', { host: '[::1]:80' }, 200],
    ['GET', { host: 'media.example.com' }, 200],
    ['GET', { host: 'rebound.example.org' }, 403],
    ['GET', { host: 'localhost.example.org' }, 403],
    ['GET', { host: '127.0.0.1.example.org' }, 403],
    ['GET', { host: own, origin: 'https://evil.example.org' }, 200],
    ['DELETE', { host: own }, 404],
    ['DELETE', { host: own, origin: `http://${own}` }, 404],
    ['DELETE', { host: own, origin: 'https://media.example.com' }, 404],
    ['DELETE', { host: own, origin: 'https://app.example.com' }, 404],
    ['DELETE', { host: own, origin: 'https://evil.example.org' }, 403],
    ['DELETE', { host: own, origin: 'null' }, 403],
    ['DELETE', { host: own, origin: 'http://localhost:1' }, 403],
  ];
  for (const [method, headers, status] of cases) {
    assert.equal(
      await raw(open.base, { method, path: method === 'GET' ? '/jobs' : '/jobs/999', headers }),
      status,
      JSON.stringify([method, headers]),
    );
  }
  const foreign = await open.call('GET', '/jobs', { headers: { origin: 'https://evil.example.org' } });
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
  const allowed = await open.call('GET', '/jobs', { headers: { origin: 'https://app.example.com' } });
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.com');
});
