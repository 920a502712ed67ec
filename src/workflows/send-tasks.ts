// Puts tasks that may start into the queue, each in the lane of its kind. Called in the transaction that makes them ready.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { listReadyTasks, type ReadyTask } from '#database/tasks.ts';
import type { Job, JobLane } from '#domain/job.ts';
import type { DirectPlan, Plan } from '#domain/plan.ts';
import { type TaskEntry, taskPriority, wholeJobPriority } from '#queue/lane.ts';
import type { Platform } from '#workflows/platform.ts';

export type TaskLane = 'encode' | 'audio' | 'image' | 'deliver' | JobLane;

const DIRECT_LANES: Readonly<Record<DirectPlan['kind'], TaskLane>> = {
  copy: 'audio',
  audio: 'audio',
  animation: 'encode',
  film: 'encode',
  image: 'image',
};

/** What decodes pictures waits for the cores; sound, text and copies run beside it; delivery waits for nobody. */
function laneOf(task: Pick<ReadyTask, 'kind' | 'subject'>, plan: Plan): TaskLane {
  switch (task.kind) {
    case 'first-light':
    case 'chunk':
      return 'encode';
    case 'copy':
    case 'audio':
    case 'subtitles':
      return 'audio';
    case 'direct':
      return DIRECT_LANES[plan.outputs[task.subject]?.direct?.kind ?? 'copy'];
    case 'upload':
    case 'output':
      return 'deliver';
  }
}

type Sending = { readonly job: Pick<Job, 'id' | 'projectId' | 'priority' | 'lane'>; readonly plan: Plan };

/** Sends every pending task that waits for no other. The job's row is locked by the caller, its old entries are removed. */
export async function sendReadyTasks(platform: Platform, db: Kysely<Schema>, { job, plan }: Sending): Promise<void> {
  const ready = await listReadyTasks(db, { projectId: job.projectId, jobId: job.id });
  const lanes = Map.groupBy(ready, (task) => job.lane ?? laneOf(task, plan));
  for (const [lane, tasks] of lanes) await sendTasks(platform, db, { job, lane, tasks });
}

/** Finished outputs, or finished parts of them, to deliver. The job's row is locked by the caller. */
export const sendOutputs = (
  platform: Platform,
  db: Kysely<Schema>,
  { job, tasks }: { readonly job: Sending['job']; readonly tasks: readonly ReadyTask[] },
): Promise<void> => sendTasks(platform, db, { job, lane: job.lane ?? 'deliver', tasks });

/** One task alone. The job's row is locked by the caller. */
export const sendTask = (
  platform: Platform,
  db: Kysely<Schema>,
  { job, plan, task }: Sending & { readonly task: ReadyTask },
): Promise<void> => sendTasks(platform, db, { job, lane: job.lane ?? laneOf(task, plan), tasks: [task] });

async function sendTasks(
  platform: Platform,
  db: Kysely<Schema>,
  { job, lane, tasks }: { readonly job: Sending['job']; readonly lane: TaskLane; readonly tasks: readonly ReadyTask[] },
): Promise<void> {
  const entries = tasks.map((task) => ({
    data: {
      projectId: job.projectId,
      jobId: job.id,
      taskId: task.taskId,
      priority: job.priority,
    } satisfies TaskEntry,
    priority: job.lane === null ? taskPriority(job.priority, task) : wholeJobPriority(job.priority, task),
  }));
  await platform.queue.sendAll(lane, entries, { transaction: db });
}
