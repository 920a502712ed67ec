// Deletes a video with all its files: jobs, segments, pictures, original, an upload that goes on. Called by the video and admin routes.
import { deleteUpload, findUpload } from '#database/uploads.ts';
import { deleteVideoRow, lockVideo, type VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { uploadPrefix } from '#domain/video.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';
import { readVideo } from '#workflows/videos/read-video.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';
import { unlessOver } from '#workflows/videos/stop-video.ts';

/** @throws PlatformError `not_found` */
export async function deleteVideo(platform: Platform, ref: VideoRef): Promise<void> {
  const { database, storage } = platform;
  const video = await readVideo(platform, ref);
  const upload = await findUpload(database.db, ref);
  for (const { jobId } of video.jobs) await deleteJob(platform, { projectId: ref.projectId, jobId }).catch(unlessOver);
  const removeFiles = await database.db.transaction().execute(async (db) => {
    if (!(await lockVideo(db, ref))) throw new PlatformError('not_found', `There is no video ${ref.id}`);
    const remove = await dropArriving(platform, db, ref);
    await deleteVideoRow(db, ref);
    await deleteUpload(db, ref);
    await recordVideoEvent(platform, db, { ref, type: 'video.deleted', video });
    return remove;
  });
  await removeFiles();
  if (upload?.multipartId && upload.status === 'receiving')
    await storage.direct?.abort(upload.storageKey, upload.multipartId);
  // After the commit: rows without files can be seen, files without rows only cost space.
  await storage.removeAll(uploadPrefix(ref.id));
}
