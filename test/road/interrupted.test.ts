// A chunk that is interrupted goes on behind its last finished segment: what a playlist has named stays, byte for byte (RFC 8216 §6.2.1), also over kill -9.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { checkStream, urlOf } from './check-result.ts';
import { makeFilm } from './film.ts';
import { catchInTheAct, ffmpegOn, killTree, writeSlowFfmpeg } from './processes.ts';

const FILM = { width: 192, height: 108, fps: '25', seconds: 26 };
const WANTED = { frames: 650, fps: { num: 25, den: 1 }, sourceWidth: FILM.width };
const OUTPUT = {
  ...{ container: 'hls', renditions: ['108p', '54p'], preset: 'superfast' },
  ...{ passthrough: 'never', instant: false, storyboard: true },
};
const TRACKS = ['108p', '54p', 'audio'];

let folder = '';
let fresh: FreshDatabase;
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-interrupted-`);
  await mkdir(join(folder, 'data'));
  fresh = await freshDatabase();
  await makeFilm({ path: `${folder}/film.mp4`, ...FILM, output: ['-g', '50'] });
});
after(async () => {
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

const serve = (settings: Readonly<Record<string, string>> = {}): Promise<RenditionServer> =>
  startRendition({
    dataDir: join(folder, 'data'),
    settings: {
      DATABASE_URL: fresh.url,
      SEGMENT_SECONDS: '2',
      WORKER_CONCURRENCY: '1',
      QUEUE_VISIBILITY_TIMEOUT_MS: '10000',
      ...settings,
    },
  });

/** Names of the segments in each playlist, in order. */
async function listed({ url }: RenditionServer, uuid: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const lists = await Promise.all(
    TRACKS.map(async (track) => {
      const answer = await fetch(`${url}/jobs/${uuid}/outputs/0/${track}/playlist.m3u8`);
      const text = answer.ok ? await answer.text() : '';
      return [track, text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))] as const;
    }),
  );
  return new Map(lists);
}

/** SHA-256 of everything that playlists name, by its address. */
async function bytesOf({ url }: RenditionServer, uuid: string, lists: Awaited<ReturnType<typeof listed>>) {
  const found = new Map<string, string>();
  for (const [track, names] of lists)
    for (const name of ['init.mp4', ...names]) {
      const answer = await fetch(`${url}/jobs/${uuid}/outputs/0/${track}/${name}`);
      assert.equal(answer.status, 200, `${track}/${name}`);
      found.set(
        `${track}/${name}`,
        createHash('sha256')
          .update(Buffer.from(await answer.arrayBuffer()))
          .digest('hex'),
      );
    }
  return found;
}

/** The row of the chunk that runs. */
async function running(uuid: string): Promise<{ index: number; shown: number } | undefined> {
  const { rows } = await fresh.database.pool.query<{ index: number; shown: number }>(
    `select task.index, (select min(jsonb_array_length(part->'segments'))::int from jsonb_array_elements(published) part) as shown
     from task join job on job.id = task.job_id where job.uuid = $1 and kind = 'chunk' and task.status = 'processing'
     and jsonb_array_length(published) = 2`,
    [uuid],
  );
  return rows[0];
}

/** Waits until so many segments of a chunk that runs are in the playlists, and holds it there. */
const untilShown = (uuid: string, index: number, segments: number) =>
  catchInTheAct(folder, async () => {
    const now = await running(uuid);
    assert.ok(now && (now.index > index || (now.index === index && now.shown >= segments)), JSON.stringify(now));
  });

function checkGrown(
  before: Awaited<ReturnType<typeof listed>>,
  now: Awaited<ReturnType<typeof listed>>,
  when: string,
): void {
  for (const [track, names] of before)
    assert.deepEqual(now.get(track)?.slice(0, names.length), names, `${track} has shrunk ${when}`);
}

test('stopped, gone on with, killed and started again: playlists only grow, and nothing in them changes', async () => {
  // A segment lasts half a second at the least.
  await using killed = await serve({ FFMPEG_PATH: await writeSlowFfmpeg(folder, 4) });
  let server = killed;
  const uuid = await server.submit(`${folder}/film.mp4`, [OUTPUT]);
  const change = async (verb: string) =>
    assert.equal((await fetch(`${server.url}/jobs/${uuid}/${verb}`, { method: 'POST' })).status, 200, verb);
  await untilShown(uuid, 1, 2);
  const first = await listed(server, uuid);
  await change('pause');
  await eventually(async () => assert.deepEqual(await ffmpegOn(folder), []));
  const paused = await listed(server, uuid);
  checkGrown(first, paused, 'when the job was paused');
  const seen = new Map(await bytesOf(server, uuid, paused));
  const { rows } = await fresh.database.pool.query<{ id: number; attempt: number; index: number }>(
    `select task.id::int, task.attempt, task.index from task join job on job.id = task.job_id
     where job.uuid = $1 and kind = 'chunk' and published is not null and task.status = 'pending'`,
    [uuid],
  );
  const [interrupted] = rows;
  assert.ok(interrupted, 'it was stopped in the middle of a chunk');
  await change('resume');
  await untilShown(uuid, interrupted.index, 4);
  const second = await listed(server, uuid);
  checkGrown(paused, second, 'when it went on');
  await killTree(server.pid);
  await server.stop();

  await using last = await serve();
  server = last;
  const again = await listed(server, uuid);
  checkGrown(second, again, 'when the server was killed');
  for (const [name, hash] of await bytesOf(server, uuid, again)) seen.set(name, seen.get(name) ?? hash);
  assert.equal((await server.waitFor(uuid, 300)).status, 'completed');
  const whole = await listed(server, uuid);
  checkGrown(second, whole, 'when it was done');
  const end = await bytesOf(server, uuid, whole);
  for (const [name, hash] of seen) assert.equal(end.get(name), hash, `${name} has changed`);
  // Frame for frame what one run would have made.
  await checkStream(await urlOf(server, uuid, 0), WANTED);
  const pictures = await fetch(`${server.url}/jobs/${uuid}/outputs/0/storyboard.vtt`);
  assert.equal((await pictures.text()).match(/-->/g)?.length, FILM.seconds / 2);
  await server.log(uuid, /goes on behind segment/);
});
