// Takes an encoder job in; the same video and key, still unfinished, is the job there is. Called by the encoder API and by take-in.ts.
import {
  changeEncoderJob,
  findEncoderJob,
  findOpenEncoderJob,
  insertEncoderJob,
  OPEN_INDEX,
} from '#database/encoder-jobs.ts';
import type { EncoderJob, EncoderRequest } from '#domain/encoder-job.ts';
import { PlatformError } from '#domain/error.ts';
import { encoderJobRequest } from '#workflows/encoder/encoder-job-request.ts';
import type { Platform } from '#workflows/platform.ts';
import { submitJob } from '#workflows/submit-job.ts';

export type EncoderSubmission = {
  readonly projectId: string;
  readonly request: EncoderRequest;
  /** SHA-256 of the Redis entry that brings it: stored with the job until the entry is known to be gone. */
  readonly entry?: string;
};

/** Tries: a job that is open when it is asked for may have ended a moment later. */
const TRIES = 5;

/** Once this resolves the job cannot be lost. @throws PlatformError `invalid_setting` */
export async function submitEncoderJob(platform: Platform, submission: EncoderSubmission): Promise<EncoderJob> {
  const { db } = platform.database;
  const { projectId, request, entry } = submission;
  for (let tries = 0; tries < TRIES; tries++) {
    const open = await findOpenEncoderJob(db, { projectId, ...request });
    if (open) {
      // This entry is done by the job there is, also when that ends before the entry is gone.
      if (entry !== undefined) await changeEncoderJob(db, open, { entry });
      return open;
    }
    const made = await make(platform, submission);
    if (made) return made;
  }
  throw new PlatformError('conflict', `Video ${request.videoId} is being submitted by others at the same moment`);
}

/** Null where another was quicker. */
async function make(platform: Platform, { projectId, request, entry }: EncoderSubmission): Promise<EncoderJob | null> {
  try {
    const { job } = await submitJob(
      platform,
      encoderJobRequest(platform.config, { projectId, request }),
      (db, { id }) => insertEncoderJob(db, { projectId, jobId: id, request, entry: entry ?? null }),
    );
    return await findEncoderJob(platform.database.db, { projectId, jobId: job.id });
  } catch (error) {
    if (isTaken(error)) return null;
    throw error;
  }
}

/** The unique index says that there is an unfinished one. */
const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'constraint' in error && error.constraint === OPEN_INDEX;
