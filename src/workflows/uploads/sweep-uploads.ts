// Ends uploads that nobody goes on with, and removes bytes of uploads that have no row. Called by janitor.ts.

import { deleteUpload, findUploadIds, listExpiredUploads } from '#database/uploads.ts';
import { deleteVideoDeliveriesBefore } from '#database/video-deliveries.ts';
import { findVideoIds } from '#database/videos.ts';
import { uploadPrefix } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { abandonUpload } from '#workflows/uploads/abandon-upload.ts';
import { unlessOver } from '#workflows/videos/stop-video.ts';

const HOUR = 3_600_000;
/** What is newer may belong to an upload that is just being begun. */
const UNOWNED_HOURS = 1;
const DELIVERY_DAYS = 30;

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
  await removeUnowned(platform, Date.now() - UNOWNED_HOURS * HOUR);
  await deleteVideoDeliveriesBefore(database.db, new Date(Date.now() - DELIVERY_DAYS * 24 * HOUR));
}

async function removeUnowned({ storage, database }: Platform, before: number): Promise<void> {
  const newest = new Map<string, number>();
  for await (const { key, modifiedAt } of storage.list('uploads/')) {
    const id = /^uploads\/([0-9a-f-]{36})\//.exec(key)?.[1];
    if (id !== undefined) newest.set(id, Math.max(newest.get(id) ?? 0, modifiedAt?.getTime() ?? Date.now()));
  }
  const old = [...newest].filter(([, time]) => time < before).map(([id]) => id);
  for (let i = 0; i < old.length; i += 500) {
    const some = old.slice(i, i + 500);
    const [uploads, videos] = await Promise.all([findUploadIds(database.db, some), findVideoIds(database.db, some)]);
    for (const id of some) if (!uploads.has(id) && !videos.has(id)) await storage.removeAll(uploadPrefix(id));
  }
}
