// Takes a job in: its row, its outputs, its queue entry and its first event, in one transaction. Called by every API and the CLI.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findJobByKey, insertJob } from '#database/jobs.ts';
import { insertOutputs, listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, JobRequest, Output } from '#domain/job.ts';
import { jobPriority, runLaneOf } from '#queue/lane.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { storeSource, storeWatermarks } from '#workflows/store-sources.ts';

export type SubmittedJob = {
  readonly job: Job;
  readonly outputs: readonly Output[];
  /** False where the idempotency key had made the job before. */
  readonly isNew: boolean;
};

/** An API's own rows, in the transaction that makes the job. What it throws undoes both. */
export type AlongsideJob = (db: Kysely<Schema>, job: Job) => Promise<void>;

/**
 * Once this resolves the job cannot be lost; if it rejects there is none.
 * @throws PlatformError `invalid_request`, `limit_exceeded`, `too_large`, `not_found` (upload), `conflict` (upload not complete),
 *   `idempotency_conflict`
 */
export async function submitJob(
  platform: Platform,
  request: JobRequest,
  alongside?: AlongsideJob,
): Promise<SubmittedJob> {
  checkOutputs(platform, request);
  const requestHash = hashRequest(request);
  const known = await findSubmitted(platform, request, requestHash);
  if (known) return known;
  const uuid = uuidv7();
  const source = await storeSource(platform, { request, uuid });
  try {
    const outputs = await storeWatermarks(platform, { request, uuid });
    const submitted = await insert(platform, { ...request, ...source, outputs, uuid, requestHash }, alongside);
    if (submitted) return submitted;
  } catch (error) {
    await platform.storage.removeAll(jobPrefix(uuid));
    throw error;
  }
  // Another request with the same key was quicker.
  await platform.storage.removeAll(jobPrefix(uuid));
  const winner = await findSubmitted(platform, request, requestHash);
  if (!winner)
    throw new PlatformError('conflict', 'The job of this Idempotency-Key was deleted while it was asked for');
  return winner;
}

type NewJob = JobRequest & { readonly uuid: string; readonly requestHash: string; readonly sourceKey: string | null };

/** Null where the idempotency key is taken. */
async function insert(
  platform: Platform,
  request: NewJob,
  alongside: AlongsideJob | undefined,
): Promise<SubmittedJob | null> {
  const { database, sealer, queue } = platform;
  return database.db.transaction().execute(async (db) => {
    const job = await insertJob(db, request, sealer);
    if (!job) return null;
    const ref = { projectId: job.projectId, jobId: job.id };
    const outputs = await insertOutputs(db, { ...ref, specs: request.outputs }, sealer);
    await alongside?.(db, job);
    const entry = { ...ref, priority: job.priority };
    await queue.send(runLaneOf(job.lane), entry, { priority: jobPriority(job.priority), transaction: db });
    await recordEvent(platform, db, { job, type: 'job.queued', status: 'queued', whole: { job, outputs } });
    return { job, outputs, isNew: true };
  });
}

async function findSubmitted(
  platform: Platform,
  request: JobRequest,
  requestHash: string,
): Promise<SubmittedJob | null> {
  const { idempotencyKey, projectId } = request;
  if (idempotencyKey === null) return null;
  const { db } = platform.database;
  const found = await findJobByKey(db, { projectId, idempotencyKey }, platform.sealer);
  if (!found) return null;
  if (found.requestHash !== requestHash) {
    throw new PlatformError(
      'idempotency_conflict',
      `The Idempotency-Key belongs to job ${found.job.id}, which was asked for differently`,
    );
  }
  const outputs = await listOutputs(db, { projectId, jobId: found.job.id }, platform.sealer);
  return { job: found.job, outputs, isNew: false };
}

function checkOutputs({ config }: Platform, { outputs, priority }: JobRequest): void {
  if (outputs.length === 0)
    throw new PlatformError('invalid_request', 'A job needs at least one output', {
      errors: [{ path: 'outputs', message: 'at least one' }],
    });
  if (outputs.length > config.MAX_OUTPUTS) {
    const message = `at most ${config.MAX_OUTPUTS}`;
    throw new PlatformError('limit_exceeded', `A job may have ${message} outputs (MAX_OUTPUTS)`, {
      errors: [{ path: 'outputs', message }],
    });
  }
  if (!Number.isInteger(priority) || priority < 0 || priority > 100) {
    throw new PlatformError('invalid_request', 'The priority is a whole number from 0 to 100', {
      errors: [{ path: 'priority', message: '0 to 100' }],
    });
  }
}

/** Over everything asked for, with fields in one order; neither the key itself nor the name the server was called by. */
function hashRequest({ idempotencyKey: _key, baseUrl: _base, ...request }: JobRequest): string {
  const asked = request.sourceDigest === undefined ? request : { ...request, source: null };
  const text = JSON.stringify(asked, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest('hex');
}
