import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase, placeOf } from '#database/connect.ts';
import { listen, notify } from '#database/listen.ts';
import { findPending, type Migration, migrate, readMigrations } from '#database/migrate.ts';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../kit/postgres.ts';

let fresh: FreshDatabase;
before(async () => {
  fresh = await freshDatabase();
});
after(() => fresh.drop());

describe('openDatabase', () => {
  test('reads numbers as numbers, times as dates, bytes as buffers', async () => {
    const { rows } = await fresh.database.pool.query(
      `select 9007199254740991::int8 big, 1.5::numeric exact, '2026-01-02T03:04:05Z'::timestamptz at, '\\x0102'::bytea bytes`,
    );
    assert.deepEqual(rows, [
      { big: 9007199254740991, exact: 1.5, at: new Date('2026-01-02T03:04:05Z'), bytes: Buffer.from([1, 2]) },
    ]);
  });

  test('names host and port of one that does not answer, and not its password', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address);
    server.close();
    await once(server, 'close');
    await assert.rejects(openDatabase(`postgres://user:secret@127.0.0.1:${address.port}/media`), {
      code: 'database_unreachable',
      message: `PostgreSQL at 127.0.0.1:${address.port}/media can't be reached: connect ECONNREFUSED 127.0.0.1:${address.port}`,
    });
  });

  test('names the place of one that refuses the password', async () => {
    const url = new URL(fresh.url);
    url.password = 'secret';
    await assert.rejects(openDatabase(url.href), {
      code: 'database_unreachable',
      message: `PostgreSQL at ${placeOf(fresh.url)} can't be reached: password authentication failed for user "rendition"`,
    });
  });

  test('outlives connections that the server cuts, lent out or idle', async () => {
    const broken: string[] = [];
    const database = await openDatabase(fresh.url, { onConnectionError: (error) => broken.push(error.message) });
    const lent = await database.pool.connect();
    const { rows } = await lent.query<{ pid: number }>('select pg_backend_pid() pid');
    const cut = once(lent, 'error');
    await fresh.database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await cut;
    lent.release(true);
    assert.deepEqual((await database.pool.query('select 1 as one')).rows, [{ one: 1 }]);
    assert.ok(broken.length > 0);
    const answerless = sql`select pg_terminate_backend(pg_backend_pid())`.execute(database.db);
    await assert.rejects(answerless, { code: 'database_unreachable' }, 'a query whose line breaks');
    assert.deepEqual((await sql`select 1 as one`.execute(database.db)).rows, [{ one: 1 }]);
    await database.close();
    await database.close();
  });
});

describe('listen', () => {
  test('hears what is sent, once it is committed, on its channel alone', async () => {
    const heard: (string | null)[] = [];
    const got = Promise.withResolvers<void>();
    const one = await listen(fresh.database, 'first_channel', (payload) => {
      heard.push(payload);
      if (payload === 'end') got.resolve();
    });
    const other = await listen(fresh.database, 'second_channel', () => assert.fail('not for this channel'));
    await fresh.database.db.transaction().execute(async (transaction) => {
      await notify(transaction, 'first_channel', 'in a transaction');
      await notify(fresh.database.db, 'first_channel', 'before it');
    });
    await assert.rejects(
      fresh.database.db.transaction().execute(async (transaction) => {
        await notify(transaction, 'first_channel', 'rolled back');
        throw new Error('undo');
      }),
    );
    await notify(fresh.database.db, 'first_channel', 'end');
    await got.promise;
    await Promise.all([one.close(), other.close()]);
    assert.deepEqual(heard, ['before it', 'in a transaction', 'end']);
  });

  test('connects again when its connection breaks, says so, and goes on hearing', async () => {
    const heard: (string | null)[] = [];
    const again = Promise.withResolvers<void>();
    const got = Promise.withResolvers<void>();
    const subscription = await listen(fresh.database, 'breaking', (payload) => {
      heard.push(payload);
      if (payload === null) again.resolve();
      else got.resolve();
    });
    await fresh.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rendition listen' and datname = current_database()`,
    );
    await again.promise;
    await notify(fresh.database.db, 'breaking', 'still here');
    await got.promise;
    await subscription.close();
    assert.deepEqual(heard, [null, 'still here']);
  });

  test('leaves no connection behind', async () => {
    const { rows } = await fresh.database.pool.query(
      `select count(*)::int n from pg_stat_activity where application_name = 'rendition listen' and datname = current_database()`,
    );
    assert.deepEqual(rows, [{ n: 0 }]);
  });

  test('refuses a channel name that is none, and a payload that PostgreSQL would', async () => {
    await assert.rejects(
      listen(fresh.database, 'a; drop table x', () => undefined),
      { code: 'internal' },
    );
    await assert.rejects(notify(fresh.database.db, 'channel', 'x'.repeat(8000)), { code: 'internal' });
  });
});

describe('migrate', () => {
  const one: Migration = {
    name: '001-one.sql',
    sql: 'create table one (n int); insert into one values (1)',
    checksum: 'a',
  };
  const two: Migration = { name: '002-two.sql', sql: 'alter table one add column m int', checksum: 'b' };
  const broken: Migration = {
    name: '003-broken.sql',
    sql: 'create table three (n int); select no_such_thing',
    checksum: 'c',
  };

  test('runs each once, in order', async (t) => {
    const empty = await emptyDatabase();
    t.after(empty.drop);
    assert.deepEqual(await migrate(empty.database, [one]), ['001-one.sql']);
    assert.deepEqual(await migrate(empty.database, [one, two]), ['002-two.sql']);
    assert.deepEqual(await migrate(empty.database, [one, two]), []);
  });

  test('runs each once when several processes start together', async (t) => {
    const empty = await emptyDatabase();
    t.after(empty.drop);
    const ran = await Promise.all([1, 2, 3, 4].map(() => migrate(empty.database, [one, two])));
    assert.deepEqual(ran.flat().sort(), ['001-one.sql', '002-two.sql']);
  });

  test('undoes a failing one as a whole and gives its lock back', async (t) => {
    const empty = await emptyDatabase();
    t.after(empty.drop);
    await assert.rejects(
      migrate(empty.database, [one, two, broken]),
      /003-broken\.sql failed: column "no_such_thing" does not exist/,
    );
    assert.deepEqual((await empty.database.pool.query(`select to_regclass('three') as three`)).rows, [{ three: null }]);
    assert.deepEqual(await migrate(empty.database, [one, two]), []);
  });

  test('refuses a changed one and a database of a newer version', async (t) => {
    const empty = await emptyDatabase();
    t.after(empty.drop);
    await migrate(empty.database, [one, two]);
    await assert.rejects(migrate(empty.database, [{ ...one, checksum: 'other' }, two]), {
      code: 'database_mismatch',
      message: /001-one\.sql was changed/,
    });
    await assert.rejects(migrate(empty.database, [one]), {
      code: 'database_mismatch',
      message: /newer than this version.*002-two\.sql/,
    });
  });

  test('the own ones are in order and leave nothing to do', async () => {
    const names = (await readMigrations()).map(({ name }) => Number(name.slice(0, 3)));
    assert.deepEqual(
      names,
      names.map((_, index) => index + 1),
    );
    assert.deepEqual(await findPending(fresh.database), []);
  });
});
