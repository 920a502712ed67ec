// Kill -9 of the whole server in the middle of a film. It goes on from the last chunk, and no chunk is encoded twice.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Database } from '#database/connect.ts';
import { eventually } from '../kit/eventually.ts';
import { startRendition } from '../kit/rendition-server.ts';
import { checkFile, checkStream, urlOf } from './check-result.ts';
import { makeFilm } from './film.ts';
import {
  catchInTheAct,
  countStarts,
  ffmpegOn,
  killTree,
  openEmbedded,
  readTasks,
  scratchFiles,
  strayFolders,
  type TaskRow,
  writeSlowFfmpeg,
} from './processes.ts';

const FILM = { width: 192, height: 108, fps: '25', seconds: 44 };
const WANTED = { frames: 1100, fps: { num: 25, den: 1 }, sourceWidth: FILM.width };
/** Short segments make three chunks of a short film. */
const SEGMENTS = { SEGMENT_SECONDS: '2' };
const OUTPUTS = [
  { container: 'hls', renditions: ['108p', '54p'], preset: 'superfast', passthrough: 'never' },
  { container: 'mp4', height: 108, preset: 'superfast', passthrough: 'never' },
];

let folder = '';
let dataDir = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-crash-`);
  dataDir = join(folder, 'data');
  await mkdir(dataDir);
  await makeFilm({ path: `${folder}/film.mp4`, ...FILM, output: ['-g', '50'] });
});
after(() => rm(folder, { recursive: true, force: true }));

test('kill -9 of the server with its database: it goes on where it was, and nothing is done twice', async () => {
  // The last chunk lasts seven seconds at the least.
  const FFMPEG_PATH = await writeSlowFfmpeg(folder, 4);
  const first = await startRendition({ dataDir, settings: { ...SEGMENTS, FFMPEG_PATH } });
  const uuid = await first.submit(`${folder}/film.mp4`, OUTPUTS);
  const before = await untilMiddle(uuid);
  const source = `${dataDir}/storage/uploads`;
  assert.ok((await ffmpegOn(source)).length > 0, 'FFmpeg is at work');
  await killTree(first.pid);
  await eventually(async () => assert.deepEqual(await ffmpegOn(source), [], 'FFmpeg outlives its server'));
  await first.stop();

  await using second = await startRendition({ dataDir, settings: SEGMENTS });
  const report = await second.waitFor(uuid, 300);
  assert.equal(report.status, 'completed', second.output());
  const database = await openEmbedded(dataDir);
  try {
    await checkTasks(database, uuid, before);
    await eventually(async () =>
      assert.deepEqual(await strayFolders(database, `${dataDir}/storage`, uuid), [], 'what dead attempts left'),
    );
  } finally {
    await database.close();
  }
  checkLog(await second.log(uuid), before);
  assert.deepEqual(await scratchFiles(`${dataDir}/scratch`), []);
  assert.deepEqual(await ffmpegOn(source), []);
  await checkStream(await urlOf(second, uuid, 0), WANTED);
  await checkFile(await urlOf(second, uuid, 1), WANTED, FILM.width);
});

/** The tasks at a moment when two chunks are stored and another is well under way, held there. */
async function untilMiddle(uuid: string): Promise<TaskRow[]> {
  const database = await openEmbedded(dataDir);
  try {
    const { seen } = await catchInTheAct(`${dataDir}/storage/uploads`, async () => {
      const tasks = await readTasks(database, uuid);
      assert.ok(chunks(tasks, 'done').length >= 2, 'two chunks are done');
      assert.ok(
        chunks(tasks, 'processing').some(({ progress }) => progress > 0.1),
        'a third is under way',
      );
      // What has just ended is about to be stored.
      assert.ok(tasks.every(({ status, progress }) => status !== 'processing' || progress < 0.8));
      return tasks;
    });
    return seen;
  } finally {
    await database.close();
  }
}

const chunks = (tasks: readonly TaskRow[], status: string) =>
  tasks.filter((task) => task.kind === 'chunk' && task.status === status);

async function checkTasks(database: Database, uuid: string, before: readonly TaskRow[]): Promise<void> {
  const tasks = await readTasks(database, uuid);
  const attempts = (rows: readonly TaskRow[], status: string) => {
    const ids = new Set(before.filter((task) => task.status === status).map(({ id }) => id));
    return rows.filter(({ id }) => ids.has(id)).map(({ id, attempt }) => ({ id, attempt }));
  };
  assert.deepEqual(attempts(tasks, 'done'), attempts(before, 'done'), 'what was done is not done again');
  assert.deepEqual(
    attempts(tasks, 'processing'),
    attempts(before, 'processing').map(({ id, attempt }) => ({ id, attempt: attempt + 1 })),
    'what ran is taken over once',
  );
  assert.ok(tasks.every(({ kind, status }) => status === 'done' || kind === 'first-light'));
}

function checkLog(log: string, before: readonly TaskRow[]): void {
  const running = new Set(
    before.filter(({ status }) => status === 'processing').map(({ kind, index }) => `${kind} ${index}`),
  );
  for (const [task, starts] of countStarts(log))
    assert.equal(starts, running.has(task) ? 2 : 1, `${task} was started ${starts} times`);
}
