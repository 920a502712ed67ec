// Follows a job to its end, telling its progress. Used by encode.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressView, RenditionLine } from '#cli/progress-view.ts';
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listPlayableParts } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import { isFinished, type Job, type Output } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { TrackPart } from '#domain/task.ts';
import type { Platform } from '#workflows/platform.ts';

/** What an eye follows; the database is this process's own. */
const POLL_MS = 300;

/** Resolves with the finished job. */
export async function watchJob(
  platform: Platform,
  ref: JobRef,
  view: ProgressView,
): Promise<{ readonly job: Job; readonly outputs: readonly Output[] }> {
  const { db } = platform.database;
  for (;;) {
    const job = await findJob(db, ref, platform.sealer);
    if (!job) throw new PlatformError('internal', 'The job has vanished');
    if (isFinished(job.status)) return { job, outputs: await listOutputs(db, ref, platform.sealer) };
    const parts =
      job.plan && view.wantsRenditions ? (await listPlayableParts(db, ref)).flatMap((task) => task.parts) : [];
    view.show({
      stage: job.plan === null ? 'reading the source' : 'encoding',
      progress: job.progress,
      speed: job.speed,
      etaSeconds: job.etaSeconds,
      renditions: job.plan ? renditionLines(job.plan, parts) : [],
    });
    await sleep(POLL_MS);
  }
}

function renditionLines(plan: Plan, parts: readonly TrackPart[]): RenditionLine[] {
  return plan.video.map(({ id, name, codec, width, height, method, timeline }) => {
    const segments = new Map(
      parts
        .filter(({ rendition }) => rendition === id)
        .flatMap((part) => part.segments.map((segment) => [segment.index, { ...segment, timescale: part.timescale }])),
    );
    const all = [...segments.values()];
    const seconds = all.reduce((sum, segment) => sum + segment.duration / segment.timescale, 0);
    const size = all.reduce((sum, segment) => sum + segment.size, 0);
    return {
      name,
      what: `${codec} ${width}x${height}${method === 'encoded' ? '' : `, ${method}`}`,
      done: all.length,
      of: Math.max(0, (plan.timelines[timeline]?.boundaries.length ?? 1) - 1),
      bitrate: seconds > 0 ? (size * 8) / seconds : null,
    };
  });
}
