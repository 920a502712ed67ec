// Removes from a completed job's storage what only the making of its outputs needed: the fetched source, segments that were joined or
// delivered, single pictures. Called by the housekeeping lane after a job is completed; a job that failed keeps all of it for a retry.
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listTasks } from '#database/tasks.ts';
import type { Output } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { Task } from '#domain/task.ts';
import { packageOutput } from '#media/package.ts';
import { jobPrefix } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';

/** Answers how many objects were removed. */
export async function removeLeftovers(platform: Platform, ref: JobRef): Promise<number> {
  const { db } = platform.database;
  const job = await findJob(db, ref, platform.sealer);
  // Deleted since, or taken up again: then nothing is left over.
  if (job?.status !== 'completed' || !job.plan) return 0;
  const outputs = await listOutputs(db, ref, platform.sealer);
  const done = await listTasks(db, { ...ref, status: 'done' });
  const kept = keptKeys(job.plan, outputs, done);
  let removed = 0;
  for await (const { key } of platform.storage.list(jobPrefix(job.uuid))) {
    if (kept.has(key)) continue;
    await platform.storage.remove(key);
    removed += 1;
  }
  return removed;
}

/** Storage keys that outputs in managed storage are served from. Pure. */
export function keptKeys(
  plan: Plan,
  outputs: readonly Pick<Output, 'index' | 'spec'>[],
  done: readonly Task[],
): ReadonlySet<string> {
  const kept = new Set<string>();
  for (const { index, spec } of outputs) {
    const output = plan.outputs[index];
    if (!output || (spec.destination !== null && spec.destination.kind !== 'managed')) continue;
    const finished = done.find((task) => task.kind === 'output' && task.subject === index);
    for (const { key } of finished?.result?.files ?? []) kept.add(key);
    if (output.method !== 'adaptive') continue;
    const { video, audio, texts } = packageOutput(plan, output, done);
    for (const { init, key } of [...video, ...audio].flatMap((track) => [...track.segments, ...track.retired])) {
      kept.add(key);
      if (init) kept.add(init.key);
    }
    for (const { file } of texts) kept.add(file.key);
  }
  return kept;
}
