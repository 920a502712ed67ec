// Gives an upload up that is not whole: its rows, its video, its bytes. Called by the upload routes and the janitor.
import { deleteUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { deleteVideoRow } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { uploadPrefix } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

/** @throws PlatformError `conflict` where it is whole: then its video is to be deleted */
export async function abandonUpload(
  platform: Platform,
  upload: Pick<Upload, 'projectId' | 'id' | 'isVideo' | 'storageKey' | 'multipartId'>,
): Promise<void> {
  const { database, storage } = platform;
  await database.db.transaction().execute(async (db) => {
    const now = await lockUpload(db, upload);
    if (now && now.status !== 'receiving')
      throw new PlatformError('conflict', `Upload ${upload.id} is ${now.status}; delete its video instead`);
    await deleteUpload(db, upload);
    if (upload.isVideo) await deleteVideoRow(db, upload);
  });
  if (upload.multipartId !== null) await storage.direct?.abort(upload.storageKey, upload.multipartId);
  await storage.removeAll(uploadPrefix(upload.id));
}
