// Repeats a write while the database cannot be reached: an hour of encoding must not be lost to a restart of PostgreSQL. Used by commit-task.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionLoss } from '#database/connection-loss.ts';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

/** @param act must be safe to repeat, also when it had succeeded and only its answer was lost */
export async function persist(act: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isConnectionLoss(error) || performance.now() > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
