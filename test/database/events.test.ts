// The list of events as a reader sees it while others write: none is ever passed over, and each project sees its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLastEventId, insertEvent, listEvents } from '#database/events.ts';
import { listen } from '#database/listen.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';

let fresh: FreshDatabase;
before(async () => {
  fresh = await freshDatabase();
  await fresh.database.pool.query(`insert into project (id, name) values ('a', 'a'), ('b', 'b')`);
});
after(() => fresh.drop());

const event = (projectId: string, n: number) => ({
  projectId,
  jobId: null,
  type: 'job.queued',
  data: { n },
  channel: 'event_test',
});

test('a reader that follows while many commit at once misses none and sees none twice', async () => {
  const { db } = fresh.database;
  const WRITERS = 8;
  const EACH = 40;
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; i < EACH; i++) {
        await db
          .transaction()
          .execute(async (transaction) => {
            // Some take their time before, and now and then one fails after all.
            if (i % 3 === 0) await sleep(Math.random() * 4);
            await insertEvent(transaction, event(i % 4 === 0 ? 'b' : 'a', writer * EACH + i));
            if (i % 10 === 9) throw new Error('rolled back');
          })
          .catch((error: Error) => assert.equal(error.message, 'rolled back'));
      }
    }),
  ).then(() => {
    writing = false;
  });
  const seen = { a: [] as number[], b: [] as number[] };
  const last = { a: 0, b: 0 };
  const read = async (projectId: 'a' | 'b') => {
    const events = await listEvents(db, { projectId, after: last[projectId], limit: 7 });
    for (const { id, data } of events) {
      assert.ok(id > last[projectId]);
      last[projectId] = id;
      seen[projectId].push(Number(data.n));
    }
    return events.length;
  };
  while (writing || (await read('a')) + (await read('b')) > 0) {
    await read('a');
    await read('b');
  }
  await writers;
  const wanted = Array.from({ length: WRITERS * EACH }, (_, n) => n).filter((n) => (n % EACH) % 10 !== 9);
  const of = (isB: boolean) => wanted.filter((n) => ((n % EACH) % 4 === 0) === isB);
  assert.deepEqual(
    seen.a.toSorted((x, y) => x - y),
    of(false),
  );
  assert.deepEqual(
    seen.b.toSorted((x, y) => x - y),
    of(true),
  );
  assert.deepEqual([await findLastEventId(db, 'a'), await findLastEventId(db, 'nobody')], [last.a, 0]);
});

test('it is told when, and only if, its transaction commits', async () => {
  const { database } = fresh;
  const told: unknown[] = [];
  const subscription = await listen(database, 'event_test', (payload) => told.push(JSON.parse(payload ?? 'null')));
  try {
    await assert.rejects(
      database.db.transaction().execute(async (db) => {
        await insertEvent(db, event('a', 1));
        throw new Error('rolled back');
      }),
    );
    await insertEvent(database.db, { ...event('b', 2), jobId: 77, type: 'job.deleted' });
    await eventually(() => assert.ok(told.length > 0));
    assert.deepEqual(told, [
      { projectId: 'b', eventId: await findLastEventId(database.db, 'b'), jobId: 77, type: 'job.deleted' },
    ]);
  } finally {
    await subscription.close();
  }
});
