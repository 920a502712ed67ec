// What the dashboard reads: the pieces of a job, figures of the last day, the machine's load, who is asking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadInterval } from '#api/system/load-routes.ts';
import { insertLoad } from '#database/machine-load.ts';
import { createKey } from '#workflows/create-key.ts';
import { startLoadSampler } from '#workflows/sample-load.ts';
import { eventually } from '../kit/eventually.ts';
import { makeFilm, openServer } from './open-server.ts';

type Task = { kind: string; status: string; progress: number; workerId: string | null; seconds: number | null };
type Overview = {
  jobs: Record<string, number>;
  throughput: { hour: string; completed: number; failed: number; bytes: number; mediaSeconds: number }[];
  disk: { size: number; free: number };
};

test('the pieces of a job, and its hour in the overview', async () => {
  await using server = await openServer({ works: true });
  const submit = async (data: string, outputs: object[]) => {
    const answer = await server.call('POST', '/jobs', { body: { source: { kind: 'inline', data }, outputs } });
    return (answer.body as { uuid: string }).uuid;
  };
  const status = async (id: string) => ((await server.call('GET', `/jobs/${id}`)).body as { status: string }).status;
  const id = await submit(await makeFilm(server.folder, 3), [{ container: 'hls', renditions: ['144p'] }]);
  const broken = await submit('bm8gZmlsbQ==', [{ container: 'mp4' }]);
  for (const [job, end] of [
    [id, 'completed'],
    [broken, 'failed'],
  ] as const) {
    await eventually(() => status(job), { until: (now) => now === end });
  }
  const { tasks } = (await server.call('GET', `/jobs/${id}/tasks`)).body as { tasks: Task[] };
  const kinds = tasks.map(({ kind }) => kind);
  for (const kind of ['chunk', 'audio', 'output']) assert.ok(kinds.includes(kind), `${kind} among ${kinds}`);
  for (const task of tasks) {
    assert.deepEqual([task.status, task.progress], ['done', 100], task.kind);
    assert.equal(task.workerId, server.platform.workerId);
  }
  assert.ok((tasks.find(({ kind }) => kind === 'chunk')?.seconds ?? 0) > 0, 'the chunk took its time');
  assert.deepEqual((await server.call('GET', `/jobs/${broken}/tasks`)).body, { tasks: [] });

  type Attempts = {
    attempts: {
      id: number;
      kind: string;
      outcome: string;
      attempt: number;
      seconds: number;
      workerId: string;
      error: { code: string } | null;
    }[];
    nextCursor: string | null;
  };
  const tries = (await server.call('GET', `/jobs/${id}/attempts`)).body as Attempts;
  assert.deepEqual(tries.attempts.map(({ kind }) => kind).sort(), ['prepare', ...kinds].sort());
  for (const one of tries.attempts) {
    assert.deepEqual([one.outcome, one.attempt, one.workerId], ['done', 1, server.platform.workerId], one.kind);
    assert.ok(one.seconds >= 0);
  }
  const [newest] = tries.attempts;
  const first = (await server.call('GET', `/jobs/${id}/attempts?limit=1`)).body as Attempts;
  assert.deepEqual([first.attempts, first.nextCursor], [[newest], String(newest?.id)]);
  const rest = (await server.call('GET', `/jobs/${id}/attempts?limit=100&cursor=${first.nextCursor}`)).body as Attempts;
  assert.deepEqual([rest.attempts, rest.nextCursor], [tries.attempts.slice(1), null]);
  const wrong = (await server.call('GET', `/jobs/${broken}/attempts?outcome=failed`)).body as Attempts;
  assert.deepEqual(
    wrong.attempts.map(({ kind, attempt }) => [kind, attempt]),
    [['prepare', 1]],
  );
  const failure = (await server.call('GET', `/jobs/${broken}`)).body as { error: { code: string } };
  assert.equal(wrong.attempts[0]?.error?.code, failure.error.code);
  assert.equal((await server.call('GET', `/jobs/${id}/attempts?limit=0`)).status, 400);
  assert.equal((await server.call('GET', '/jobs/4711/attempts')).status, 404);
  assert.equal((await server.call('GET', '/jobs/4711/tasks')).status, 404);

  const overview = (await server.call('GET', '/overview')).body as Overview;
  assert.deepEqual([overview.jobs.completed, overview.jobs.failed, overview.jobs.queued], [1, 1, 0]);
  assert.equal(overview.throughput.length, 24);
  const sum = (field: 'completed' | 'failed' | 'bytes' | 'mediaSeconds') =>
    overview.throughput.reduce((all, hour) => all + hour[field], 0);
  assert.deepEqual([sum('completed'), sum('failed')], [1, 1]);
  const job = (await server.call('GET', `/jobs/${id}`)).body as {
    outputs: { result: { size: number; duration: number } }[];
  };
  assert.deepEqual([sum('bytes'), sum('mediaSeconds')], [job.outputs[0]?.result.size, job.outputs[0]?.result.duration]);
  assert.ok(overview.disk.free > 0 && overview.disk.free <= overview.disk.size);
});

test('load of every machine, newer samples alone, and who asks', async () => {
  await using server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key' } });
  const key = await createKey(server.platform, { name: 'shop', scopes: ['read'], projectId: 'shop' });
  const headers = { authorization: `Bearer ${key}` };
  type Sample = { at: string; cpu: number; memoryUsed: number; received: number | null };
  type Machine = { hostname: string; cores: number; memoryTotal: number; samples: Sample[] };
  type Load = { interval: number; machines: Machine[] };
  const ask = async (query = '') => (await server.call('GET', `/system/load${query}`, { headers })).body as Load;
  // Two processes of one machine, and a machine elsewhere that was last heard of half an hour ago.
  const samplers = [startLoadSampler(server.platform), startLoadSampler(server.platform)];
  const { db } = server.platform.database;
  const far = { hostname: '~far', cores: 64, memoryTotal: 2 ** 38 };
  const figures = { cpu: 12.5, memoryUsed: 2 ** 37, received: null, sent: null };
  const then = new Date(Math.floor(Date.now() / 5000) * 5000 - 1_800_000);
  await insertLoad(db, far, { at: then, ...figures });
  await insertLoad(db, far, { at: new Date(Date.now() - 3_700_000), ...figures });
  const load = await eventually(ask, { until: ({ machines }) => machines.length > 1 });
  for (const sampler of samplers) await sampler.stop();
  const [own, other] = load.machines;
  assert.ok(own && own.samples.length > 0);
  assert.equal(new Set(own.samples.map(({ at }) => at)).size, own.samples.length, 'one sample for each time');
  for (const { cpu, memoryUsed } of own.samples) {
    assert.ok(cpu >= 0 && cpu <= 100);
    assert.ok(memoryUsed > 0 && memoryUsed < own.memoryTotal);
  }
  assert.deepEqual(other, { ...far, samples: [{ at: then.toISOString(), ...figures }] }, 'of the last hour alone');
  assert.deepEqual(
    (await ask(`?after=${then.toISOString()}`)).machines.map(({ hostname }) => hostname),
    [own.hostname],
  );
  assert.deepEqual([load.interval, loadInterval(10), loadInterval(11), loadInterval(100)], [5, 5, 10, 50]);
  const session = (await server.call('GET', '/session', { headers })).body as { project: string; scopes: string[] };
  assert.deepEqual([session.project, session.scopes], ['shop', ['read']]);
  assert.equal((await server.call('GET', '/session')).status, 401);
  assert.equal((await server.call('GET', '/overview')).status, 401);
});
