// Tells what is kept in memory of jobs and videos that one of them has changed. Used by the caches of outputs and streams.
import type { Api } from '#api/context.ts';
import { listen, type Subscription } from '#database/listen.ts';
import {
  EVENTS,
  type EventNote,
  JOB_PROGRESS,
  type JobProgressNote,
  VIDEO_CHANGED,
  type VideoChanged,
} from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** @param forget by the job's number; null where any may have changed */
export function forgetChanged(app: Api, platform: Platform, forget: (jobId: number | null) => void): void {
  hear(app, platform, {
    channels: [EVENTS, JOB_PROGRESS],
    onNote: (note: EventNote | JobProgressNote | null) => forget(note?.jobId ?? null),
  });
}

/** @param forget by the video's id; null where any may have changed */
export function forgetChangedVideos(app: Api, platform: Platform, forget: (videoId: string | null) => void): void {
  hear(app, platform, {
    channels: [VIDEO_CHANGED],
    onNote: (note: VideoChanged | null) => forget(note?.videoId ?? null),
  });
}

type Hearing<Note> = { readonly channels: readonly string[]; readonly onNote: (note: Note | null) => void };

function hear<Note>(app: Api, { database }: Platform, { channels, onNote }: Hearing<Note>): void {
  const subscriptions: Subscription[] = [];
  app.addHook('onReady', async () => {
    for (const channel of channels)
      subscriptions.push(
        await listen(database, channel, (payload) => onNote(payload === null ? null : (JSON.parse(payload) as Note))),
      );
  });
  app.addHook('onClose', async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
  });
}
