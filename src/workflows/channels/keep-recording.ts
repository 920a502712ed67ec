// A recording of a channel lies in managed storage: told of. Called by the live supervisor.
import type { Channel } from '#domain/channel.ts';
import { recordChannelEvent } from '#workflows/channels/channel-event.ts';
import type { Platform } from '#workflows/platform.ts';

export type KeptRecording = {
  readonly channel: Pick<Channel, 'id' | 'name' | 'projectId' | 'spec'>;
  /** In managed storage. */
  readonly key: string;
  /** bytes */
  readonly size: number;
  readonly startedAt: Date;
  readonly seconds: number;
};

export async function keepRecording(
  platform: Platform,
  { channel, key, size, startedAt, seconds }: KeptRecording,
): Promise<void> {
  const more = { key, size, started_at: startedAt.toISOString(), seconds };
  await platform.database.db
    .transaction()
    .execute((db) => recordChannelEvent(platform, db, { type: 'channel.recorded', channel, job: null, more }));
}
