// Removes what a task's attempts stored that came to nothing. Called by commit-task.ts and settle-task-failure.ts.
import { listTaskKeys } from '#database/task-parts.ts';
import { attemptPrefix } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskAttempt } from '#workflows/run-task.ts';

/**
 * Of all attempts up to a number. What the task's row names stays: segments that were shown are built on by whoever goes on.
 */
export async function removeAttempts(
  { database, storage }: Pick<Platform, 'database' | 'storage'>,
  { held, task, job }: Pick<TaskAttempt, 'held' | 'task' | 'job'>,
  upTo: number,
): Promise<void> {
  if (upTo < 1) return;
  const named = await listTaskKeys(database.db, held);
  for (let attempt = 1; attempt <= upTo; attempt++) {
    const prefix = `${attemptPrefix(job.uuid, { taskId: task.id, attempt })}/`;
    const kept = new Set(named.filter((key) => key.startsWith(prefix)));
    if (kept.size === 0) await storage.removeAll(prefix);
    else for await (const { key } of storage.list(prefix)) if (!kept.has(key)) await storage.remove(key);
  }
}
