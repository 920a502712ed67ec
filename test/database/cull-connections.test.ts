// Connections whose server is gone without a word: what waits on them is told, what only takes its time is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '#database/connect.ts';
import { isConnectionLoss } from '#database/connection-loss.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { freshDatabase } from '../kit/postgres.ts';

test('a connection that the server knows no more is ended, and the pool goes on with new ones; a slow query is not', async () => {
  await using stack = new AsyncDisposableStack();
  const fresh = await freshDatabase();
  stack.defer(fresh.drop);
  const url = new URL(fresh.url);
  const proxy = await startFaultProxy({ target: Number(url.port), fault: () => ({}) });
  stack.defer(() => proxy.stop());
  url.port = String(proxy.port);
  const broken: Error[] = [];
  const database = await openDatabase(url.href, {
    connections: 2,
    onConnectionError: (error) => broken.push(error),
    cullPace: { look: 50, patience: 300 },
  });
  stack.defer(() => database.close());
  stack.defer(() => proxy.thaw());
  const slow = await Promise.all([1, 2].map(() => database.pool.query('select 1 as done from pg_sleep(1)')));
  assert.deepEqual([slow.flatMap(({ rows }) => rows), broken], [[{ done: 1 }, { done: 1 }], []]);

  proxy.freeze();
  const settled = Promise.allSettled([1, 2].map((number) => database.pool.query('select $1::int', [number])));
  // The server that is gone takes its sessions with it.
  const gone = await fresh.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and client_port = any($1)`,
    [proxy.ports()],
  );
  assert.ok((gone.rowCount ?? 0) >= 2);
  proxy.thaw();
  for (const one of await settled)
    assert.ok(one.status === 'rejected' && isConnectionLoss(one.reason), JSON.stringify(one));
  assert.deepEqual((await database.pool.query('select 3 as three')).rows, [{ three: 3 }]);
});
