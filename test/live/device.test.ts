// A device that passed its test when the server started and is gone when a channel starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLiveRole } from '#cli/live-role.ts';
import { openServer } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';
import { type JobAnswer, LIVE_SETTINGS, SMALL } from './open-live.ts';

test('a channel whose device fails is on air by software, and its log says why', async () => {
  await using server = await openServer({ settings: { ...LIVE_SETTINGS } });
  const { tool } = server.platform;
  const hardware = [{ kind: 'vaapi', codec: 'h264', encoder: 'h264_vaapi' }] as const;
  const live = await startLiveRole({ ...server.platform, tool: { ...tool, hardware } });
  try {
    const made = await server.call('POST', '/api/channels/', { body: { ...SMALL, name: 'Device' } });
    const { job, hwaccel } = made.body as { job: number; hwaccel: string };
    assert.equal(hwaccel, 'auto');
    await server.call('POST', `/api/job/${job}/start/`);
    const { retries } = await eventually(async () => (await server.call('GET', `/api/job/${job}/`)).body as JobAnswer, {
      until: ({ status }) => status === 'running',
    });
    assert.equal(retries, 0);
    await eventually(async () => {
      const { text } = await server.call('GET', `/api/job/${job}/log/`);
      assert.match(text, /h264_vaapi[\s\S]*the device fails; software encodes[\s\S]*libx264/);
    });
  } finally {
    await live.stop();
  }
});
