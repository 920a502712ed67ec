// PostgreSQL is away for longer than a player can wait, and those who watch do not notice: the channel goes on, and so do its playlists.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listMoments, saveMachine } from '#database/live.ts';
import { type Fault, startFaultProxy } from '../kit/fault-proxy.ts';
import { freshDatabase } from '../kit/postgres.ts';
import { isRunning, openLive } from './open-live.ts';

/** Segments of a second each that are watched without a database: longer than a machine may be silent on one that answers. */
const WATCHED = 9;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

test('a database that is away stops neither a channel nor its playlists, on one of several machines as well, and knows all of it when it is back', async () => {
  const fresh = await freshDatabase();
  stack.defer(fresh.drop);
  const target = new URL(fresh.url);
  let fault: Fault = {};
  const proxy = await startFaultProxy({ target: Number(target.port), fault: () => fault });
  stack.defer(() => proxy.stop());
  const url = new URL(fresh.url);
  url.port = String(proxy.port);
  const live = stack.use(await openLive({ settings: { DATABASE_URL: url.href } }));
  stack.defer(() => {
    fault = {};
  });
  // It is not the only machine, and nobody has told it that another takes its channels.
  const other = { id: 'other', hostname: 'other', mark: 'b/1/2', namespace: '', cores: 2 };
  const beats = setInterval(() => void saveMachine(fresh.database.db, other).catch(() => undefined), 500);
  stack.defer(() => clearInterval(beats));
  const { id, job, slug } = await live.create({ name: 'Steady', hls_window_seconds: 60 });
  await live.order(job, 'start');
  const before = await live.reach(job, isRunning);

  const seen = new Map<number, string>();
  let newest = 0;
  /** As a player does: the playlist, and what is new in it. */
  const watch = async () => {
    const { status, text } = await live.call('GET', `/live/${slug}/180p/playlist.m3u8`);
    if (status === 404 && newest === 0) return;
    assert.equal(status, 200, text);
    const names = (text.match(/^\d+\.ts$/gm) ?? []).map(Number.parseFloat);
    const last = names.at(-1) ?? 0;
    assert.ok(last >= newest, `${last} after ${newest}: a playlist never goes back\n${text}`);
    assert.ok(newest === 0 || (names[0] ?? 0) <= newest + 1, `nothing is missing after ${newest}\n${text}`);
    assert.ok(!text.includes('DISCONTINUITY\n'), text);
    for (const number of names.filter((one) => !seen.has(one))) {
      const response = await fetch(`${live.base}/live/${slug}/180p/${number}.ts`);
      assert.equal(response.status, 200, `segment ${number}`);
      seen.set(number, Buffer.from(await response.arrayBuffer()).toString('base64'));
    }
    newest = last;
  };
  const watchUntil = async (isEnough: () => Promise<boolean> | boolean, what: string) => {
    const deadline = performance.now() + 240_000;
    while (!(await isEnough())) {
      assert.ok(performance.now() < deadline, what);
      await watch();
      await sleep(200);
    }
  };
  const first = () => Math.min(...seen.keys());
  await watchUntil(() => newest >= first() + 3, 'it plays');

  fault = { cutAfter: 0 };
  proxy.reset();
  const cutAt = newest;
  await watchUntil(() => newest >= cutAt + WATCHED, `${WATCHED} segments without a database`);
  const away = await live.call('GET', `/api/job/${job}/`);
  assert.deepEqual([away.status, (away.body as { code: string }).code], [503, 'database_unreachable']);

  fault = {};
  const known = () => listMoments(fresh.database.db, { channelId: id, seconds: 1000 });
  await watchUntil(async () => (await known()).some(({ sequence }) => sequence > cutAt + WATCHED), 'it hears again');
  const moments = await known();
  const numbers = moments.map(({ sequence }) => sequence);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0] ?? 0) + i),
  );
  await watchUntil(() => newest >= cutAt + WATCHED + 4, 'it goes on');
  for (const { sequence, parts } of moments) {
    const stored = await live.platform.storage.read(parts[0]?.key ?? '');
    const bytes = Buffer.concat(await stored.toArray());
    if (seen.has(sequence)) assert.equal(bytes.toString('base64'), seen.get(sequence), `${sequence} is what was shown`);
  }
  const { ffmpeg_pid, restarts } = await live.reach(job, isRunning);
  assert.deepEqual([ffmpeg_pid, restarts], [before.ffmpeg_pid, 0], 'one FFmpeg all the time');
});
