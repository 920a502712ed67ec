// What the dashboard reads: the pieces of a job, figures of the last day, the machine's load, who is asking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKey } from '#workflows/create-key.ts';
import { makeFilm, openServer, until } from './open-server.ts';

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
    await until(
      90,
      () => status(job),
      (now) => now === end,
    );
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

test('load of the machine, newer samples alone, and who asks', async () => {
  await using server = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key' } });
  const key = await createKey(server.platform, { name: 'shop', scopes: ['read'], projectId: 'shop' });
  const headers = { authorization: `Bearer ${key}` };
  type Load = { cores: number; samples: { at: string; cpu: number; memoryUsed: number }[]; memoryTotal: number };
  const ask = async (query = '') => (await server.call('GET', `/system/load${query}`, { headers })).body as Load;
  const load = await until(20, ask, ({ samples }) => samples.length > 0);
  const [sample] = load.samples;
  assert.ok(sample && sample.cpu >= 0 && sample.cpu <= 100);
  assert.ok(sample.memoryUsed > 0 && sample.memoryUsed < load.memoryTotal);
  const newest = load.samples.at(-1)?.at ?? '';
  assert.ok((await ask(`?after=${newest}`)).samples.every(({ at }) => at > newest));
  const session = (await server.call('GET', '/session', { headers })).body as { project: string; scopes: string[] };
  assert.deepEqual([session.project, session.scopes], ['shop', ['read']]);
  assert.equal((await server.call('GET', '/session')).status, 401);
  assert.equal((await server.call('GET', '/overview')).status, 401);
});
