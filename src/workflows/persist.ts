// Repeats a write while the database cannot be reached: an hour of encoding must not be lost to a restart of PostgreSQL. Used by commit-task.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { isNodeError } from '#domain/error.ts';

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

/** SQLSTATE classes 08 (connection) and 57P (server going down or coming up), the system's own codes, and what pg says itself. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isNodeError(error))
    return /^(08|57P)|^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND|AI_AGAIN)/.test(error.code ?? '');
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}
