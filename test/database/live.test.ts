// Moments of live channels: what a playlist shows can be asked for, however long ago it was made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { claimChannelJob, insertChannelJob } from '#database/channel-jobs.ts';
import { deleteMoment, insertMoment, listMoments, takeExpiredMoments } from '#database/live.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';

let fresh: FreshDatabase;
before(async () => {
  fresh = await freshDatabase();
});
after(() => fresh.drop());

const PART = { rendition: 'a', size: 9, codecs: 'avc1', width: 2, height: 2, frameRate: 25 };

test('a moment does not go while the playlist shows it; it goes its time after it has left', async () => {
  const { db, pool } = fresh.database;
  const { rows } = await pool.query<{ id: number }>(
    `insert into channel (project_id, name, slug, spec) values ('default', 'News', 'news', '{}') returning id`,
  );
  const channelId = Number(rows[0]?.id);
  const jobId = await insertChannelJob(db, { projectId: 'default', channelId });
  await pool.query('update channel_job set wanted = true where id = $1', [jobId]);
  const held = await claimChannelJob(db, { jobId, machineId: 'here', dead: [] });
  const fence = { jobId, machineId: 'here', lease: held?.lease ?? -1 };
  const keyOf = (number: number) => `live/1/r/a/${number}.ts`;
  /** Each was made long ago: its time is up soon. */
  const add = (number: number, of = fence) =>
    insertMoment(db, {
      ...{ projectId: 'default', channelId, isBreak: true, seconds: 2, fence: of },
      parts: [{ ...PART, key: keyOf(number) }],
      ...{ startsAt: new Date(), expiresAt: new Date(Date.now() + 20_000), windowSeconds: 4, graceSeconds: 60 },
    });
  const left = async () => {
    const { rows: found } = await pool.query<{ sequence: string; left: string }>(
      'select sequence, extract(epoch from expires_at - now()) as left from live_moment order by sequence',
    );
    return found.map(({ left: seconds }) => Number(seconds) > 30);
  };
  for (let i = 0; i < 3; i++) assert.deepEqual(await add(i), { sequence: i, discontinuities: i + 1 });
  assert.deepEqual(await add(2), { sequence: 2, discontinuities: 3 }, 'said again, it is the same');
  assert.deepEqual(await left(), [true, true, false], 'the newest is seen to with the next one');
  await pool.query(`update live_moment set expires_at = now() - interval '1 second' where sequence = 0`);
  assert.equal(await add(3, { ...fence, lease: fence.lease + 1 }), null);
  assert.deepEqual(await left(), [false, true, false], 'who holds the lease no more changes nothing');
  await add(3);
  assert.deepEqual(await left(), [false, true, true, false], 'the oldest is out of the window');
  const taken = await takeExpiredMoments(db, 10);
  assert.deepEqual(
    taken.map(({ sequence, keys }) => [sequence, keys]),
    [[0, [keyOf(0)]]],
  );
  assert.deepEqual(await takeExpiredMoments(db, 10), [], 'whoever was given it has time to take its segments away');
  for (const moment of taken) await deleteMoment(db, moment);
  const shown = (await listMoments(db, { channelId, seconds: 4 })).map(({ sequence }) => sequence);
  assert.deepEqual([shown, (await left()).length], [[2, 3], 3]);
});
