// Does one task: claims it under a fresh attempt, lets its executor work, stores the result as a checkpoint. Called for every entry of the task lanes.
import { rm } from 'node:fs/promises';
import { beatTask, type ClaimedTask, claimTask, type HeldTask } from '#database/held-tasks.ts';
import { changeJob, findJob, lockJob } from '#database/jobs.ts';
import { changeOutputs, listOutputs } from '#database/outputs.ts';
import { listTasks } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { Task, TaskResult, TrackPart } from '#domain/task.ts';
import type { Entry } from '#queue/queue.ts';
import { commitTask, tidyAfterCommit } from '#workflows/commit-task.ts';
import { JobLogger } from '#workflows/job-logger.ts';
import { attemptPrefix, stillKey } from '#workflows/job-storage.ts';
import { noInput, openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { publishSegments } from '#workflows/publish-segments.ts';
import { recordEvent } from '#workflows/record-event.ts';
import { reportTaskProgress } from '#workflows/report-progress.ts';
import { reserveScratch } from '#workflows/reserve-scratch.ts';
import type { RunningWork } from '#workflows/running-work.ts';
import type { TaskLane } from '#workflows/send-tasks.ts';
import { settleTaskFailure } from '#workflows/settle-task-failure.ts';
import type { TaskExecutor } from '#workflows/task-context.ts';
import { EXECUTORS } from '#workflows/tasks/executors.ts';
import { timeLimit } from '#workflows/time-limit.ts';
import { withinWorkLimit } from '#workflows/work-limit.ts';

/** A claimed task with all its executor needs to know. */
export type TaskAttempt = {
  readonly held: HeldTask;
  readonly task: Task;
  readonly tries: number;
  /** What earlier attempts have shown already. */
  readonly published: readonly TrackPart[];
  readonly job: Job;
  readonly plan: Plan;
  readonly outputs: readonly Output[];
  readonly done: readonly Task[];
  readonly prefix: string;
};

export type TaskRunner = {
  readonly running: RunningWork;
  /** Left out, the real ones. */
  readonly executors?: Readonly<Record<Task['kind'], TaskExecutor>>;
};

/**
 * Runs one task to its commit, or to whatever becomes of its failure. Rejects only when the database does: then the
 * queue delivers the entry again.
 */
export async function runTask(platform: Platform, runner: TaskRunner, entry: Entry<TaskLane>): Promise<void> {
  const attempt = await takeTask(platform, entry);
  if (!attempt) return;
  const { held, task } = attempt;
  const isOurs = () => beatTask(platform.database.db, held);
  const logger = new JobLogger(
    platform,
    held,
    task.kind === 'chunk' ? `chunk ${task.index}` : `${task.kind} ${task.subject}`,
  );
  try {
    await runner.running.hold({ jobId: held.jobId, signal: entry.signal, isOurs }, async (signal) => {
      try {
        const result = await execute(platform, attempt, {
          signal,
          logger,
          executor: (runner.executors ?? EXECUTORS)[task.kind],
        });
        await commitTask(platform, attempt, result);
        await tidyAfterCommit(platform, attempt);
      } catch (error) {
        await settleTaskFailure(platform, { attempt, entry, logger }, signal.aborted ? signal.reason : error);
      }
    });
  } finally {
    await logger.close();
  }
}

/** Null where the task waits for nobody any longer. */
async function takeTask(platform: Platform, entry: Entry<TaskLane>): Promise<TaskAttempt | null> {
  const { database, sealer, workerId } = platform;
  return database.db.transaction().execute(async (db) => {
    // First the job, then its tasks: everybody locks in this order, so that nobody waits in a circle.
    const locked = await lockJob(db, entry.data);
    if (locked?.status !== 'queued' && locked?.status !== 'processing') return null;
    // It is to be planned anew: claimed now, it would look as if that had begun.
    if (locked.arrival === 'arrived') return null;
    const claimed: ClaimedTask | null = await claimTask(db, entry.data, {
      workerId,
      entry: entry.id,
      delivery: entry.delivery,
    });
    if (!claimed) return null;
    const { task, tries, published } = claimed;
    if (locked.status === 'queued') await changeJob(db, entry.data, { status: 'processing' });
    if (task.kind === 'output') {
      await changeOutputs(
        db,
        { ...entry.data, indexes: [task.subject], from: ['pending', 'processing'] },
        { status: 'uploading' },
      );
    }
    const job = await findJob(db, entry.data, sealer);
    if (!job?.plan || !job.facts)
      throw new PlatformError('internal', `Task ${task.id} belongs to a job without a plan`);
    if (locked.status === 'queued')
      await recordEvent(platform, db, { job, type: 'job.processing', status: 'processing' });
    return {
      held: { ...entry.data, attempt: task.attempt },
      task,
      tries,
      published,
      job,
      plan: job.plan,
      outputs: await listOutputs(db, entry.data, sealer),
      done: await listTasks(db, { ...entry.data, status: 'done' }),
      prefix: attemptPrefix(job.uuid, { taskId: task.id, attempt: task.attempt }),
    };
  });
}

/** What they need was made before: the source may be gone by then. */
const READS_NO_SOURCE: readonly Task['kind'][] = ['upload', 'output'];

type Execution = { readonly signal: AbortSignal; readonly logger: JobLogger; readonly executor: TaskExecutor };

async function execute(
  platform: Platform,
  attempt: TaskAttempt,
  { signal, logger, executor }: Execution,
): Promise<TaskResult> {
  signal.throwIfAborted();
  const { held, task, tries, published, job, plan, outputs, done, prefix } = attempt;
  const { config } = platform;
  if (tries > config.QUEUE_MAX_ATTEMPTS) {
    throw new PlatformError('worker_lost', `This work ended its worker ${tries - 1} times`);
  }
  const { facts } = job;
  if (!facts) throw new PlatformError('internal', `Job ${job.id} has a plan but no facts`);
  await using opened = new AsyncDisposableStack();
  const wish = { name: `t${task.id}-${task.attempt}`, bytes: scratchShare(plan, task), signal };
  const scratch = await reserveScratch(config, wish);
  opened.defer(() => rm(scratch, { recursive: true, force: true }));
  const progress = reportTaskProgress(platform, held);
  opened.defer(progress.close);
  const publisher = publishSegments(platform, { ...held, api: job.api });
  opened.defer(publisher.close);
  const source = READS_NO_SOURCE.includes(task.kind)
    ? noInput
    : await openInput(platform, readsHeldStill(plan, task, facts) ? heldStill(job) : job, signal);
  opened.defer(source.close);
  try {
    const result = await withinWorkLimit(config, { job, task, done, signal }, (limited) =>
      executor(platform, {
        job,
        plan,
        facts,
        outputs,
        task,
        done,
        scratch,
        prefix,
        signal: limited,
        input: source.input,
        timeLimit: timeLimit(config, facts),
        log: logger.log,
        progress: progress.report,
        published,
        publish: publisher.publish,
      }),
    );
    source.check();
    signal.throwIfAborted();
    return result;
  } catch (error) {
    // Of an attempt that ends here, all that is whole stays.
    await publisher.flush();
    // What storage failed with explains what FFmpeg said better than FFmpeg does.
    if (!signal.aborted) source.check();
    throw error;
  }
}

/** FFmpeg reads a picture as the PNG that was made of it; the image library reads the original. */
function readsHeldStill(plan: Plan, task: Task, facts: SourceFacts): boolean {
  const isPicture = task.kind === 'direct' && plan.outputs[task.subject]?.method === 'image';
  // Finishing an output reads no source, and where all outputs are pictures there is no PNG.
  return facts.isStill && !isPicture && task.kind !== 'output';
}

const heldStill = (job: Job): Pick<Job, 'source' | 'sourceKey'> => ({ ...job, sourceKey: stillKey(job.uuid) });

/** A task's part of what the whole job may need on scratch: tasks that join files need it all. */
function scratchShare(plan: Plan, task: Task): number {
  if (task.kind === 'output' || task.kind === 'direct') return plan.cost.scratchBytes;
  const total = plan.tasks.reduce((sum, { weight }) => sum + weight, 0);
  return plan.cost.scratchBytes * Math.min(1, task.weight / Math.max(total, task.weight));
}
