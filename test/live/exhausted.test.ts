import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { retryDelay } from '#live/retry-delay.ts';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/server-process.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { isRunning, type LiveServer, openLive } from './open-live.ts';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

describe('none waits for another:', { concurrency: true }, () => {
  test('delays grow from a second to half a minute', () => {
    const centres = [1, 2, 4, 8, 16, 30, 30];
    centres.forEach((centre, i) => {
      const delay = retryDelay(i + 1);
      assert.ok(Math.abs(delay / centre - 1) <= 0.1, `${delay} for failure ${i + 1}`);
    });
  });

  test('after five retries a channel is in error: it says why and what to do, and the alarm is sent once', async (t) => {
    const receiver = await startReceiver(SECRET);
    t.after(() => receiver.stop());
    const tries: number[] = [];
    const delay = (failures: number): number => {
      tries.push(failures);
      return 0.05;
    };
    await using server = await openLive({
      works: true,
      settings: { WEBHOOK_SECRET: SECRET },
      pace: { delay, stable: 60 },
    });
    const { job } = await server.create({
      name: 'Lost',
      input_type: 'rtmp',
      input_url: `rtmp://127.0.0.1:${await freePort()}/live/lost`,
      notification_url: `${receiver.origin}/alarms`,
    });
    await server.order(job, 'start');
    const over = await server.reach(job, ({ status }) => status === 'error');
    assert.deepEqual(tries, [1, 2, 3, 4, 5]);
    assert.deepEqual(
      [over.retries, over.error_code, over.wanted, over.ffmpeg_pid],
      [5, 'source_unreachable', false, null],
    );
    assert.match(over.error_message ?? '', /refused.*Given up after 5 retries: .*start the channel again/i);
    await eventually(() => assert.ok(receiver.received.length > 0));
    const alarms = receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
    assert.deepEqual(alarms, ['channel.down']);
    const types = (await server.events()).map(({ type }) => type);
    assert.equal(types.filter((type) => type === 'channel.retrying').length, 5);
    assert.equal(types.filter((type) => type === 'channel.error').length, 1);

    // What was put right starts anew, with all its tries.
    await server.order(job, 'start');
    await server.reach(job, ({ status }) => status === 'error');
    assert.deepEqual(tries, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
  });

  test('retries count up until the channel was stable for its time', async () => {
    let stable = 3600;
    const pace = {
      delay: () => 0.05,
      get stable() {
        return stable;
      },
    };
    await using server = await openLive({ pace });
    const { job } = await server.create({ name: 'Shaky' });
    await server.order(job, 'start');
    await fall(server, job);
    await fall(server, job);
    stable = 1;
    await server.reach(job, (answer) => isRunning(answer) && answer.retries === 0);
    stable = 3600;
    await fall(server, job);
    const counts = (await server.events()).filter(({ type }) => type === 'channel.retrying');
    assert.deepEqual(
      counts.map(({ data }) => data.retries),
      [1, 2, 1],
    );
  });

  test('a receiver of alarms that answers 410 is not asked again until the channel is changed', async (t) => {
    const receiver = await startReceiver(SECRET, ({ path }, response) => {
      if (path === '/old') response.writeHead(410).end();
      return path === '/old';
    });
    t.after(() => receiver.stop());
    await using server = await openLive({
      works: true,
      settings: { WEBHOOK_SECRET: SECRET },
      pace: { delay: () => 0.05, stable: 60 },
    });
    const { job, id } = await server.create({ name: 'Gone', notification_url: `${receiver.origin}/old` });
    const statuses = async () => {
      const { rows } = await server.platform.database.pool.query<{ status: string }>(
        'select status from delivery where channel_id = $1 order by number',
        [id],
      );
      return rows.map(({ status }) => status);
    };
    await server.order(job, 'start');
    await fall(server, job);
    await eventually(async () => {
      const found = await statuses();
      assert.ok(found.length > 0 && found.every((status) => status === 'disabled'), found.join());
    });
    const before = await statuses();
    await fall(server, job);
    assert.deepEqual(await statuses(), before, 'no alarm is added any more');

    await server.call('PATCH', `/api/channels/${id}/`, { body: { notification_url: `${receiver.origin}/new` } });
    await server.reach(job, (answer) => isRunning(answer) && answer.retries === 0);
    await fall(server, job);
    await eventually(() => assert.ok(receiver.received.some(({ path }) => path === '/new')));
  });
});

/** Kills its FFmpeg and waits until another one runs. */
async function fall(server: LiveServer, job: number): Promise<void> {
  const { ffmpeg_pid: pid } = await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== null);
  process.kill(pid ?? 0, 'SIGKILL');
  await server.reach(job, (answer) => isRunning(answer) && answer.ffmpeg_pid !== null && answer.ffmpeg_pid !== pid);
}
