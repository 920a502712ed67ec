// Webhooks that tell of videos: inserted with the event, sent like all others. No job owns them, so the janitor ends them.
import { type Kysely, sql } from 'kysely';
import { json, type Schema } from '#database/schema.ts';
import { type Sealer, sealUrl } from '#database/sealed-location.ts';

export type NewVideoDelivery = {
  readonly projectId: string;
  readonly videoId: string;
  readonly id: string;
  readonly type: string;
  readonly url: string;
  readonly body: string;
};

export async function insertVideoDelivery(
  db: Kysely<Schema>,
  { id, projectId, videoId, type, url, body }: NewVideoDelivery,
  sealer: Sealer,
): Promise<void> {
  await db
    .insertInto('delivery')
    .values({
      id,
      project_id: projectId,
      job_id: null,
      video_id: videoId,
      type,
      url: sealUrl(url, sealer),
      body: sealer.seal(body),
      status: 'pending',
      attempts: json([]),
      next_attempt_at: sql<Date>`now()`,
    })
    .execute();
}

/**
 * Deliveries that no job takes along when it goes, of videos and channels, settled and older than a time. A refusal for good of a
 * channel's receiver stays: it is what keeps it from being asked again.
 */
export async function deleteLooseDeliveriesBefore(db: Kysely<Schema>, before: Date): Promise<void> {
  await db
    .deleteFrom('delivery')
    .where('job_id', 'is', null)
    .where('status', '<>', 'pending')
    .where(({ or, eb }) => or([eb('channel_id', 'is', null), eb('status', '<>', 'disabled')]))
    .where('created_at', '<', before)
    .execute();
}
