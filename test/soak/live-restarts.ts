// Soak of one live channel: its FFmpeg is killed with -9 twenty times while a player holds its playlists and somebody asks for its state. `npm run test:live-soak`; two minutes.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { retryDelay } from '#live/retry-delay.ts';
import { eventually } from '../kit/eventually.ts';
import { isRunning, type LiveServer, openLive } from '../live/open-live.ts';

const KILLS = 20;
/** Seconds: the first retry comes after one. */
const BACK_WITHIN = 5;
/** Seconds that what is told may differ from what is. */
const TRUE_WITHIN = 2;

test('twenty kills: back within seconds, one FFmpeg at most, numbers that never fall, nothing listed that is not there', async (t) => {
  // Healthy after a moment, or the sixth kill would be the last.
  await using server = await openLive({ pace: { delay: retryDelay, stable: 0.5 } });
  const { job, id } = await server.create({
    ...{ name: 'Killed', is_abr: true, hls_window_seconds: 12 },
    abr: [{ resolution: '320x180' }, { resolution: '160x90', video_bitrate: 100 }],
  });
  await server.order(job, 'start');
  await server.reach(job, isRunning);
  await eventually(async () => assert.ok((await listOf(server, id, '180p')).numbers.length > 0));
  const player = new Player(server, id);
  const watcher = new Watcher(server, job);
  const over = new AbortController();
  const watching = Promise.all([player.follow(over.signal), watcher.follow(over.signal)]);
  const times: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(1000 + Math.random() * 1500);
    const { ffmpeg_pid: pid } = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== null);
    process.kill(pid ?? 0, 'SIGKILL');
    const died = performance.now();
    await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== null && answer.ffmpeg_pid !== pid);
    times.push((performance.now() - died) / 1000);
  }
  await sleep(3000);
  over.abort();
  await watching;
  times.sort((a, b) => a - b);
  t.diagnostic(
    `back after ${times[0]?.toFixed(2)} to ${times.at(-1)?.toFixed(2)} s, median ${times[KILLS / 2]?.toFixed(2)} s`,
  );
  t.diagnostic(
    `a state was untrue for ${watcher.untrue.toFixed(2)} s at the most; ${player.asked} segments were asked for`,
  );
  assert.ok((times.at(-1) ?? 99) <= BACK_WITHIN);
  assert.ok(watcher.untrue <= TRUE_WITHIN);
  assert.equal(watcher.most, 1, 'never two FFmpegs for one channel');
  assert.deepEqual(player.problems, []);
  assert.ok(player.asked > KILLS);

  const [large, small] = [await listOf(server, id, '180p'), await listOf(server, id, '90p')];
  assert.deepEqual(large.lengths, small.lengths, 'cut at the same instants');
  assert.equal(large.breaks, KILLS + 1, 'each join is marked');
  await server.order(job, 'stop');
  await server.reach(job, ({ status }) => status === 'stopped');
  // What has left the playlists goes, with every file of it.
  await eventually(async () => {
    const { rows } = await server.platform.database.pool.query('select 1 from live_moment where channel_id = $1', [id]);
    const files = (await readdir(server.folder, { recursive: true })).filter((path) => path.includes(`live/${id}/`));
    assert.equal(files.filter((path) => path.endsWith('.ts')).length, rows.length * 2);
  });
});

async function listOf(server: LiveServer, id: number, rendition: string) {
  const { text } = await server.call('GET', `/live/${id}/${rendition}/playlist.m3u8`);
  return {
    numbers: [...text.matchAll(/^(\d+)\.ts$/gm)].map(([, number]) => Number(number)),
    lengths: text.match(/EXTINF:[\d.]+/g) ?? [],
    breaks:
      Number(/DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0) +
      (text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0),
  };
}

/** Holds a playlist, and asks for its ends a little later. */
class Player {
  readonly problems: string[] = [];
  asked = 0;
  readonly #server: LiveServer;
  readonly #id: number;

  constructor(server: LiveServer, id: number) {
    this.#server = server;
    this.#id = id;
  }

  async follow(signal: AbortSignal): Promise<void> {
    let last = -1;
    while (!signal.aborted) {
      const { numbers } = await listOf(this.#server, this.#id, '180p');
      const [first, newest] = [numbers[0], numbers.at(-1)];
      if (first === undefined || newest === undefined) {
        this.problems.push('an empty playlist');
        return;
      }
      if (newest < last) this.problems.push(`numbers fell from ${last} to ${newest}`);
      if (numbers.some((number, i) => number !== first + i)) this.problems.push(`a hole in ${numbers}`);
      last = newest;
      await sleep(400);
      for (const number of [first, newest]) {
        const { status } = await this.#server.call('GET', `/live/${this.#id}/180p/${number}.ts`);
        this.asked += 1;
        if (status !== 200) this.problems.push(`segment ${number} answers ${status}`);
      }
    }
  }
}

/** Compares what is told with the processes there are. */
class Watcher {
  /** Seconds that a job was said to run without a living FFmpeg, at the most. */
  untrue = 0;
  /** FFmpegs that encoded at once. */
  most = 0;
  readonly #server: LiveServer;
  readonly #job: number;

  constructor(server: LiveServer, job: number) {
    this.#server = server;
    this.#job = job;
  }

  async follow(signal: AbortSignal): Promise<void> {
    let since: number | null = null;
    while (!signal.aborted) {
      const { status, ffmpeg_pid: pid } = await this.#server.job(this.#job);
      const living = await encoders();
      this.most = Math.max(this.most, living.length);
      const isTrue = status !== 'running' || living.includes(pid ?? 0);
      since = isTrue ? null : (since ?? performance.now());
      if (since !== null) this.untrue = Math.max(this.untrue, (performance.now() - since) / 1000);
      await sleep(50);
    }
  }
}

/** Numbers of the FFmpegs of this process that make renditions. */
async function encoders(): Promise<number[]> {
  const found: number[] = [];
  for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
    );
    // proc(5): number, (name), state, parent.
    const fields = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat ?? '');
    if (fields?.[1] !== 'ffmpeg' || fields[2] === 'Z' || Number(fields[3]) !== process.pid) continue;
    if (command?.includes('pipe:4')) found.push(Number(name));
  }
  return found;
}
