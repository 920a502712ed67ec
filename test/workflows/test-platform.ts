// A platform for tests: real database, queue, storage, sources; FFmpeg only where a test asks for it. Used by the tests of this folder.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import pino from 'pino';
import { loadConfig } from '#config/load.ts';
import type { Database } from '#database/connect.ts';
import { claimJob } from '#database/jobs.ts';
import { listen } from '#database/listen.ts';
import { forShowing } from '#database/sealed-location.ts';
import { listTasks } from '#database/tasks.ts';
import { findUpload } from '#database/uploads.ts';
import type { Job, JobRequest } from '#domain/job.ts';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import type { Plan } from '#domain/plan.ts';
import { deriveKeys, makeSealer } from '#domain/sealing.ts';
import type { Task } from '#domain/task.ts';
import { makePlan } from '#media/plan.ts';
import type { MediaTool } from '#media/tool.ts';
import { openQueue } from '#queue/queue.ts';
import { createEgress } from '#storage/egress.ts';
import { openManagedStorage } from '#storage/managed.ts';
import { createLocationOpener } from '#storage/open.ts';
import { startRangeReader } from '#storage/range-reader.ts';
import { openTasks } from '#workflows/open-tasks.ts';
import { Originals } from '#workflows/originals.ts';
import { planOptions } from '#workflows/plan-options.ts';
import type { Platform } from '#workflows/platform.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { audioFacts, LIMITS, sourceFacts, videoFacts } from '../media/sample-facts.ts';

export type TestPlatform = {
  readonly platform: Platform;
  readonly folder: string;
  /** For another platform that is to read what this one has sealed. */
  readonly sealingKey: Uint8Array;
  close(): Promise<void>;
};

export type TestPlatformOptions = {
  readonly settings?: Readonly<Record<string, string>>;
  readonly tool?: MediaTool;
  readonly sealingKey?: Uint8Array;
  /** Shared by several platforms that are to be one cluster. */
  readonly folder?: string;
  readonly supervise?: boolean;
};

const NO_TOOL: MediaTool = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: 'none',
  versionNumber: 501,
  encoders: new Set(['libx264', 'aac']),
  decoders: new Set(),
  filters: new Set(),
  hardware: [],
  renderNodes: [],
};
const NO_S3 = { endpoint: null, region: null, credentials: null };
export const WEBHOOK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let count = 0;

