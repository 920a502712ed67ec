// The queue over HTTP: pause, drain, resume, shares of projects, and who may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_LANES, WORK_LANES } from '#queue/lane.ts';
import { createKey } from '#workflows/create-key.ts';
import { eventually } from '../kit/eventually.ts';
import { openServer } from './open-server.ts';

type Shown = { state: string; concurrency: unknown; lanes: Record<string, { waiting: number; active: number }> };

test('a paused queue takes nothing, a draining one begins no job, a resumed one goes on; metrics tell it', async (t) => {
  await using server = await openServer({ works: true });
  const hold = t.mock.method(server.platform.queue, 'hold');
  const show = async () => (await server.call('GET', '/queue')).body as Shown;
  const statusOf = async (id: number) => ((await server.call('GET', `/jobs/${id}`)).body as { status: string }).status;
  const submit = async () => {
    const body = { source: { kind: 'inline', data: 'bm8gZmlsbQ==' }, outputs: [{ container: 'mp4' }] };
    return ((await server.call('POST', '/jobs', { body })).body as { id: number }).id;
  };
  assert.equal((await show()).state, 'running');
  for (const [act, state, held] of [
    ['pause', 'paused', WORK_LANES],
    ['drain', 'draining', RUN_LANES],
  ] as const) {
    const changed = await server.call('POST', `/queue/${act}`);
    assert.deepEqual([changed.status, (changed.body as Shown).state], [200, state]);
    // The worker has heard of it.
    await eventually(() => assert.deepEqual(hold.mock.calls.at(-1)?.arguments, [held]));
    const id = await submit();
    await sleep(600);
    const { run } = (await show()).lanes;
    assert.deepEqual([await statusOf(id), run?.waiting, run?.active], ['queued', 1, 0]);
    assert.match(
      (await server.call('GET', '/metrics')).text,
      new RegExp(`^rendition_queue_state\\{state="${state}"\\} 1$`, 'm'),
    );
    await server.call('POST', '/queue/resume');
    await eventually(() => statusOf(id), { until: (status) => status === 'failed' });
  }
});

test('shares of projects, and nobody but an admin changes the queue', async () => {
  await using server = await openServer({
    settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key', PROJECT_CONCURRENCY: '3' },
  });
  const key = await createKey(server.platform, { name: 'shop', scopes: ['read', 'write'], projectId: 'shop' });
  const [admin, shop] = ['the-first-admin-key', key].map((sent) => ({ authorization: `Bearer ${sent}` }));
  const put = (project: string, concurrency: unknown, headers = admin) =>
    server.call('PUT', `/queue/projects/${project}`, { body: { concurrency }, ...(headers ? { headers } : {}) });
  assert.deepEqual(((await put('shop', 2)).body as Shown).concurrency, { default: 3, projects: { shop: 2 } });
  assert.deepEqual(((await put('shop', null)).body as Shown).concurrency, { default: 3, projects: {} });
  assert.equal((await put('nobody', 2)).status, 404);
  for (const wrong of [0, -1, 1.5, 'two']) assert.equal((await put('shop', wrong)).status, 400, String(wrong));
  assert.equal((await put('shop', 5, shop)).status, 403);
  assert.equal((await server.call('POST', '/queue/pause', { headers: shop ?? {} })).status, 403);
  assert.equal((await server.call('GET', '/queue', { headers: shop ?? {} })).status, 200);
  assert.equal((await server.call('GET', '/queue')).status, 401);
});
