// The road of a job, from its row to its tasks: fetch, probe, plan. The page to read first; run-task.ts goes on from here.
import { listBegunChunks } from '#database/arriving-tasks.ts';
import { claimJob, findHeldJob, findJob, lockJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import type { RunLane } from '#queue/lane.ts';
import type { Entry } from '#queue/queue.ts';
import { fetchSource } from '#workflows/fetch-source.ts';
import { holdStill } from '#workflows/hold-still.ts';
import { JobLogger } from '#workflows/job-logger.ts';
import { markEditions } from '#workflows/mark-editions.ts';
import { openTasks } from '#workflows/open-tasks.ts';
import { packagePlanned } from '#workflows/package-timeline.ts';
import { planOptions } from '#workflows/plan-options.ts';
import type { Platform } from '#workflows/platform.ts';
import { prepareBurns } from '#workflows/prepare-burn.ts';
import { prepareWatermarks } from '#workflows/prepare-watermarks.ts';
import { probeStored } from '#workflows/probe-stored.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { reportFetch } from '#workflows/report-progress.ts';
import type { RunningWork } from '#workflows/running-work.ts';
import { settleJobFailure } from '#workflows/settle-job-failure.ts';
import { straightenSource } from '#workflows/straighten-source.ts';

/**
 * Takes a queued job and turns it into tasks. Whatever goes wrong on the way ends in the job's row: this rejects only
 * when the database does, and then the queue delivers the entry again.
 */
export async function runJob(platform: Platform, running: RunningWork, entry: Entry<RunLane>): Promise<void> {
  const taken = await takeJob(platform, entry);
  if (!taken) return;
  const { job, outputs } = taken;
  const held = { projectId: job.projectId, jobId: job.id, attempt: job.attempt };
  const work = { jobId: job.id, signal: entry.signal, isOurs: () => findHeldJob(platform.database.db, held) };
  const logger = new JobLogger(platform, held, 'run');
  try {
    await running.hold(work, async (signal) => {
      try {
        if (taken.tries >= platform.config.QUEUE_MAX_ATTEMPTS)
          throw new PlatformError('worker_lost', `This work ended its worker ${taken.tries} times`);
        await prepareJob(platform, { job, outputs, signal, logger });
      } catch (error) {
        await settleJobFailure(platform, { job, entry, logger }, signal.aborted ? signal.reason : error);
      }
    });
  } finally {
    await logger.close();
  }
}

type Preparation = {
  readonly job: Job;
  readonly outputs: readonly Output[];
  readonly signal: AbortSignal;
  readonly logger: JobLogger;
};

async function prepareJob(platform: Platform, { job, outputs, signal, logger }: Preparation): Promise<void> {
  const { log } = logger;
  const { sourceKey, facts } = await examineSource(platform, { job, outputs, signal, log });
  await holdStill(platform, { job, outputs, signal, sourceKey, facts });
  const specs = outputs.map((output) => output.spec);
  const refusals = await prepareWatermarks(platform, { job, outputs, signal, log });
  const planned = await planTasks(platform, { job, sourceKey, facts, specs, refusals });
  const { results } = planned;
  const plan = await markEditions(platform, { job, outputs, plan: planned.plan, signal, log });
  for (const { code, detail, action } of plan.findings) log(`found ${code}: ${detail}; ${action}`);
  log(`plan: ${plan.tasks.length} tasks, about ${plan.cost.cpuSeconds} CPU seconds`);
  await prepareBurns(platform, { job, sourceKey, facts, plan, signal, log });
  signal.throwIfAborted();
  await openTasks(platform, { job, sourceKey, facts, plan, results });
}

type Examination = Fetching & { readonly outputs: readonly Output[] };

/** Where FFmpeg reads the source from now on, and what it is. */
async function examineSource(platform: Platform, examination: Examination) {
  const { job, signal, log } = examination;
  const found = await findSource(platform, examination);
  return found.facts.clock === 'jumps' ? straightenSource(platform, { job, ...found, signal, log }) : found;
}

async function findSource(platform: Platform, { job, outputs, signal, log }: Examination) {
  // Files are made of all its bytes anyway.
  const inPlace = outputs.every(({ spec }) => CONTAINER_FACTS[spec.container].kind === 'adaptive');
  const sourceKey = await fetch(platform, { job, signal, log, inPlace });
  // What came by an upload was looked at when it was whole.
  const known = job.source.kind === 'managed' ? job.facts : null;
  const facts = known ?? (await probeStored(platform, { source: job.source, sourceKey }, signal));
  const isRemote = sourceKey === null && job.source.kind === 's3';
  if (!isRemote || (!facts.isStill && SEEKABLE.test(facts.container))) return { sourceKey, facts };
  // Containers without an index are read from the beginning for every chunk, and pictures whole.
  return { sourceKey: await fetch(platform, { job, signal, log, inPlace: false }), facts };
}

/** Demuxers, as FFmpeg names them, that find any time without reading up to it. */
const SEEKABLE = /^(mov|matroska|avi|mpegts|mxf|asf)/;

type Planning = {
  readonly job: Job;
  readonly sourceKey: string | null;
  readonly facts: SourceFacts;
  readonly specs: readonly OutputSpec[];
  readonly refusals: ReadonlyMap<number, PlatformError>;
};

/** The plan, and the results of what is done by it: renditions that are packaged out of an original that its owner keeps. */
async function planTasks(platform: Platform, { job, sourceKey, facts, specs, refusals }: Planning) {
  const options = { ...planOptions(platform), evenChunks: await hasEvenChunks(platform, job) };
  const planned = { facts, outputs: specs, refusals };
  const keepsOriginal = job.source.kind === 'managed';
  const plan = makePlan({ ...planned, options: { ...options, keepsOriginal } });
  // Nothing can be cut out of an original that is not whole.
  if (job.arrival === 'arriving') return { plan, results: new Map() };
  const results = await packagePlanned(platform, { key: sourceKey, facts, plan });
  // The index promised more than its packets keep.
  return results ? { plan, results } : { plan: makePlan({ ...planned, options }), results: new Map() };
}

/** Short ones while a source arrives; when it is whole, only where more than the first was begun. */
async function hasEvenChunks({ database }: Platform, { projectId, id, arrival }: Job): Promise<boolean> {
  if (arrival !== 'arrived') return arrival === 'arriving';
  return (await listBegunChunks(database.db, { projectId, jobId: id })).some(({ index }) => index > 0);
}

type Taken = {
  readonly job: Job;
  readonly outputs: readonly Output[];
  /** Earlier ones that ended with their worker, or failed for a reason that may pass. */
  readonly tries: number;
};

/** Claims the job under a new attempt. Null where there is nothing to do: planned, finished, paused, deleted, or held elsewhere. */
async function takeJob(platform: Platform, entry: Entry<RunLane>): Promise<Taken | null> {
  const { database, sealer, workerId } = platform;
  return database.db.transaction().execute(async (db) => {
    const before = await lockJob(db, entry.data);
    const attempt = await claimJob(db, entry.data, { workerId, entry: entry.id, delivery: entry.delivery });
    if (attempt === null) return null;
    const job = await findJob(db, entry.data, sealer);
    if (!job) return null;
    const outputs = await listOutputs(db, entry.data, sealer);
    if (before?.status === 'queued')
      await recordEvent(platform, db, { job, type: 'job.processing', status: 'processing' });
    return { job, outputs, tries: before?.tries ?? 0 };
  });
}

type Fetching = { readonly job: Job; readonly signal: AbortSignal; readonly log: (line: string) => void };

async function fetch(
  platform: Platform,
  { job, signal, log, inPlace }: Fetching & { readonly inPlace: boolean },
): Promise<string | null> {
  const progress = reportFetch(platform, job);
  try {
    return await fetchSource(platform, job, { signal, log, inPlace, onProgress: progress.report });
  } finally {
    await progress.close();
  }
}
