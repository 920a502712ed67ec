// The encoder's intake against a real Redis: nothing lost and nothing doubled, whatever is killed; dead letters, restarts, a queue that is full.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import pino from 'pino';
import { loadConfig } from '#config/load.ts';
import { countEncoderJobs, listEncoderJobs } from '#database/encoder-jobs.ts';
import { type OpenPlatform, openPlatform } from '#platform.ts';
import { LISTS } from '#queue/redis-intake.ts';
import { type Intake, startIntake } from '#workflows/encoder/start-intake.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { redisMissing, startRedis, type TestRedis } from '../kit/redis.ts';

const KILLS = 10;
const ENTRIES = 200;

const missing = redisMissing();
const skip = missing ? { skip: missing } : {};
const entryOf = (videoId: string, more: object = {}): string =>
  JSON.stringify({
    video_id: videoId,
    s3_original_key: `videos/${videoId}/original/video.mp4`,
    s3_hls_folder_key: `videos/${videoId}/hls`,
    ...more,
  });

let folder: string;
let redis: TestRedis;
let fresh: FreshDatabase;

before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-intake-'));
  [redis, fresh] = await Promise.all([startRedis(), freshDatabase()]);
});
after(async () => {
  if (missing) return;
  await redis[Symbol.asyncDispose]();
  await fresh.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  if (missing) return;
  await redis.client.flushall();
  await fresh.database.pool.query('delete from job');
});

async function open(settings: Record<string, string> = {}): Promise<OpenPlatform> {
  const config = loadConfig({
    DATABASE_URL: fresh.url,
    DATA_DIR: folder,
    REDIS_URL: redis.url,
    AWS_STORAGE_BUCKET_NAME: 'media',
    POLL_INTERVAL: '0.2',
    ...settings,
  });
  return openPlatform(config, { log: pino({ level: 'silent' }), works: false });
}
/** With an intake that is stopped at the end. */
async function taking(
  settings: Record<string, string>,
  act: (platform: OpenPlatform, intake: Intake) => Promise<void>,
) {
  await using platform = await open(settings);
  const intake = startIntake(platform);
  try {
    await act(platform, intake);
  } finally {
    await intake.stop();
  }
}
const videos = async (): Promise<string[]> => {
  const jobs = await listEncoderJobs(fresh.database.db, { projectId: 'default', offset: 0, limit: 1000 });
  return jobs.map(({ videoId }) => videoId).sort();
};
const count = async (): Promise<number> => {
  const counts = await countEncoderJobs(fresh.database.db, { projectId: 'default', videoId: undefined });
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
};
const lengths = async (): Promise<number[]> =>
  Promise.all([LISTS.waiting, LISTS.underWay, LISTS.dead].map((list) => redis.client.llen(list)));
const isEmpty = () => eventually(async () => assert.deepEqual((await lengths()).slice(0, 2), [0, 0]));

async function startProcess(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'intake-process.ts'), [fresh.url, folder, redis.url]);
  await once(child, 'message');
  return child;
}
async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test(
  `${ENTRIES} entries while intakes are killed ${KILLS} times: as many jobs, none lost, none doubled`,
  skip,
  async () => {
    const wanted = Array.from({ length: ENTRIES }, (_, i) => `video-${String(i).padStart(3, '0')}`);
    let pushed = 0;
    const push = async (to: number) => {
      const more = wanted.slice(pushed, to).map((id) => entryOf(id));
      pushed = to;
      if (more.length > 0) await redis.client.lpush(LISTS.waiting, ...more);
    };
    // Two at once all the time: one works while the other dies.
    const children = [await startProcess(), await startProcess()];
    try {
      for (let i = 0; i < KILLS; i++) {
        const before = await count();
        await push(Math.round(((i + 1) * ENTRIES) / KILLS));
        // Killed at the work, at another point of it each time.
        await eventually(async () => assert.ok((await count()) > before + i), { within: 240_000, every: 1 });
        await kill(children[i % 2] as ChildProcess);
        children[i % 2] = await startProcess();
      }
      await isEmpty();
    } finally {
      await Promise.all(children.map(kill));
    }
    assert.deepEqual(await videos(), wanted);
    assert.deepEqual(await lengths(), [0, 0, 0]);
  },
);

