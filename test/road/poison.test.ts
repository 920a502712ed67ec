// Work that kills its worker is given up after QUEUE_MAX_ATTEMPTS, and everybody else's work goes on.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { findProgram } from '../kit/server-process.ts';
import { makeFilm } from './film.ts';
import { readTasks, startWorkerProcess, type WorkerProcess } from './processes.ts';

/** The size that makes FFmpeg's stand-in kill whoever started it. */
const POISON = { container: 'mp4', height: 52, preset: 'ultrafast' };
const GOOD = { container: 'mp4', height: 54, preset: 'ultrafast' };

let folder = '';
let fresh: FreshDatabase;
let api: RenditionServer;
let settings: Record<string, string>;
let worker: WorkerProcess | undefined;
let deaths = 0;
let isOver = false;
let watch: Promise<void>;

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-poison-`);
  fresh = await freshDatabase();
  const program = `${folder}/ffmpeg`;
  await writeFile(
    program,
    `#!/bin/sh\ncase "$*" in *scale=*:52:*) kill -9 $PPID ;; esac\nexec ${findProgram('ffmpeg')} "$@"\n`,
  );
  await chmod(program, 0o755);
  settings = {
    ...{ DATABASE_URL: fresh.url, STORAGE_URL: `${folder}/storage`, SECRET_KEY: '2'.repeat(64), FFMPEG_PATH: program },
    ...{ QUEUE_VISIBILITY_TIMEOUT_MS: '10000', QUEUE_MAX_ATTEMPTS: '3', WORKER_CONCURRENCY: '1' },
  };
  await makeFilm({ path: `${folder}/film.mp4`, width: 192, height: 108, fps: '25', seconds: 4, output: ['-g', '50'] });
  await mkdir(`${folder}/api`);
  api = await startRendition({ dataDir: `${folder}/api`, settings: { ...settings, ROLES: 'api' } });
  watch = keepOneWorker();
});

after(async () => {
  isOver = true;
  worker?.kill('SIGKILL');
  await watch;
  await api?.stop();
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** What systemd or Kubernetes does: one that died is started again. */
async function keepOneWorker(): Promise<void> {
  while (!isOver) {
    worker = await startWorkerProcess({ ...settings, DATA_DIR: `${folder}/worker` });
    await worker.ended;
    if (!isOver) deaths += 1;
  }
}

test('a job that kills its worker fails with worker_lost after three tries; others are done', async () => {
  const poison = await api.submit(`${folder}/film.mp4`, [POISON]);
  // Work that it takes along each time is as suspect as it: these are taken along twice at the most.
  await eventually(() => assert.ok(deaths > 0));
  const good = await Promise.all([1, 2, 3].map(() => api.submit(`${folder}/film.mp4`, [GOOD])));
  for (const uuid of good) assert.equal((await api.waitFor(uuid, 300)).status, 'completed');
  const report = await api.waitFor(poison, 300);
  assert.deepEqual(
    [report.status, report.error?.code, report.outputs[0]?.error?.code],
    ['failed', 'worker_lost', 'worker_lost'],
  );
  assert.equal(deaths, 3);
  const chunk = (await readTasks(fresh.database, poison)).find(({ kind }) => kind === 'chunk');
  // The fourth was refused.
  assert.deepEqual([chunk?.status, chunk?.tries], ['failed', 4]);
  // And the worker of today is well.
  const later = await api.submit(`${folder}/film.mp4`, [GOOD]);
  assert.equal((await api.waitFor(later, 300)).status, 'completed');
});
