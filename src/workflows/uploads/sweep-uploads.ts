// Ends uploads that nobody goes on with, and removes bytes of uploads that have no row. Called by janitor.ts.

import { deleteUpload, findUploadIds, listExpiredUploads } from '#database/uploads.ts';
import { findVideoIds } from '#database/videos.ts';
import { uploadIdOf, uploadPrefix } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { removeUnowned } from '#workflows/remove-unowned.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { unlessOver } from '#workflows/videos/stop-video.ts';

export async function sweepUploads(platform: Platform): Promise<void> {
  const { storage, database } = platform;
  for (const upload of await listExpiredUploads(database.db, new Date())) {
    if (upload.status === 'receiving') {
      await abandonUpload(platform, upload).catch(unlessOver);
      continue;
    }
    await storage.removeAll(uploadPrefix(upload.id));
    await deleteUpload(database.db, upload);
  }
  await removeUnowned(platform, {
    prefix: 'uploads/',
    idOf: uploadIdOf,
    folderOf: uploadPrefix,
    findOwned: async (ids) => {
      const [uploads, videos] = await Promise.all([findUploadIds(database.db, ids), findVideoIds(database.db, ids)]);
      return new Set([...uploads, ...videos]);
    },
  });
}
