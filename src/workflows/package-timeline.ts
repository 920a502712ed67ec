// What a timeline's packaged renditions consist of, by the original's index: done while a job is planned, so that it plays at once. Called by run-job.ts and the copy task.
import type { Plan, PlannedTask, Timeline } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { EMPTY_RESULT, type TaskResult, type TrackPart } from '#domain/task.ts';
import { packageOriginal } from '#media/original.ts';
import type { Platform } from '#workflows/platform.ts';

export type PackagingWish = { readonly key: string | null; readonly facts: SourceFacts; readonly plan: Plan };

const isPackaged = ({ video, audio }: Plan, timeline: number): boolean =>
  [...video, ...audio].some((one) => one.timeline === timeline && one.method === 'packaged');

/** Null where nothing of the timeline is packaged, or where the original does not allow it. */
export async function packageTimeline(
  { originals }: Pick<Platform, 'originals'>,
  { key, facts, plan }: PackagingWish,
  timeline: Timeline | undefined,
): Promise<TrackPart[] | null> {
  if (key === null || !timeline || !isPackaged(plan, timeline.id)) return null;
  return originals.use(key, async (index) => index && packageOriginal({ index, key, facts, plan }, timeline));
}

/** Results of the tasks that looking at the original does; null where one of them does not allow it: plan again without packaging. */
export async function packagePlanned(
  platform: Pick<Platform, 'originals'>,
  wish: PackagingWish,
): Promise<Map<PlannedTask, TaskResult> | null> {
  const results = new Map<PlannedTask, TaskResult>();
  for (const task of wish.plan.tasks) {
    if (task.kind !== 'copy' || !isPackaged(wish.plan, task.subject)) continue;
    const parts = await packageTimeline(platform, wish, wish.plan.timelines[task.subject]);
    if (!parts) return null;
    results.set(task, { ...EMPTY_RESULT, parts });
  }
  return results;
}
