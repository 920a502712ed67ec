// Tells what becomes of channels: events for those who follow, webhooks for those who must act. Called in the transaction of the change.
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findUnwanted } from '#database/deliveries.ts';
import { insertEvent } from '#database/events.ts';
import type { Schema } from '#database/schema.ts';
import type { Channel, ChannelJob } from '#domain/channel.ts';
import { putOut } from '#workflows/add-delivery.ts';
import { EVENTS } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';

/** `down`, `recovered` and `failover` are alarms: they go to the channel's notification_url too. */
const CHANNEL_ALARMS = ['down', 'recovered', 'failover'] as const;
export type ChannelEventType =
  | `channel.${ChannelJob['status']}`
  | `channel.${(typeof CHANNEL_ALARMS)[number]}`
  | 'channel.created'
  | 'channel.updated'
  | 'channel.deleted'
  | 'channel.recorded';

export type ChannelEvent = {
  readonly type: ChannelEventType;
  readonly channel: Pick<Channel, 'id' | 'name' | 'projectId' | 'spec'>;
  readonly job: Pick<ChannelJob, 'id' | 'status' | 'input' | 'retries' | 'error'> | null;
  readonly more?: Readonly<Record<string, unknown>>;
};

/** The last act of a transaction: see insertEvent. */
export async function recordChannelEvent(
  platform: Platform,
  db: Kysely<Schema>,
  { type, channel, job, more = {} }: ChannelEvent,
): Promise<void> {
  const shown = {
    channel: channel.id,
    name: channel.name,
    ...(job ? { job: job.id, status: job.status, input: job.input, retries: job.retries } : {}),
    ...(job?.error ? { error: job.error } : {}),
    ...more,
  };
  const url = channel.spec.notificationUrl;
  const isAlarm = CHANNEL_ALARMS.some((alarm) => type === `channel.${alarm}`);
  const webhookId = isAlarm && url !== null ? await addAlarm(platform, db, { type, channel, url, shown }) : null;
  await insertEvent(db, {
    projectId: channel.projectId,
    jobId: null,
    type,
    data: { ...shown, ...(webhookId === null ? {} : { webhookId }) },
    channel: EVENTS,
  });
}

type Alarm = {
  readonly type: string;
  readonly channel: ChannelEvent['channel'];
  readonly url: string;
  readonly shown: Readonly<Record<string, unknown>>;
};

/** Null where the receiver has answered 410 Gone. */
async function addAlarm(
  platform: Platform,
  db: Kysely<Schema>,
  { type, channel, url, shown }: Alarm,
): Promise<string | null> {
  const subject = { projectId: channel.projectId, channelId: channel.id };
  if (await findUnwanted(db, subject)) return null;
  const id = uuidv7();
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: shown });
  await putOut(platform, db, [{ ...subject, id, type, url, body }]);
  return id;
}
