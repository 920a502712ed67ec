// Takes back what was begun of a video whose file still arrives: it was given up, is not what it seemed, or has changed. Called in the transaction that says so.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { listArrivingJobs, type VideoRef } from '#database/videos.ts';
import { deleteJobRows, type RemoveFiles } from '#workflows/delete-job.ts';
import type { Platform } from '#workflows/platform.ts';

/** What it answers is called after the commit. */
export async function dropArriving(
  platform: Platform,
  db: Kysely<Schema>,
  { projectId, id }: VideoRef,
): Promise<RemoveFiles> {
  const removals: RemoveFiles[] = [];
  for (const jobId of await listArrivingJobs(db, { projectId, id }))
    removals.push(await deleteJobRows(platform, db, { projectId, jobId }));
  return async () => {
    for (const remove of removals) await remove();
  };
}
