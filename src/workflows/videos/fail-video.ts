// A video that can never become one: its upload is no media, or not what was announced. Called in the transaction that fails the upload.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { changeVideo, type VideoRef } from '#database/videos.ts';
import type { Failure } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';

export async function failVideo(
  platform: Platform,
  db: Kysely<Schema>,
  { failure, ...ref }: VideoRef & { readonly failure: Failure },
): Promise<void> {
  await changeVideo(db, ref, { error: failure });
  await recordVideoEvent(platform, db, { ref, type: 'video.failed', data: { error: failure } });
}
