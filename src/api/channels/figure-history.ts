// The figures of every channel that is on air, a quarter of an hour back, as this process has seen them. Used by figure-route.ts.
import type { Api } from '#api/context.ts';
import { listRunningFigures } from '#database/channel-jobs.ts';
import type { ChannelFigures } from '#domain/channel.ts';
import type { Platform } from '#workflows/platform.ts';

/** Seconds between two samples, and of how many they are kept. */
export const FIGURE_INTERVAL = 5;
const KEPT_SECONDS = 900;

export type FigureSample = Pick<ChannelFigures, 'fps' | 'bitrate' | 'speed' | 'cpuPercent'> & {
  /** milliseconds since 1970 */
  readonly at: number;
};

export class FigureHistory {
  readonly #kept = new Map<number, FigureSample[]>();

  add(jobId: number, { fps, bitrate, speed, cpuPercent }: ChannelFigures, at: number): void {
    const samples = this.#kept.get(jobId) ?? [];
    samples.push({ at, fps, bitrate, speed, cpuPercent });
    this.#kept.set(jobId, samples);
  }

  /** Lets go what is too old, and channels of which nothing is left. */
  forget(now: number): void {
    for (const [jobId, samples] of this.#kept) {
      const fresh = samples.filter(({ at }) => at > now - KEPT_SECONDS * 1000);
      if (fresh.length > 0) this.#kept.set(jobId, fresh);
      else this.#kept.delete(jobId);
    }
  }

  /** Oldest first. */
  of(jobId: number): readonly FigureSample[] {
    return this.#kept.get(jobId) ?? [];
  }
}

/** Looks as long as the server serves: one small query for all channels, whoever watches them. */
export function keepFigures(app: Api, { database, log }: Platform): FigureHistory {
  const history = new FigureHistory();
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      const running = await listRunningFigures(database.db);
      const now = Date.now();
      for (const { jobId, figures } of running) history.add(jobId, figures, now);
      history.forget(now);
    } catch (error) {
      // The database is away for now: a gap in the lines says so.
      log.debug({ err: error }, 'the figures of channels could not be read');
    } finally {
      isLooking = false;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  app.addHook('onReady', async () => {
    timer = setInterval(() => void look(), FIGURE_INTERVAL * 1000).unref();
    void look();
  });
  app.addHook('onClose', async () => clearInterval(timer));
  return history;
}
