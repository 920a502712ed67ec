// Segments go to an adaptive output's own destination as soon as the task that made them is done. Called by commit-task.ts in its transaction.
import type { Kysely } from 'kysely';
import type { LockedJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { findNeededBy, listTasks, type ReadyTask } from '#database/tasks.ts';
import { insertUpload } from '#database/upload-tasks.ts';
import type { Job } from '#domain/job.ts';
import type { OutputPlan, Plan, PlannedTask } from '#domain/plan.ts';
import type { Task, TaskResult } from '#domain/task.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskAttempt } from '#workflows/run-task.ts';
import { sendOutputs } from '#workflows/send-tasks.ts';

/** Beside encoding, sending is nearly free. */
const WEIGHT = 0.01;

type Made = Pick<TaskAttempt, 'held' | 'task' | 'plan' | 'outputs'> & {
  readonly job: Pick<Job, 'lane'>;
  readonly result: TaskResult;
};

/** Opens an upload for each such output that waits for the task. */
export async function openUploads(
  platform: Platform,
  db: Kysely<Schema>,
  { job, done }: { readonly job: LockedJob; readonly done: Made },
): Promise<void> {
  const { held, task, plan } = done;
  const made = { ...task, result: done.result };
  const needing = await findNeededBy(db, held);
  const uploads: ReadyTask[] = [];
  for (const { index: output, spec } of done.outputs) {
    const wanted = plan.outputs[output];
    if (!needing.includes(output) || wanted?.method !== 'adaptive') continue;
    if (spec.destination === null || spec.destination.kind === 'managed') continue;
    for (const one of await sendable(db, { held, wanted, made })) {
      if (isSendable(plan, one))
        uploads.push(await insertUpload(db, held, { output, index: placeOf(plan, one), weight: WEIGHT }));
    }
  }
  if (uploads.length > 0) await sendOutputs(platform, db, { job: { ...job, lane: done.job.lane }, tasks: uploads });
}

type Sendable = { readonly held: Made['held']; readonly wanted: OutputPlan; readonly made: Task };

/** What can be sent now that a task is done: what it made. Where sound lies inside of pictures, either waits for the other. */
async function sendable(db: Kysely<Schema>, { held, wanted, made }: Sendable): Promise<readonly Task[]> {
  if (!wanted.soundInside) return [made];
  const tasks = await listTasks(db, { projectId: held.projectId, jobId: held.jobId, status: 'done' });
  const ofTimeline = tasks.filter(({ subject }) => subject === wanted.timeline);
  if (made.kind === 'audio') return ofTimeline.filter(({ kind }) => kind === 'chunk' || kind === 'copy');
  return ofTimeline.some(({ kind }) => kind === 'audio') ? [made] : [];
}

/** What is cut out of the original on request lies nowhere; a first light is in no delivered playlist. */
function isSendable(plan: Plan, task: Task): boolean {
  const parts = task.result?.parts ?? [];
  if (placeOf(plan, task) < 0 || task.kind === 'first-light' || parts.length === 0) return false;
  return !parts.some(({ rendition }) => isPackaged(plan, rendition));
}

/** Where a task stands in its plan; -1 for those that follow from it. */
const placeOf = (plan: Plan, { kind, subject, index }: Pick<Task, 'kind' | 'subject' | 'index'>): number =>
  plan.tasks.findIndex((one) => one.kind === kind && one.subject === subject && one.index === index);

const isPackaged = (plan: Plan, rendition: string): boolean =>
  [...plan.video, ...plan.audio].some(({ id, method }) => id === rendition && method === 'packaged');

/** The finished task whose segments an upload sends. */
export function madeBy(plan: Plan, done: readonly Task[], upload: Pick<Task, 'index'>): Task | null {
  const source: PlannedTask | undefined = plan.tasks[upload.index];
  return (
    (source &&
      done.find(
        ({ kind, subject, index }) => kind === source.kind && subject === source.subject && index === source.index,
      )) ??
    null
  );
}
