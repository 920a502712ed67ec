// What a worker takes follows the state of the cluster's queue and the limits of projects. Used by start-worker.ts.
import { listen } from '#database/listen.ts';
import { findQueueState, listProjectLimits } from '#database/queue-state.ts';
import type { QueueState } from '#domain/queue-state.ts';
import { type Lane, RUN_LANES, WORK_LANES } from '#queue/lane.ts';
import type { GroupLimits } from '#queue/queue.ts';
import { QUEUE_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** Webhooks and cleaning go on whatever the state. */
const HELD: Readonly<Record<QueueState, readonly Lane[]>> = { running: [], draining: RUN_LANES, paused: WORK_LANES };
/** Milliseconds between looks, should a notification get lost. */
const LOOK_MS = 10_000;
const LIMITS_MS = 5000;
const NO_LIMIT = 2 ** 31 - 1;

/** Resolves when the state is known and kept. */
export async function followQueueState(
  platform: Platform,
  onError: (error: unknown) => void,
): Promise<{ close(): Promise<void> }> {
  const look = async () => platform.queue.hold(HELD[(await findQueueState(platform.database.db)).state]);
  const lookLater = () => void look().catch(onError);
  const subscription = await listen(platform.database, QUEUE_CONTROL, lookLater);
  await look();
  const timer = setInterval(lookLater, LOOK_MS);
  return {
    close: async () => {
      clearInterval(timer);
      await subscription.close();
    },
  };
}

/** What each project may have of a lane, looked up every few seconds; null where nothing is limited. */
export function projectLimits({ config, database }: Platform): () => Promise<GroupLimits | null> {
  let known: { readonly at: number; readonly limits: Promise<GroupLimits | null> } | undefined;
  const read = async (): Promise<GroupLimits | null> => {
    const groups = await listProjectLimits(database.db);
    if (config.PROJECT_CONCURRENCY === 0 && Object.keys(groups).length === 0) return null;
    return { default: config.PROJECT_CONCURRENCY || NO_LIMIT, groups, exact: true };
  };
  return async () => {
    if (!known || performance.now() - known.at > LIMITS_MS) known = { at: performance.now(), limits: read() };
    const { limits } = known;
    try {
      return await limits;
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
}