describe('entries', skip, () => {
  test('become jobs; malformed ones go to the dead with their reason, word for word', async () => {
    const bad = ['no json', '{"video_id":"v9"}', '[]', entryOf('v9', { quality_presets: ['9p'] })];
    const bytes = Buffer.from([0xff, 0xfe]);
    await redis.client.lpush(
      LISTS.waiting,
      entryOf('v1', { quality_presets: ['240p'], duration: 1.5 }),
      ...bad,
      bytes,
      entryOf('v2'),
    );
    await taking({}, async () => isEmpty());
    assert.deepEqual(await videos(), ['v1', 'v2']);
    const dead = (await redis.client.lrange(LISTS.dead, 0, -1)).map((text) => JSON.parse(text));
    assert.deepEqual(dead.map(({ entry }) => entry).reverse(), [...bad, String(bytes)]);
    const reasons = dead.map(({ reason }) => reason).reverse();
    assert.deepEqual([reasons[2], reasons.at(-1)], ['The entry: a JSON object is needed', 'The entry is no UTF-8']);
    assert.match(reasons[0], /no JSON/);
    assert.match(reasons[1], /s3_original_key: .*; s3_hls_folder_key: /);
    assert.match(reasons[3], /quality_presets/);
    assert.ok(dead.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < 120_000));
  });

  test('of dead processes are taken up at start; one that was stored before its process died makes no second job, even when the first is over', async () => {
    await redis.client.lpush(LISTS.underWay, entryOf('left'));
    await taking({}, async () => isEmpty());
    assert.deepEqual(await videos(), ['left']);
    // As it stands between the commit and the removal; and the job has ended meanwhile.
    const { createHash } = await import('node:crypto');
    const mark = createHash('sha256').update(entryOf('left')).digest('hex');
    await fresh.database.pool.query(`update encoder_job set entry = $1, is_open = false`, [mark]);
    await fresh.database.pool.query(`update job set status = 'failed'`);
    await redis.client.lpush(LISTS.underWay, entryOf('left'));
    await taking({}, async () => isEmpty());
    assert.deepEqual(await videos(), ['left']);
    // The same once more is a new wish.
    await redis.client.lpush(LISTS.waiting, entryOf('left'));
    await taking({}, async () => isEmpty());
    assert.deepEqual(await videos(), ['left', 'left']);
  });

  test('of a video that is under way already make no second job', async () => {
    await redis.client.lpush(LISTS.waiting, entryOf('v'), entryOf('v', { duration: 5 }), entryOf('v'));
    await taking({}, async () => isEmpty());
    assert.deepEqual(await videos(), ['v']);
  });

  test('wait in Redis while our own queue is long', async () => {
    await redis.client.lpush(LISTS.waiting, ...Array.from({ length: 6 }, (_, i) => entryOf(`v${i}`)));
    await taking({ ENCODER_QUEUE_LIMIT: '4' }, async () => {
      await eventually(async () => assert.deepEqual(await lengths(), [2, 0, 0]));
      assert.deepEqual(await videos(), ['v0', 'v1', 'v2', 'v3']);
      await fresh.database.pool.query(
        `update job set status = 'processing' where id in (select id from job order by id limit 1)`,
      );
      await eventually(async () => assert.deepEqual(await lengths(), [1, 0, 0]));
    });
    assert.equal(await count(), 5);
  });

  test('survive restarts of Redis, which the intake does too', async () => {
    await taking({}, async (_, intake) => {
      await redis.client.lpush(LISTS.waiting, entryOf('before'));
      await isEmpty();
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await redis.end(signal);
        await redis.restart();
        await redis.client.lpush(LISTS.waiting, entryOf(`after-${signal}`));
        await isEmpty();
      }
      await redis.end('SIGKILL');
      // It ends in time although there is nothing to talk to.
      await intake.stop();
      await redis.restart();
    });
    assert.deepEqual(await videos(), ['after-SIGKILL', 'after-SIGTERM', 'before']);
  });

  test('are polled for where Redis cannot wait', async () => {
    await redis.client.call('acl', 'setuser', 'default', '-blmove');
    try {
      await redis.client.lpush(LISTS.waiting, entryOf('v1'));
      await taking({ POLL_INTERVAL: '0.1' }, async () => {
        await isEmpty();
        await redis.client.lpush(LISTS.waiting, entryOf('v2'));
        await isEmpty();
      });
      assert.deepEqual(await videos(), ['v1', 'v2']);
    } finally {
      await redis.client.call('acl', 'setuser', 'default', '+blmove');
    }
  });

  test('are not taken where no bucket is set: that is said at start', async () => {
    await using platform = await open({ AWS_STORAGE_BUCKET_NAME: '' });
    assert.throws(() => startIntake(platform), { code: 'invalid_setting' });
  });
});
