// Pauses, drains and resumes the queue of the whole cluster, and limits what a project has of it. Called by the API.
import { saveProjectLimit, saveQueueState } from '#database/queue-state.ts';
import { PlatformError } from '#domain/error.ts';
import type { QueueState } from '#domain/queue-state.ts';
import { announce, QUEUE_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** It outlives restarts: what was paused stays so until it is resumed. */
export async function changeQueueState({ database }: Platform, state: QueueState): Promise<void> {
  await database.db.transaction().execute(async (db) => {
    await saveQueueState(db, state);
    await announce(db, QUEUE_CONTROL, { state });
  });
}

/** @param concurrency null takes PROJECT_CONCURRENCY @throws PlatformError `not_found` */
export async function limitProject(
  { database }: Platform,
  limit: { readonly projectId: string; readonly concurrency: number | null },
): Promise<void> {
  if (await saveProjectLimit(database.db, limit)) return;
  throw new PlatformError('not_found', `There is no project ${limit.projectId}`);
}
