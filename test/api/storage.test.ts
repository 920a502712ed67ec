// What is kept how long and what lies in storage, told before it is deleted, and deleted when it is asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { countHolds } from '#workflows/count-storage.ts';
import { eventually } from '../kit/eventually.ts';
import { makeFilm, openServer } from './open-server.ts';

type Rule = {
  kind: string;
  setting: string | null;
  hours: number | null;
  kept: number | null;
  due: number;
  dueBytes: number;
  dueWithinDay: number;
};
type Storage = {
  place: { kind: string; location: string };
  usage: { countedAt: string | null; kinds: { kind: string; objects: number; bytes: number }[] };
  rules: Rule[];
  sweepEvery: number;
};

test('what is due is told with its size, the sweep deletes just that, and what lies there is counted anew', async () => {
  await using server = await openServer({
    works: true,
    settings: { RETENTION_HOURS: '48', OPERATION_EXPIRY_HOURS: '1' },
  });
  const { db } = server.platform.database;
  const film = await makeFilm(server.folder, 2);
  const submit = async () => {
    const body = { source: { kind: 'inline', data: film }, outputs: [{ container: 'mp4', height: 96 }] };
    const { uuid } = (await server.call('POST', '/jobs', { body })).body as { uuid: string };
    type Job = { uuid: string; status: string; outputs: { result: { size: number } }[] };
    return eventually(async () => (await server.call('GET', `/jobs/${uuid}`)).body as Job, {
      until: ({ status }) => status === 'completed',
    });
  };
  const look = async () => (await server.call('GET', '/admin/storage')).body as Storage;
  // A worker sweeps when it starts.
  await eventually(look, { until: ({ usage }) => usage.countedAt !== null });
  const [old, young] = [await submit(), await submit()];
  const age = (uuid: string, hours: number) =>
    sql`update job set completed_at = now() - make_interval(hours => ${hours}) where uuid = ${uuid}`.execute(db);
  await age(old.uuid, 49);
  await age(young.uuid, 25);
  const before = await look();
  assert.deepEqual([before.place.kind, before.sweepEvery], ['disk', 3600]);
  const ruleOf = ({ rules }: Storage, kind: string) => rules.find((rule) => rule.kind === kind);
  const size = old.outputs[0]?.result.size ?? 0;
  assert.ok(size > 0);
  assert.deepEqual(ruleOf(before, 'jobs'), {
    kind: 'jobs',
    setting: 'RETENTION_HOURS',
    hours: 48,
    kept: 2,
    due: 1,
    dueBytes: size,
    dueWithinDay: 2,
  });
  assert.deepEqual(ruleOf(before, 'operations')?.hours, 1);
  assert.deepEqual([ruleOf(before, 'videos')?.kept, ruleOf(before, 'videos')?.hours], [0, null]);

  assert.equal((await server.call('POST', '/admin/storage/sweep')).status, 202);
  const lies = async () => {
    let bytes = 0;
    for await (const object of server.platform.storage.list('')) bytes += object.size ?? 0;
    return bytes;
  };
  const counted = ({ usage }: Storage) => usage.kinds.reduce((sum, { bytes }) => sum + bytes, 0);
  const left = young.outputs[0]?.result.size ?? 0;
  const { storage } = await eventually(async () => ({ storage: await look(), there: await lies() }), {
    until: ({ storage: now, there }) =>
      ruleOf(now, 'jobs')?.kept === 1 && counted(now) === there && there < left + size,
  });
  assert.deepEqual([ruleOf(storage, 'jobs')?.kept, ruleOf(storage, 'jobs')?.due], [1, 0]);
  assert.equal((await server.call('GET', `/jobs/${old.uuid}`)).status, 404);
  assert.equal((await server.call('GET', `/jobs/${young.uuid}`)).status, 200);
  const jobs = storage.usage.kinds.find(({ kind }) => kind === 'jobs');
  assert.ok(left > 0 && (jobs?.bytes ?? 0) >= left, `${left} bytes left: ${JSON.stringify(storage.usage)}`);
});

test('the more there is to count the longer a count holds, up to the next sweep', () => {
  const held = [0, 10_000, 100_000, 1_000_000, 50_000_000].map((objects) => [
    countHolds('disk', objects),
    countHolds('s3', objects),
  ]);
  assert.deepEqual(held, [
    [30, 900],
    [30, 900],
    [200, 900],
    [2000, 2000],
    [3600, 3600],
  ]);
});
