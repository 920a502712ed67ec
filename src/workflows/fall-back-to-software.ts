// When a hardware encoder fails, its renditions are made by software, all of them from the beginning: one init segment must serve every chunk.
import type { Kysely } from 'kysely';
import { releaseTask } from '#database/held-tasks.ts';
import { changeJob, type LockedJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { redoTasks } from '#database/tasks.ts';
import type { Failure } from '#domain/error.ts';
import type { Plan } from '#domain/plan.ts';
import { readJob } from '#workflows/find-for-change.ts';
import { announce, JOB_CONTROL } from '#workflows/notification-channels.ts';
import type { Platform } from '#workflows/platform.ts';
import { requeueJob } from '#workflows/requeue-job.ts';
import type { TaskAttempt } from '#workflows/run-task.ts';

/** The plan with every hardware rendition made by software, and the timelines it concerns. */
function withoutHardware(plan: Plan): { readonly plan: Plan; readonly timelines: readonly number[] } {
  const concerned = plan.video.filter((rendition) => rendition.hardware !== null);
  const timelines = [...new Set(concerned.map((rendition) => rendition.timeline))];
  const video = plan.video.map((rendition) =>
    rendition.hardware === null ? rendition : { ...rendition, hardware: null },
  );
  return { plan: { ...plan, video }, timelines };
}

/** False where the attempt has lost its task, or nothing of the plan is hardware: then the failure is settled like any other. */
export async function fallBackToSoftware(
  platform: Platform,
  db: Kysely<Schema>,
  { attempt, job, failure }: { readonly attempt: TaskAttempt; readonly job: LockedJob; readonly failure: Failure },
): Promise<boolean> {
  const { held } = attempt;
  const current = await readJob(platform, db, held);
  if (!current.plan || job.status !== 'processing') return false;
  const { plan, timelines } = withoutHardware(current.plan);
  if (timelines.length === 0) return false;
  // The fence: of several chunks that fail at once, those after the first find their attempts over.
  if (!(await releaseTask(db, held, { burnt: false, error: failure }))) return true;
  await redoTasks(db, { ...held, kinds: ['chunk', 'first-light'], subjects: timelines });
  await changeJob(db, held, { plan, progress: 0 });
  await requeueJob(platform, db, { ...current, plan });
  await announce(db, JOB_CONTROL, { jobId: job.id });
  return true;
}
