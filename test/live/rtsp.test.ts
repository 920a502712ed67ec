import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startCamera } from '../kit/rtsp-server.ts';
import { isRunning, look, openLive } from './open-live.ts';

describe('none waits for another:', { concurrency: true }, () => {
  test('a camera over RTSP: picture and sound, its password kept, back after it restarted; a wrong password is named', async () => {
    await using camera = await startCamera('viewer:Open-Sesame-77');
    await using server = await openLive();
    const at = (account: string) => `rtsp://${account}@127.0.0.1:${camera.port}/stream1`;
    const { job } = await server.create({ name: 'Camera', input_type: 'rtsp', input_url: at('viewer:Open-Sesame-77') });
    await server.order(job, 'start');
    await server.reach(job, (answer) => isRunning(answer) && (answer.fps ?? 0) > 0);
    assert.deepEqual(
      camera.asked.filter((method) => method === 'SETUP' || method === 'PLAY'),
      ['SETUP', 'SETUP', 'PLAY'],
    );
    const place = `${server.base}/live/camera/master.m3u8`;
    await eventually(async () => {
      const seen = await look(place, ['-no-rw']);
      assert.deepEqual([seen.width, seen.audio, seen.frames > 10], [320, true, true]);
    });
    assert.doesNotMatch(await server.log(job), /Open-Sesame-77/);

    const { restarts } = await server.job(job);
    camera.drop();
    await server.reach(job, (answer) => isRunning(answer) && answer.restarts > restarts);

    const { job: other } = await server.create({
      name: 'Other',
      input_type: 'rtsp',
      input_url: at('viewer:wrong-word'),
    });
    await server.order(other, 'start');
    const refused = await server.reach(other, ({ error_code }) => error_code !== null);
    assert.equal(refused.error_code, 'source_denied', refused.error_message ?? '');
    assert.doesNotMatch(refused.error_message ?? '', /wrong-word/);
  });

  test('a camera that is passed through, and a slate when it is gone: both can be played', async () => {
    await using server = await openLive();
    const camera = await startCamera('viewer:word');
    try {
      const copied = { video_codec: 'copy', audio_codec: 'copy', resolution: null, slate: 'bars' };
      const input_url = `rtsp://viewer:word@127.0.0.1:${camera.port}/stream1`;
      const { job } = await server.create({ name: 'Through', input_type: 'rtsp', input_url, ...copied });
      await server.order(job, 'start');
      await server.reach(job, (answer) => isRunning(answer) && answer.input === 'primary');
      await camera[Symbol.asyncDispose]();
      await server.reach(job, (answer) => isRunning(answer) && answer.input === 'slate');
      await eventually(async () => {
        const seen = await look(`${server.base}/live/through/master.m3u8`, ['-no-rw', '-live_start_index', '-1']);
        // The slate's own size: the camera had 320.
        assert.deepEqual([seen.width, seen.audio, seen.frames > 0], [1280, true, true]);
      });
    } finally {
      await camera[Symbol.asyncDispose]();
    }
  });
});
