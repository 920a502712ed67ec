// Tells what is kept in memory of jobs that one of them has changed. Used by the caches of outputs and streams.
import type { Api } from '#api/context.ts';
import { listen, type Subscription } from '#database/listen.ts';
import { EVENTS, type EventNote, JOB_PROGRESS, type JobProgressNote } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** @param forget by the job's number; null where any may have changed */
export function forgetChanged(app: Api, { database }: Platform, forget: (jobId: number | null) => void): void {
  const subscriptions: Subscription[] = [];
  app.addHook('onReady', async () => {
    for (const channel of [EVENTS, JOB_PROGRESS])
      subscriptions.push(
        await listen(database, channel, (payload) =>
          forget(payload === null ? null : (JSON.parse(payload) as EventNote | JobProgressNote).jobId),
        ),
      );
  });
  app.addHook('onClose', async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
  });
}
