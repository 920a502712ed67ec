// Submits a job of a video: its first, or one that makes further qualities. Called by store-original.ts and start-video.ts.
import type { Kysely } from 'kysely';
import { changeJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { changeVideo, insertVideoJob, lockVideo } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { type Job, USUAL_PRIORITY } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { videoOutput } from '#workflows/videos/video-output.ts';

export type VideoSubmission = {
  readonly video: Pick<Video, 'id' | 'projectId' | 'filename' | 'title' | 'baseUrl'>;
  readonly storageKey: string;
  readonly qualities: readonly string[] | null;
  readonly isFurther: boolean;
  /** What a probe found already; null where the job is to look. */
  readonly facts: SourceFacts | null;
  /** Where its beginning lies, while it still arrives: then it goes after everything else. Left out of one that is whole. */
  readonly arrivingKey?: string;
  /** What else belongs into the transaction, with the video's row locked; false undoes all of it. */
  readonly alongside?: (db: Kysely<Schema>, job: Job) => Promise<boolean>;
};

/** Null where `alongside` wanted none. @throws PlatformError `not_found` */
export async function submitVideo(platform: Platform, submission: VideoSubmission): Promise<Job | null> {
  const { video, storageKey, qualities, isFurther, facts, arrivingKey, alongside } = submission;
  const ref = { projectId: video.projectId, id: video.id };
  try {
    const { job } = await submitJob(
      platform,
      {
        projectId: video.projectId,
        api: 'videos',
        source: { kind: 'managed', key: storageKey },
        outputs: [videoOutput({ qualities, isFurther })],
        priority: arrivingKey === undefined ? USUAL_PRIORITY : 0,
        metadata: { filename: video.filename, videoId: video.id },
        // Webhooks of a video tell of the video.
        notificationUrl: null,
        idempotencyKey: null,
        ...(video.baseUrl === null ? {} : { baseUrl: video.baseUrl }),
      },
      async (db, submitted) => {
        if (!(await lockVideo(db, ref))) throw new PlatformError('not_found', `There is no video ${video.id}`);
        if (alongside && !(await alongside(db, submitted))) throw new NotWanted();
        await insertVideoJob(db, { projectId: video.projectId, videoId: video.id, jobId: submitted.id });
        await changeVideo(db, ref, { stopped: false });
        const arrival = arrivingKey === undefined ? {} : { arrival: 'arriving' as const, sourceKey: arrivingKey };
        if (facts) await changeJob(db, { projectId: video.projectId, jobId: submitted.id }, { facts, ...arrival });
      },
    );
    return job;
  } catch (error) {
    if (error instanceof NotWanted) return null;
    throw error;
  }
}

/** Undoes the transaction. */
class NotWanted extends Error {}