export async function openTestPlatform(database: Database, options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'rendition-test-')));
  const config = loadConfig({
    DATA_DIR: folder,
    FILE_ROOTS: folder,
    SCRATCH_RESERVE_BYTES: '0',
    QUEUE_VISIBILITY_TIMEOUT_MS: '10000',
    QUEUE_POLL_INTERVAL_MS: '200',
    CHILD_NICENESS: '0',
    ...options.settings,
  });
  const storage = await openManagedStorage(join(folder, 'storage'), { dataDir: folder, s3: NO_S3 });
  const originals = new Originals(storage);
  const egress = createEgress({ allow: ['127.0.0.0/8'] });
  const ranges = await startRangeReader();
  const log = pino({ level: 'silent' });
  const queue = await openQueue(
    { pool: database.pool, listen: (channel, handler) => listen(database, channel, handler) },
    {
      visibilityTimeoutMs: config.QUEUE_VISIBILITY_TIMEOUT_MS,
      pollIntervalMs: config.QUEUE_POLL_INTERVAL_MS,
      maxAttempts: config.QUEUE_MAX_ATTEMPTS,
      supervise: options.supervise ?? false,
      onError: (error) => log.error({ err: error }),
    },
  );
  const locations = createLocationOpener({
    managed: storage,
    egress,
    fileRoots: config.FILE_ROOTS,
    s3: NO_S3,
    uploads: async (id) => (await findUpload(database.db, { projectId: 'default', id }))?.storageKey ?? '',
    maxInlineBytes: config.MAX_INLINE_BYTES,
  });
  const sealingKey = options.sealingKey ?? randomBytes(32);
  const platform: Platform = {
    config,
    settings: [],
    database,
    queue,
    storage,
    originals,
    cloudinary: null,
    locations,
    egress,
    ownEgress: egress,
    webhookSecrets: [WEBHOOK_SECRET],
    ranges,
    log,
    sealer: makeSealer([sealingKey]),
    showing: forShowing(makeSealer([sealingKey])),
    keysFor: (purpose) => deriveKeys([sealingKey], purpose),
    tool: options.tool ?? NO_TOOL,
    limits: LIMITS,
    workerId: `test-${process.pid}-${++count}`,
  };
  return {
    platform,
    folder,
    sealingKey,
    close: async () => {
      await queue.stop({ drainSeconds: 0 });
      await ranges.close();
      await locations.close();
      await egress.close();
      await originals.close();
      await storage.close();
      if (!options.folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A platform on a database of its own, for all tests of the file that asks; gone behind them. */
export async function openOwnPlatform(): Promise<{ readonly fresh: FreshDatabase; readonly opened: TestPlatform }> {
  const fresh = await freshDatabase();
  const opened = await openTestPlatform(fresh.database);
  after(async () => {
    await opened.close();
    await fresh.drop();
  });
  return { fresh, opened };
}

/** A stream as chunks of everything: nothing is copied, and no hardware changes the plan. */
export const streamSpec = (changes: Partial<OutputSpec> = {}): OutputSpec =>
  outputSpec({ container: 'hls', hwaccel: 'none', passthrough: 'never', ...changes });

/** Ten minutes at 24 frames/s: enough for a dozen chunks. */
const SECONDS = 600;
export const FILM = sourceFacts({
  declaredDuration: SECONDS,
  duration: SECONDS,
  video: videoFacts({
    frames: SECONDS * 24,
    endTime: SECONDS,
    keyframes: Array.from({ length: SECONDS / 2 }, (_, i) => 2 * i),
  }),
  audio: [audioFacts({ endTime: SECONDS })],
});

export function jobRequest(changes: Partial<JobRequest> = {}): JobRequest {
  return {
    projectId: 'default',
    api: 'jobs',
    source: { kind: 'managed', key: 'sources/film' },
    outputs: [streamSpec()],
    priority: 50,
    metadata: {},
    notificationUrl: null,
    idempotencyKey: null,
    ...changes,
  };
}

export type OpenedJob = {
  readonly job: Job;
  readonly ref: { readonly projectId: string; readonly jobId: number };
  readonly plan: Plan;
};

/** A job that is planned and whose tasks wait in the queue, without a probe: FILM. */
export async function openPlannedJob(platform: Platform, changes: Partial<JobRequest> = {}): Promise<OpenedJob> {
  await platform.storage.write('sources/film', Buffer.from('never decoded'));
  // Without the entry of the lane `run`: no worker is to plan it.
  const silent = Object.create(platform.queue, { sendAll: { value: async () => undefined } }) as Platform['queue'];
  const { job } = await submitJob({ ...platform, queue: silent }, jobRequest(changes));
  const ref = { projectId: job.projectId, jobId: job.id };
  const { db } = platform.database;
  const attempt = await claimJob(db, ref, { workerId: platform.workerId, entry: crypto.randomUUID(), delivery: 0 });
  if (attempt === null) throw new Error('the job could not be claimed');
  const plan = makePlan({
    facts: FILM,
    outputs: changes.outputs ?? jobRequest().outputs,
    options: { ...planOptions(platform), ladder: ['360p'] },
  });
  await openTasks(platform, { job: { ...job, attempt }, sourceKey: job.sourceKey, facts: FILM, plan });
  return { job: { ...job, attempt }, ref, plan };
}

/** Status by task: `chunk 0` → pending. */
export async function taskStates(platform: Platform, ref: OpenedJob['ref']): Promise<Record<string, Task['status']>> {
  const tasks = await listTasks(platform.database.db, ref);
  return Object.fromEntries(
    tasks.map(({ kind, subject, index, status }) => [`${kind} ${kind === 'chunk' ? index : subject}`, status]),
  );
}
