// A worker process: takes entries of every lane, tells the cluster that it lives, hears what is canceled, drains at the end. Called by platform wiring (`serve`, `work`, `encode`).
import { availableParallelism, hostname } from 'node:os';
import { listen } from '#database/listen.ts';
import { deleteWorker, saveWorker } from '#database/workers.ts';
import { SWEEP_SECONDS } from '#domain/retention.ts';
import { loadContainerLibrary } from '#media/track-init.ts';
import { RUN_LANES } from '#queue/lane.ts';
import type { Entry } from '#queue/queue.ts';
import { buryDeadEntry } from '#workflows/bury-dead-entry.ts';
import { countStorage } from '#workflows/count-storage.ts';
import { DELIVERY_POLICY, type DeliveryPolicy, deliverWebhook } from '#workflows/deliver-webhook.ts';
import { encodeConcurrency } from '#workflows/encode-concurrency.ts';
import { checkIntake, startIntake } from '#workflows/encoder/start-intake.ts';
import { followQueueState, projectLimits } from '#workflows/follow-queue-state.ts';
import { expireJobs, sweepCluster, sweepMachine } from '#workflows/janitor.ts';
import { JOB_CONTROL, type JobControl } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { removeDelivered } from '#workflows/remove-delivered.ts';
import { removeLeftovers } from '#workflows/remove-leftovers.ts';
import { runJob } from '#workflows/run-job.ts';
import { runTask, type TaskRunner } from '#workflows/run-task.ts';
import { RunningWork } from '#workflows/running-work.ts';
import { removeScratch } from '#workflows/scratch.ts';
import type { TaskLane } from '#workflows/send-tasks.ts';
import { encodeArriving } from '#workflows/uploads/encode-arriving.ts';
import { endUploadLater } from '#workflows/uploads/finish-upload.ts';
import packageFile from '../../package.json' with { type: 'json' };

export type Worker = {
  /** Takes nothing more, lets running work go on for at most `seconds`, gives the rest back without burning a try, and ends. */
  drain(options?: { readonly seconds: number }): Promise<void>;
  /** The same at once: running work is given back now. */
  stop(): Promise<void>;
};

const BEAT_MS = 3000;
const AGE_SECONDS = 60;
/** Webhooks on their way at once in this process, and to one receiver: a slow one holds up nobody else. */
const WEBHOOKS = 32;
const WEBHOOKS_OF_RECEIVER = { default: 4, groups: {}, exact: false } as const;
/** With what giving back takes, below the 30 s that orchestrators grant between SIGTERM and SIGKILL. */
const DRAIN_SECONDS = 20;

/**
 * @param executors left out, the real ones @param deliveries for tests, which can't wait for days
 */
export async function startWorker(
  platform: Platform,
  executors?: TaskRunner['executors'],
  deliveries?: Partial<DeliveryPolicy>,
): Promise<Worker> {
  const onError = (error: unknown) => platform.log.error({ err: error }, 'background work of the worker failed');
  checkIntake(platform);
  await loadContainerLibrary();
  const running = new RunningWork(onError);
  await sweepMachine(platform);
  const hears = await listen(platform.database, JOB_CONTROL, (payload) => {
    running.checkJob(payload === null ? null : (JSON.parse(payload) as JobControl).jobId);
  });
  const beat = () => tellAlive(platform, running);
  await beat();
  const beats = setInterval(() => void beat().catch(onError), BEAT_MS);
  const sweeps = setInterval(() => void sweep(platform).catch(onError), SWEEP_SECONDS * 1000);
  const ages = setInterval(() => void age(platform).catch(onError), AGE_SECONDS * 1000);
  const follows = await followQueueState(platform, onError);
  await takeWork(platform, { running, ...(executors ? { executors } : {}) });
  await platform.queue.work('notify', {
    concurrency: WEBHOOKS,
    limits: async () => WEBHOOKS_OF_RECEIVER,
    handler: (entry) => deliverWebhook(platform, entry, { ...DELIVERY_POLICY, ...deliveries }),
  });
  await platform.queue.sendOnceEvery('housekeeping', { chore: 'sweep' }, SWEEP_SECONDS);
  const intake = startIntake(platform);

  let ending: Promise<void> | undefined;
  const end = (seconds: number): Promise<void> => {
    ending ??= (async () => {
      clearInterval(sweeps);
      clearInterval(ages);
      await intake.stop();
      await platform.queue.stop({ drainSeconds: seconds });
      clearInterval(beats);
      await hears.close();
      await follows.close();
      await deleteWorker(platform.database.db, platform.workerId);
      await removeScratch(platform.config);
    })();
    return ending;
  };
  return { drain: ({ seconds } = { seconds: DRAIN_SECONDS }) => end(seconds), stop: () => end(0) };
}

async function takeWork(platform: Platform, runner: TaskRunner): Promise<void> {
  const { queue } = platform;
  const limits = projectLimits(platform);
  const task = (concurrency: number) => ({
    concurrency,
    limits,
    handler: (entry: Parameters<typeof runTask>[2]) => runTask(platform, runner, entry),
  });
  const lanes: readonly (readonly [TaskLane, number])[] = [
    ['encode', encodeConcurrency(platform.config)],
    ['audio', availableParallelism() > 2 ? 2 : 1],
    ['image', 2],
    ['deliver', 2],
    ['operation-video', platform.config.OPERATION_VIDEO_WORKERS],
    ['operation-image', platform.config.OPERATION_IMAGE_WORKERS],
    ['operation-audio', platform.config.OPERATION_AUDIO_WORKERS],
  ];
  for (const lane of RUN_LANES)
    await queue.work(lane, { concurrency: 2, limits, handler: (entry) => runJob(platform, runner.running, entry) });
  for (const [lane, concurrency] of lanes) await queue.work(lane, task(concurrency));
  await queue.work('housekeeping', { concurrency: 1, handler: (entry) => doChore(platform, entry) });
  await queue.work('dead', { concurrency: 1, handler: (entry) => buryDeadEntry(platform, entry) });
}

async function doChore(platform: Platform, { data }: Entry<'housekeeping'>): Promise<void> {
  if (data.chore === 'expire') await expireJobs(platform);
  else if (data.chore === 'age') await platform.queue.age();
  else if (data.chore === 'count-storage') await countStorage(platform);
  else if (data.chore === 'remove-leftovers') await removeLeftovers(platform, data);
  else if (data.chore === 'remove-delivered') await removeDelivered(platform, data);
  else if (data.chore === 'finish-upload') await endUploadLater(platform, data);
  else if (data.chore === 'encode-arriving') await encodeArriving(platform, data);
  else await sweepCluster(platform);
}

const age = (platform: Platform): Promise<void> =>
  platform.queue.sendOnceEvery('housekeeping', { chore: 'age' }, AGE_SECONDS);

async function sweep(platform: Platform): Promise<void> {
  await sweepMachine(platform);
  await platform.queue.sendOnceEvery('housekeeping', { chore: 'sweep' }, SWEEP_SECONDS);
}

async function tellAlive(platform: Platform, running: RunningWork): Promise<void> {
  const { tool } = platform;
  await saveWorker(platform.database.db, {
    id: platform.workerId,
    hostname: hostname(),
    pid: process.pid,
    version: packageFile.version,
    concurrency: encodeConcurrency(platform.config),
    running: running.jobIds,
    encoders: [...tool.encoders, ...tool.hardware.map(({ encoder }) => encoder)],
  });
}
