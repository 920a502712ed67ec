// Puts the live room and the workflows it needs together. Used by serve.ts and live.ts, and by the tests of channels.

import { LIVE_PACE, type LivePace } from '#live/retry-delay.ts';
import { type Live, startLive } from '#live/start-live.ts';
import { moveLogs } from '#workflows/channels/channel-logs.ts';
import { keepRecording } from '#workflows/channels/keep-recording.ts';
import { showAhead } from '#workflows/channels/live-ahead.ts';
import { startChannel, stopChannel } from '#workflows/channels/order-channel.ts';
import { settleChannel } from '#workflows/channels/settle-channel.ts';
import { sweepMachine } from '#workflows/janitor.ts';
import { announce, LIVE_CONTROL, LIVE_LOG } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { isMarkAlive, runMark } from '#workflows/run-mark.ts';

export function startLiveRole(platform: Platform, pace: LivePace = LIVE_PACE): Promise<Live> {
  return startLive(platform, {
    pace,
    control: LIVE_CONTROL,
    work: {
      settle: (lease, settlement) => settleChannel(platform, lease, settlement),
      start: (ref) => startChannel(platform, ref),
      stop: (ref) => stopChannel(platform, ref),
      showAhead: (channelId, moments) => showAhead(platform, channelId, moments),
      tellLog: (channelId) => announce(platform.database.db, LIVE_LOG, { channelId }),
      moveLogs: (from, to) => moveLogs(platform.config, from, to),
      sweepMachine: () => sweepMachine(platform),
      keepRecording: (recording, signal) => keepRecording(platform, recording, signal),
      mark: runMark(),
      isMarkAlive,
    },
  });
}
