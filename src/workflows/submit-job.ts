// Takes a job in: its row, its outputs, its queue entry and its first event, in one transaction; what comes at the same moment shares it. Called by every API and the CLI.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findJobByKey } from '#database/jobs.ts';
import { insertJobs, type NewJob } from '#database/new-jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, JobRequest, Output } from '#domain/job.ts';
import { jobPriority, RUN_LANES, runLaneOf } from '#queue/lane.ts';
import { GroupCommit } from '#workflows/group-commit.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { recordEvents } from '#workflows/record-event.ts';
import { bringsBytes, checkPlaces, storeSource, storeWatermarks } from '#workflows/store-sources.ts';

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
 *   `source_denied` and `destination_denied` (a file outside FILE_ROOTS), `empty_source` (inline), `idempotency_conflict`
 */
export async function submitJob(
  platform: Platform,
  request: JobRequest,
  alongside?: AlongsideJob,
): Promise<SubmittedJob> {
  checkOutputs(platform, request);
  await checkPlaces(platform, request);
  // Only a key is ever asked again by.
  const requestHash = request.idempotencyKey === null ? null : hashRequest(request);
  // The insert tells of a key that is taken; bytes are not stored, nor an upload looked for, before that is known.
  const known = bringsBytes(request) ? await findSubmitted(platform, request, requestHash) : null;
  if (known) return known;
  const uuid = uuidv7();
  const source = await storeSource(platform, { request, uuid });
  try {
    const outputs = await storeWatermarks(platform, { request, uuid });
    const job = { ...request, ...source, outputs, uuid, requestHash };
    const submitted = await insert(platform, { job, ...(alongside ? { alongside } : {}) });
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

type Submission = { readonly job: NewJob; readonly alongside?: AlongsideJob };
/** Null where the idempotency key is taken. */
type Inserted = SubmittedJob | null;

const MOST_AT_ONCE = 50;
/** Measured with twenty clients: half the transactions, and a seventh off the time of all. */
const GATHER_MS = 3;
/** Outputs of one transaction. */
const MOST_OUTPUTS = 10_000;
const groups = new WeakMap<Platform, GroupCommit<Submission, Inserted>>();

function insert(platform: Platform, submission: Submission): Promise<Inserted> {
  // What an API does alongside may refuse its job, and is not to hold up others.
  if (submission.alongside) return insertAll(platform, [submission]).then((answerTo) => answerTo(submission));
  let group = groups.get(platform);
  if (!group) {
    group = new GroupCommit({
      gatherMs: GATHER_MS,
      most: Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(MOST_OUTPUTS / platform.config.MAX_OUTPUTS))),
      write: (submissions: readonly Submission[]) => insertAll(platform, submissions),
    });
    groups.set(platform, group);
  }
  return group.add(submission);
}

/** In one transaction. Resolves with what became of each. */
async function insertAll(
  platform: Platform,
  submissions: readonly Submission[],
): Promise<(submission: Submission) => Inserted> {
  const { database, sealer } = platform;
  // In one order everywhere: of two processes that insert the same keys, one waits for the other, and not each for the other.
  const asked = submissions.map(({ job }) => job).toSorted(byKey);
  const made = await database.db.transaction().execute(async (db) => {
    const whole = await insertJobs(db, asked, sealer);
    if (whole.length === 0) return [];
    const jobs = whole.map(({ job }) => job);
    for (const { job, alongside } of submissions) {
      const inserted = jobs.find(({ uuid }) => uuid === job.uuid);
      if (inserted) await alongside?.(db, inserted);
    }
    await enqueue(platform, db, jobs);
    await recordEvents(
      platform,
      db,
      whole.map((one) => ({ job: one.job, type: 'job.queued', status: 'queued', whole: one })),
    );
    return whole;
  });
  const answers = new Map(made.map((one) => [one.job.uuid, { ...one, isNew: true }]));
  return ({ job }) => answers.get(job.uuid) ?? null;
}

function byKey(a: NewJob, b: NewJob): number {
  const [first, second] = [a, b].map(({ projectId, idempotencyKey: key }) =>
    key === null ? '' : `${projectId} ${key}`,
  );
  return first === second ? 0 : (first ?? '') < (second ?? '') ? -1 : 1;
}

async function enqueue({ queue }: Platform, db: Kysely<Schema>, jobs: readonly Job[]): Promise<void> {
  for (const lane of RUN_LANES) {
    const entries = jobs
      .filter((job) => runLaneOf(job.lane) === lane)
      .map(({ id, projectId, priority }) => ({
        data: { projectId, jobId: id, priority },
        priority: jobPriority(priority),
      }));
    await queue.sendAll(lane, entries, { transaction: db });
  }
}

async function findSubmitted(
  platform: Platform,
  request: JobRequest,
  requestHash: string | null,
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
