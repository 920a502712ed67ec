// What follows for the encoder API when one of its jobs changes: its log, and word to the main backend. Called through job-owners.ts.
import type { Kysely } from 'kysely';
import { countOrdered } from '#database/deliveries.ts';
import { changeEncoderJob, findEncoderJob, findOpenEncoderJob, raiseToldProgress } from '#database/encoder-jobs.ts';
import { insertEncoderLog } from '#database/encoder-logs.ts';
import { type JobRef, lockJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import {
  callbackBody,
  callbackUrl,
  type EncoderJob,
  type EncoderLogLevel,
  encoderStatus,
  judgeSource,
} from '#domain/encoder-job.ts';
import { PlatformError } from '#domain/error.ts';
import { isFinished, type OutputResult } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import { addCallback, addLastCallback, type Callback } from '#workflows/add-delivery.ts';
import type { DeletionOwner, JobOwner, PlanOwner, ProgressOwner } from '#workflows/job-owners.ts';
import type { Platform } from '#workflows/platform.ts';

/** Told of the start, before the first ten per cent. */
const STARTED = 1;
type Line = readonly [EncoderLogLevel, string];

export const followEncoderJob: JobOwner = async (platform, db, change) => {
  const { status, type } = change;
  if (status === 'deleted') return;
  const job = await findEncoderJob(db, change);
  if (!job) return;
  const log = (...lines: Line[]) =>
    insertEncoderLog(
      db,
      change,
      lines.map(([level, message]) => ({ level, message })),
    );
  if (type === 'output.uploaded') return log(...(job.result ? resultLines(job.result) : []));
  if (!type.startsWith('job.')) return;
  switch (status) {
    case 'queued':
      return job.isOpen ? log(queuedLine(job)) : reopen(db, job);
    case 'paused':
      return log(['info', 'Paused']);
    case 'processing':
      return start(platform, db, job);
    case 'completed':
    case 'failed':
    case 'canceled':
      await changeEncoderJob(db, change, { isOpen: false });
      await log(endLine(job));
      return tellBackend(platform, db, job);
  }
};

const queuedLine = (job: EncoderJob): Line =>
  job.startedAt === null
    ? ['info', `Job submitted: ${job.originalKey} to ${job.hlsFolderKey}`]
    : ['info', 'Waiting to go on'];

/** A job that was retried. @throws PlatformError `conflict` where its video is being encoded by another */
async function reopen(db: Kysely<Schema>, job: EncoderJob): Promise<void> {
  const other = await findOpenEncoderJob(db, job);
  if (other) throw new PlatformError('conflict', `Video ${job.videoId} is being encoded already, by job ${other.id}`);
  await changeEncoderJob(db, job, { isOpen: true, isExternal: false, outputFileSize: null, toldProgress: 0 });
  await insertEncoderLog(db, job, [{ level: 'info', message: 'Job submitted again' }]);
}

async function start(platform: Platform, db: Kysely<Schema>, job: EncoderJob): Promise<void> {
  const workerId = job.isExternal ? job.workerId : platform.workerId;
  if (workerId !== job.workerId) await changeEncoderJob(db, job, { workerId });
  await insertEncoderLog(db, job, [{ level: 'info', message: `Encoding started on worker ${workerId ?? 'unknown'}` }]);
  // It is told once, however often the work changes hands.
  if (await raiseToldProgress(db, job, STARTED)) await tellBackend(platform, db, { ...job, workerId });
}

const endLine = (job: EncoderJob): Line => {
  if (job.jobStatus === 'completed') return ['info', `Encoding completed: ${job.hlsFolderKey}/master.m3u8`];
  if (job.jobStatus === 'canceled') return ['warning', 'The job was canceled'];
  return ['error', `Encoding failed: ${job.error?.message ?? 'for an unknown reason'}`];
};

function resultLines({ renditions, size, duration }: OutputResult): Line[] {
  const lines = renditions.map(({ name, width, height, averageBitrate }): Line => {
    const rate = Math.round(averageBitrate / 1000);
    return ['info', `${name} finished: ${width}x${height}, ${rate} kb/s`];
  });
  return [...lines, ['info', `Uploaded ${size} bytes, ${duration.toFixed(1)} s`]];
}

/** The plan is made: what was announced is held against the truth, and what will be made is written down. */
export const judgeEncoderPlan: PlanOwner = async (_platform, db, { job, facts, plan }) => {
  const ref = { projectId: job.projectId, jobId: job.id };
  const encoder = await findEncoderJob(db, ref);
  if (!encoder) return;
  const warnings = judgeSource(encoder, facts);
  await insertEncoderLog(db, ref, [
    ...warnings.map((message) => ({ level: 'warning' as const, message })),
    ...plan.findings.map(({ detail, action }) => ({ level: 'warning' as const, message: `${detail}; ${action}` })),
    ...planLines(plan).map((message) => ({ level: 'info' as const, message })),
  ]);
};

const planLines = ({ video, audio }: Plan): string[] => [
  ...video.map(({ name, width, height, rate, preset, method }) => {
    const how =
      method === 'copied'
        ? 'copied from the source'
        : `preset ${preset}, at most ${Math.round(rate.maxBitrate / 1000)} kb/s`;
    return `Encoding ${name} variant: ${width}x${height}, ${how}`;
  }),
  ...audio.map(
    ({ name, channels, bitrate }) =>
      `Encoding sound "${name}": ${channels} channels, ${Math.round(bitrate / 1000)} kb/s`,
  ),
];

/** Another ten per cent is done. */
export const tellEncoderProgress: ProgressOwner = async (platform, ref, progress) => {
  const told = Math.floor(progress / 10) * 10;
  // The whole is told by the completion.
  if (told < 10 || told >= 100) return;
  await platform.database.db.transaction().execute(async (db) => {
    if ((await lockJob(db, ref))?.status !== 'processing') return;
    await tellProgress(platform, db, { ...ref, told });
  });
};

/** The same in the transaction of a change of the locked job. */
export async function tellProgress(
  platform: Platform,
  db: Kysely<Schema>,
  { projectId, jobId, told }: JobRef & { readonly told: number },
): Promise<void> {
  const ref = { projectId, jobId };
  if (told < 10 || told >= 100 || !(await raiseToldProgress(db, ref, told))) return;
  const job = await findEncoderJob(db, ref);
  if (!job) return;
  await insertEncoderLog(db, ref, [{ level: 'info', message: `${told} % done` }]);
  await tellBackend(platform, db, job);
}

/** Who waits for the end of a job, or has not been told of it yet, is told although the job goes. */
export const tellEncoderDeletion: DeletionOwner = async (platform, db, ref) => {
  const job = await findEncoderJob(db, ref);
  if (!job) return;
  const isOver = isFinished(job.jobStatus);
  if (isOver && (await countOrdered(db, ref)) === 0) return;
  const callback = backendCallback(platform.config, job);
  if (!callback) return;
  const body = isOver ? callback.body : { ...callback.body, status: 'failed', error_message: 'The job was deleted' };
  const type = isOver ? callback.type : `encoder.${body.status}`;
  await addLastCallback(platform, db, { ...callback, type, body });
};

/** Puts word to the main backend behind what it was told of the job before. */
async function tellBackend(platform: Platform, db: Kysely<Schema>, job: EncoderJob): Promise<void> {
  const callback = backendCallback(platform.config, job);
  if (callback) await addCallback(platform, db, callback);
}

/** Null where no backend is set. */
function backendCallback(config: Platform['config'], job: EncoderJob) {
  if (config.MAIN_BACKEND_URL === undefined) return null;
  const key = config.MAIN_BACKEND_API_KEY;
  return {
    projectId: job.projectId,
    jobId: job.jobId,
    type: `encoder.${encoderStatus(job.jobStatus)}`,
    url: callbackUrl(config.MAIN_BACKEND_URL, config.MAIN_BACKEND_CALLBACK_PATH ?? '/', job.videoId),
    body: callbackBody(job),
    headers: key === undefined ? {} : { authorization: `Api-Key ${key}` },
  } satisfies Callback;
}
