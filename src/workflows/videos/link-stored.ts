// A presigned address of a stored segment, where STREAM_FROM_S3 sends players to the bucket itself. Called by the stream routes.
import type { Platform } from '#workflows/platform.ts';
import type { ServedFile } from '#workflows/read-package.ts';

/** Seconds such an address lives: a player follows it at once. */
const LIVES = 900;

/** Null where the server sends the bytes: texts of ours, what is made on request, storage that is no bucket. */
export async function linkStored({ config, storage }: Platform, file: ServedFile): Promise<string | null> {
  if (config.STREAM_FROM_S3 !== 'redirect' || file.kind !== 'object' || !storage.presign) return null;
  return storage.presign(file.key, { seconds: LIVES, mediaType: file.mediaType });
}
