// Turns a plan into rows: every task, what waits for it, and the queue entries, in one transaction. Called by run-job.ts.

import { completeTasks, deleteTasks, listBegunChunks, skipFirstLight } from '#database/arriving-tasks.ts';
import { changeJob, lockJob } from '#database/jobs.ts';
import { changeOutputs } from '#database/outputs.ts';
import { insertTasks, type NewTask } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import { isSameChunk, isSameWork, type OutputPlan, type Plan, type PlannedTask } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { EMPTY_RESULT, type TaskResult } from '#domain/task.ts';
import { PARTS_OWNERS, PLAN_OWNERS } from '#workflows/job-owners.ts';
import type { Platform } from '#workflows/platform.ts';
import { sendReadyTasks } from '#workflows/send-tasks.ts';

/** Least weight of finishing an output; it grows with what is to be joined or delivered. */
const OUTPUT_WEIGHT = 0.1;
const BYTES_PER_WEIGHT = 500e6;

/** Indexes of the outputs that cannot be finished before a task is done. First light only serves impatient players. */
export function neededBy(plan: Plan, task: PlannedTask): number[] {
  return plan.outputs.filter((output) => needs(plan, output, task)).map((output) => output.index);
}

function needs(plan: Plan, output: OutputPlan, task: PlannedTask): boolean {
  if (task.kind === 'direct') return task.subject === output.index;
  if (output.method !== 'adaptive' && output.method !== 'joined') return false;
  if (task.subject !== output.timeline) return false;
  const methods = new Set(plan.video.filter(({ id }) => output.video.includes(id)).map(({ method }) => method));
  switch (task.kind) {
    case 'chunk':
      // Pictures are taken from the chunks' decode.
      return methods.has('encoded') || output.pictures.length > 0;
    case 'copy':
      return methods.has('copied') || methods.has('packaged');
    case 'audio':
      return plan.audio.some(({ id, method }) => output.audio.includes(id) && method === 'encoded');
    case 'subtitles':
      return output.subtitles.length > 0;
    case 'first-light':
    case 'upload':
    case 'output':
      return false;
  }
}

/** Every task of a plan, the finishing of each output at the end. */
function newTasks(plan: Plan, results?: PlannedJob['results']): NewTask[] {
  const finishing = plan.outputs.map((output): NewTask => {
    const bytes = plan.cost.outputBytes / plan.outputs.length;
    return {
      kind: 'output',
      subject: output.index,
      index: 0,
      weight: OUTPUT_WEIGHT + bytes / BYTES_PER_WEIGHT,
      neededBy: [],
    };
  });
  const tasks = plan.tasks.map((task): NewTask => {
    const result = results?.get(task);
    return { ...task, neededBy: neededBy(plan, task), ...(result ? { result } : {}) };
  });
  return [...tasks, ...finishing];
}

export type PlannedJob = {
  readonly job: Job;
  readonly sourceKey: string | null;
  readonly facts: SourceFacts;
  readonly plan: Plan;
  /** Of tasks that are done as soon as they are planned, by the planned task. */
  readonly results?: ReadonlyMap<PlannedTask, TaskResult>;
};

/**
 * Where the job was planned before, while its source arrived, what is done stays done as far as the new plan wants the same.
 * @throws PlatformError `lease_lost` where the job was paused, canceled, deleted or taken over meanwhile: then nothing was written
 */
export async function openTasks(
  platform: Platform,
  { job, sourceKey, facts, plan, results }: PlannedJob,
): Promise<void> {
  const ref = { projectId: job.projectId, jobId: job.id };
  await platform.database.db.transaction().execute(async (db) => {
    const locked = await lockJob(db, ref);
    if (job.arrival === 'arriving' && locked?.arrival !== 'arriving')
      throw new PlatformError('lease_lost', `The source of job ${job.id} is whole by now`);
    const arrival = job.arrival === 'arriving' ? job.arrival : null;
    const change = { sourceKey, facts, findings: plan.findings, plan, tries: 0, arrival };
    const isOurs = await changeJob(db, { ...ref, attempt: job.attempt }, change);
    if (!isOurs) throw new PlatformError('lease_lost', `Job ${job.id} was taken from this attempt`);
    await PLAN_OWNERS[job.api]?.(platform, db, { job, sourceKey, facts, plan });
    if (job.plan && isSameWork(job.plan, plan)) {
      await completeTasks(db, ref, results ?? new Map());
    } else {
      const begun = job.plan ? await listBegunChunks(db, ref) : [];
      const kept = begun.filter((chunk) => job.plan && isSameChunk(job.plan, plan, chunk));
      await deleteTasks(db, { ...ref, except: kept.map(({ taskId }) => taskId) });
      const isNew = ({ kind, subject, index }: PlannedTask) =>
        !kept.some((one) => one.kind === kind && one.subject === subject && one.index === index);
      await insertTasks(db, ref, newTasks(plan, results).filter(isNew));
    }
    if (job.arrival === 'arrived') await skipFirstLight(db, ref, EMPTY_RESULT);
    await changeOutputs(db, { ...ref, from: ['pending'] }, { status: 'processing' });
    if (arrival === null) await sendReadyTasks(platform, db, { job, plan });
  });
  await PARTS_OWNERS[job.api]?.(platform, ref);
}
