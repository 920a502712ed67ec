// Keys, settings and the health of webhooks over HTTP: who may, and that no secret comes out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKey } from '#workflows/create-key.ts';
import { eventually } from '../kit/eventually.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { openServer } from './open-server.ts';

type Key = { id: string; name: string; scopes: string[]; lastUsedAt: string | null; revokedAt: string | null };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const ADMIN = { authorization: 'Bearer the-first-admin-key' };

test('a key is made, used, listed and revoked; another project does not see it', async () => {
  await using server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key' } });
  const made = await server.call('POST', '/admin/keys', { body: { name: ' site ', scopes: ['read'] }, headers: ADMIN });
  assert.equal(made.status, 201);
  const { id, key } = made.body as { id: string; key: string };
  assert.match(key, /^rk_/);
  const own = { authorization: `Bearer ${key}` };
  assert.equal((await server.call('GET', '/jobs', { headers: own })).status, 200);
  assert.equal((await server.call('POST', '/admin/keys', { body: {}, headers: own })).status, 403);
  // That it was used is written down behind the answer.
  const list = await eventually(() => server.call('GET', '/admin/keys', { headers: ADMIN }), {
    until: ({ body }) => Boolean((body as { keys: Key[] }).keys[0]?.lastUsedAt),
  });
  assert.ok(!list.text.includes(key), 'the key itself is shown once');
  const [shown] = (list.body as { keys: Key[] }).keys;
  assert.deepEqual([shown?.name, shown?.scopes, shown?.revokedAt], ['site', ['read'], null]);

  const other = await createKey(server.platform, { name: 'boss', scopes: ['admin'], projectId: 'shop' });
  const shop = { authorization: `Bearer ${other}` };
  const seen = (await server.call('GET', '/admin/keys', { headers: shop })).body as { keys: Key[] };
  assert.deepEqual(
    seen.keys.map(({ name }) => name),
    ['boss'],
  );
  assert.equal((await server.call('DELETE', `/admin/keys/${id}`, { headers: shop })).status, 404);
  const itself = await server.call('DELETE', `/admin/keys/${seen.keys[0]?.id}`, { headers: shop });
  assert.equal(itself.status, 409);
  assert.equal((await server.call('DELETE', `/admin/keys/${id}`, { headers: ADMIN })).status, 204);
  assert.equal((await server.call('DELETE', `/admin/keys/${id}`, { headers: ADMIN })).status, 404);
  await eventually(async () => (await server.call('GET', '/jobs', { headers: own })).status, {
    until: (status) => status === 401,
  });
  for (const body of [
    { name: '', scopes: ['read'] },
    { name: 'x', scopes: [] },
    { name: 'x', scopes: ['root'] },
  ])
    assert.equal((await server.call('POST', '/admin/keys', { body, headers: ADMIN })).status, 400);
});

test('settings say where they come from and never what is secret', async () => {
  await using server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key' } });
  const answer = await server.call('GET', '/admin/settings', { headers: ADMIN });
  const { settings } = answer.body as {
    settings: { name: string; value: string | null; isSet: boolean; origin: string }[];
  };
  const of = (name: string) => settings.find((one) => one.name === name);
  assert.deepEqual([of('AUTH')?.value, of('AUTH')?.origin], ['on', 'environment']);
  assert.deepEqual([of('SEGMENT_SECONDS')?.value, of('SEGMENT_SECONDS')?.origin], ['6', 'default']);
  for (const name of ['ADMIN_KEY', 'DATABASE_URL'])
    assert.deepEqual([of(name)?.value, of(name)?.isSet], [null, true], name);
  assert.equal(of('SECRET_KEY')?.isSet, false);
  assert.ok(!answer.text.includes('the-first-admin-key'));
});

test('webhooks by receiver, with what went wrong last', async () => {
  await using stack = new AsyncDisposableStack();
  const receiver = await startReceiver(SECRET);
  stack.defer(() => receiver.stop());
  await using server = await openServer({
    works: true,
    settings: { EGRESS_ALLOW: '127.0.0.0/8', WEBHOOK_SECRET: SECRET },
  });
  await server.call('POST', '/jobs', {
    body: {
      source: { kind: 'inline', data: 'bm8gZmlsbQ==' },
      outputs: [{ container: 'mp4' }],
      notificationUrl: `${receiver.origin}/hook?token=hush-hush`,
    },
  });
  type Health = { receivers: { origin: string; counts: Record<string, number> }[]; deliveries: { status: string }[] };
  const ask = async () => await server.call('GET', '/admin/webhooks');
  const answer = await eventually(ask, {
    until: ({ body }) => {
      const { deliveries } = body as Health;
      // Queued, processing, failed: nothing more comes.
      return deliveries.length === 3 && deliveries.every(({ status }) => status === 'delivered');
    },
  });
  const { receivers, deliveries } = answer.body as Health;
  assert.equal(receivers.length, 1);
  assert.equal(receivers[0]?.origin, receiver.origin);
  assert.equal(receivers[0]?.counts.delivered, deliveries.length);
  assert.ok(!answer.text.includes('hush-hush'));
});
