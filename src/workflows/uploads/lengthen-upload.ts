// Says how long a tus upload is that was begun without a length. Called by the tus routes.
import { changeUpload, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import { mostBytes, tooManyBytes } from '#workflows/uploads/begin-upload.ts';

/** @throws PlatformError `too_large`, `source_too_large`, `conflict` where more has come already */
export async function lengthenUpload(platform: Platform, upload: Upload, size: number): Promise<Upload> {
  const { projectId, id, received } = upload;
  if (size > mostBytes(platform, upload)) throw tooManyBytes(platform, upload);
  if (size < received)
    throw new PlatformError('conflict', `Upload ${id} has ${received} bytes already, more than ${size}`);
  await changeUpload(platform.database.db, { projectId, id }, { expectedSize: size });
  return { ...upload, expectedSize: size };
}
