// The file of a video is whole, and its job had begun before: it goes on with all of it, keeping what is done. Called by store-original.ts.

import type { Kysely } from 'kysely';
import { deleteTasks, forgetTries } from '#database/arriving-tasks.ts';
import { changeJob, lockJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { lockVideo } from '#database/videos.ts';
import { USUAL_PRIORITY } from '#domain/job.ts';
import { isSamePicture, type SourceFacts } from '#domain/source-facts.ts';
import { mainJob, type Video } from '#domain/video.ts';
import { readJob } from '#workflows/find-for-change.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { requeueJob } from '#workflows/requeue-job.ts';
import { dropArriving } from '#workflows/videos/drop-arriving.ts';

export type Completion = {
  readonly video: Video;
  readonly storageKey: string;
  /** Of the whole file. */
  readonly facts: SourceFacts;
  /** The rest of the transaction; false where somebody else was quicker. */
  readonly settle: (db: Kysely<Schema>) => Promise<boolean>;
};

/** False where nothing had begun, or nothing came of it: then nothing was settled. */
export async function completeArrival(platform: Platform, completion: Completion): Promise<boolean> {
  const jobId = mainJob(completion.video)?.jobId;
  if (jobId === undefined) return false;
  const done = await platform.database.db
    .transaction()
    .execute((db) => complete(platform, db, { ...completion, jobId }));
  if (done === true) return true;
  await done();
  return false;
}

async function complete(
  platform: Platform,
  db: Kysely<Schema>,
  { video, storageKey, facts, settle, jobId }: Completion & { readonly jobId: number },
): Promise<true | (() => Promise<void>)> {
  const ref = { projectId: video.projectId, jobId };
  await lockVideo(db, video);
  const locked = await lockJob(db, ref);
  if (locked?.arrival !== 'arriving' || !GOES_ON.includes(locked.status)) return dropArriving(platform, db, video);
  if (!(await settle(db))) return true;
  const job = await readJob(platform, db, ref);
  // What differs beyond the picture is compared chunk by chunk when it is planned anew.
  const isAsExpected = job.facts !== null && isSamePicture(job.facts, facts);
  if (!isAsExpected) await deleteTasks(db, ref);
  await forgetTries(db, ref);
  const isPaused = locked.status === 'paused';
  await changeJob(db, ref, {
    ...(isAsExpected ? {} : { plan: null }),
    ...(isPaused ? {} : { status: 'queued' }),
    ...{ arrival: 'arrived', sourceKey: storageKey, facts, priority: USUAL_PRIORITY, tries: 0 },
  });
  if (isPaused) return true;
  await requeueJob(platform, db, await readJob(platform, db, ref));
  await recordEvent(platform, db, { job: locked, type: 'job.queued', status: 'queued' });
  return true;
}

const GOES_ON: readonly string[] = ['queued', 'processing', 'paused'];
