// The roles apart, as the manifests start them, from what the image holds: an API that does no work, a worker without a port, the
// look at the queue that starts it, the health checks of both, the retention.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { makeFilm } from '../road/film.ts';
import { documents } from './deploy-files.ts';
import { makeImageFolder } from './image-folder.ts';
import { kubernetesObject } from './kubernetes-shapes.ts';
import { renderChart } from './render-chart.ts';

const image = makeImageFolder();
const main = join(image.app, 'src/main.ts');
let folder = '';
let fresh: FreshDatabase;
let api: RenditionServer;
let settings: Record<string, string>;
let job = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rendition-roles-'));
  fresh = await freshDatabase();
  await mkdir(join(folder, 'api'));
  settings = {
    DATABASE_URL: fresh.url,
    STORAGE_URL: join(folder, 'storage'),
    SECRET_KEY: 'ab'.repeat(32),
    WEBHOOK_SECRET: `whsec_${'A'.repeat(44)}`,
  };
  await makeFilm({ path: join(folder, 'film.mp4'), width: 160, height: 90, fps: '25', seconds: 2, output: [] });
  api = await startRendition({
    args: [main, 'serve'],
    dataDir: join(folder, 'api'),
    settings: { ...settings, ROLES: 'api' },
  });
});

after(async () => {
  await api?.stop();
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
  image.remove();
});

type Ended = { readonly code: number | null; readonly output: string };

const environment = (more: Readonly<Record<string, string>> = {}) => ({
  PATH: process.env.PATH,
  LOG_LEVEL: 'warn',
  ...settings,
  DATA_DIR: join(folder, 'worker'),
  ...more,
});

/** Runs a program of the image to its end. */
function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((settle) => {
    const child = execFile(process.execPath, args, { env: environment(more), cwd: folder }, (_error, stdout, stderr) =>
      settle({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

const health = (more: Readonly<Record<string, string>>): Promise<Ended> =>
  run([join(image.app, 'deploy/health.ts')], more);

/** What KEDA asks, by the chart's own query. */
async function queueLength(): Promise<number> {
  const [scaled] = documents(renderChart({ keda: { enabled: true } })['scaling.yaml'] ?? '', 'scaling.yaml').map(
    (one) => kubernetesObject.parse(one),
  );
  assert.equal(scaled?.kind, 'ScaledObject');
  const { rows } = await fresh.database.pool.query<{ count: number }>(scaled.spec.triggers[0].metadata.query);
  return Number(rows[0]?.count);
}

describe('API and workers apart', { concurrency: 1 }, () => {
  test('the API takes a job and leaves it to others; the queue says that a worker is wanted', async () => {
    assert.equal(await queueLength(), 0, 'an idle cluster needs no worker');
    job = await api.submit(join(folder, 'film.mp4'), [{ container: 'mp4', height: 90 }]);
    assert.equal((await api.job(job)).status, 'queued');
    assert.equal(await queueLength(), 1);
    assert.deepEqual(await (await fetch(`${api.url}/workers`)).json(), { workers: [] });
  });

  test('the API is well; a container whose worker does not beat is not', async () => {
    assert.deepEqual(await health({ ROLES: 'api', PORT: new URL(api.url).port }), { code: 0, output: '' });
    const { code, output } = await health({ ROLES: 'work' });
    assert.equal(code, 1);
    assert.match(output, /no heartbeat of a worker on /);
  });

  test('a worker does the job, is well, and goes when it is told to', async () => {
    const worker = spawn(process.execPath, [main, 'work'], { env: environment({ ROLES: 'work' }), cwd: folder });
    let output = '';
    for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (bytes) => (output += bytes));
    const ended = new Promise<number | null>((settle) => worker.once('close', settle));
    try {
      const report = await api.waitFor(job, 300);
      assert.deepEqual([report.status, report.outputs[0]?.result?.height], ['completed', 90], output);
      assert.deepEqual(await health({ ROLES: 'work' }), { code: 0, output: '' });
      await eventually(async () => assert.equal(await queueLength(), 0, 'no worker is wanted any more'));
    } finally {
      worker.kill('SIGTERM');
    }
    assert.equal(await ended, 0, output);
    assert.equal((await health({ ROLES: 'work' })).code, 1, 'it has said goodbye');
  });

  test('a database that is away makes a server unwell, not a worker', async () => {
    const away = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const worker = await health({ ROLES: 'work', ...away });
    assert.equal(worker.code, 0);
    assert.match(worker.output, /the heartbeat can't be looked up: /);
    const server = await health({ ROLES: 'api', PORT: '1', ...away });
    assert.equal(server.code, 1);
    assert.match(server.output, /\/health does not answer: /);
  });

  test('the retention deletes what is old, beside the running server', async () => {
    assert.deepEqual(await run([main, 'retention']), { code: 0, output: '0 jobs deleted\n' });
    assert.deepEqual(await run([main, 'retention'], { RETENTION_HOURS: '0' }), { code: 0, output: '1 jobs deleted\n' });
    await assert.rejects(api.job(job), { status: 404 });
  });
});
