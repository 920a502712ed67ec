// Deletes operations: hidden at once, then job and files go. Called by the operations API and, for expired ones, by the janitor.
import {
  deleteOperationFiles,
  forgetOperations,
  hideOperation,
  listEndedOperations,
  listOperationFiles,
  type OperationRef,
} from '#database/operations.ts';
import { forgetCalls } from '#database/rate-limits.ts';
import { PlatformError } from '#domain/error.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { requireOperation } from '#workflows/operations/change-operation.ts';
import type { Platform } from '#workflows/platform.ts';

const DAY = 86_400_000;
const BATCH = 200;
/** Before every id there is. */
const FIRST = '00000000-0000-0000-0000-000000000000';
/** Hidden operations are remembered so long, for whoever asks what became of one. */
const REMEMBERED_DAYS = 30;

/** Work on it stops. @throws PlatformError `not_found` */
export async function deleteOperation(platform: Platform, ref: OperationRef): Promise<void> {
  const { id, projectId, jobId } = await requireOperation(platform, ref);
  if (!(await hideOperation(platform.database.db, ref)))
    throw new PlatformError('not_found', `There is no operation ${JSON.stringify(id)}`);
  await removeRemains(platform, { id, projectId, jobId });
}

/** Hides what has been kept long enough, and removes what is left of hidden ones: a process may have died before it could. */
export async function expireOperations(platform: Platform): Promise<void> {
  const { db } = platform.database;
  const keeping = { expiryHours: platform.config.OPERATION_EXPIRY_HOURS };
  for (let after = FIRST; ; ) {
    const ended = await listEndedOperations(db, keeping, { after, limit: BATCH });
    for (const operation of ended) {
      try {
        await hideOperation(db, operation);
        await removeRemains(platform, operation);
      } catch (error) {
        // What one storage refuses must not keep the others; this one is tried again at the next sweep.
        platform.log.error({ err: error, operation: operation.id }, 'an ended operation could not be removed');
      }
    }
    after = ended.at(-1)?.id ?? after;
    if (ended.length < BATCH) break;
  }
  await forgetOperations(db, new Date(Date.now() - REMEMBERED_DAYS * DAY));
  await forgetCalls(db, new Date(Date.now() - DAY));
}

type Remains = { readonly id: string; readonly projectId: string; readonly jobId: number | null };

/** The rows of the files go last: they are what says that something lies in storage. */
async function removeRemains(platform: Platform, { id, projectId, jobId }: Remains): Promise<void> {
  const { database, storage } = platform;
  if (jobId !== null) {
    try {
      await deleteJob(platform, { projectId, jobId });
    } catch (error) {
      // Deleted before, by whatever means.
      if (!(error instanceof PlatformError && error.code === 'not_found')) throw error;
    }
  }
  for (const file of await listOperationFiles(database.db, { projectId, id })) {
    if (file.path !== null) await storage.remove(file.path);
    if (file.cloudinaryPublicId === null) continue;
    const resourceType = file.mimeType.startsWith('image/') ? 'image' : 'video';
    await platform.cloudinary?.remove({ resourceType, path: file.cloudinaryPublicId });
  }
  await deleteOperationFiles(database.db, { projectId, id });
}
