// The live role of a process: doors opened, supervisor started, orders heard. Called by cli/serve.ts and cli/live.ts, and by tests.
import { listen } from '#database/listen.ts';
import { startEgressProxy } from '#live/egress-proxy.ts';
import type { LiveContext, LiveWork } from '#live/live-work.ts';
import { RecordingKeeper } from '#live/recording-keeper.ts';
import { LIVE_PACE, type LivePace } from '#live/retry-delay.ts';
import { RtmpDesks } from '#live/rtmp-server.ts';
import { Supervisor } from '#live/supervisor.ts';
import type { Platform } from '#workflows/platform.ts';

export type Live = {
  /** Ends all FFmpegs, SIGTERM first; channels stay wanted. */
  stop(): Promise<void>;
};

export type LiveWiring = {
  readonly work: LiveWork;
  /** The channel orders are told on. */
  readonly control: string;
  /** A shorter one in tests. */
  readonly pace?: LivePace;
};

export async function startLive(platform: Platform, { work, control, pace = LIVE_PACE }: LiveWiring): Promise<Live> {
  const context: LiveContext = { platform, work, pace };
  const proxy = await startEgressProxy(platform.egress.as('source'));
  const recordings = new RecordingKeeper(context);
  const supervisor = new Supervisor(context, { desks: new RtmpDesks(), proxy: proxy.url, recordings });
  const hears = await listen(platform.database, control, () => void supervisor.look());
  try {
    await recordings.start();
    await supervisor.start();
  } catch (error) {
    await hears.close();
    await recordings.stop();
    await proxy.close();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    stop: () => {
      stopping ??= (async () => {
        await hears.close();
        await supervisor.stop();
        await recordings.stop();
        await proxy.close();
      })();
      return stopping;
    },
  };
}
