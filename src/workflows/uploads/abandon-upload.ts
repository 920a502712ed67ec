// Gives an upload up that is not whole: its rows, its video, its bytes. Called by the upload routes and the janitor.
import { deleteUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { deleteVideoRow, lockVideo } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { uploadPrefix } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';

/** @throws PlatformError `conflict` where it is whole: then its video is to be deleted */
export async function abandonUpload(
  platform: Platform,
  upload: Pick<Upload, 'projectId' | 'id' | 'isVideo' | 'storageKey' | 'multipartId'>,
): Promise<void> {
  const { database, storage } = platform;
  const removeFiles = await database.db.transaction().execute(async (db) => {
    if (upload.isVideo) await lockVideo(db, upload);
    const now = await lockUpload(db, upload);
    if (now && now.status !== 'receiving')
      throw new PlatformError('conflict', `Upload ${upload.id} is ${now.status}; delete its video instead`);
    const remove = await dropArriving(platform, db, upload);
    await deleteUpload(db, upload);
    if (upload.isVideo) await deleteVideoRow(db, upload);
    return remove;
  });
  await removeFiles();
  if (upload.multipartId !== null) await storage.direct?.abort(upload.storageKey, upload.multipartId);
  await storage.removeAll(uploadPrefix(upload.id));
}
