// How far each quality of a video is, segment by segment. Called by the transcode and admin routes.
import { findJob } from '#database/jobs.ts';
import { listPlayableParts } from '#database/tasks.ts';
import type { JobStatus } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import { mainJob, type Video, type VideoJob, type VideoStatus, videoProgress } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';

export type QualityProgress = {
  readonly status: VideoStatus;
  /** 0–100 */
  readonly progress: number;
  readonly segments_ready: number;
  readonly segments_total: number;
};

export type VideoProgress = {
  readonly upload_id: string;
  readonly status: VideoStatus;
  readonly progress: number;
  readonly eta_seconds: number | null;
  readonly qualities: Readonly<Record<string, QualityProgress>>;
  readonly error: Video['error'];
};

export async function readProgress(platform: Platform, video: Video): Promise<VideoProgress> {
  const qualities: Record<string, QualityProgress> = {};
  // What was asked for by name, as far as nothing better is known: the source may be too small for the presets.
  const isPlanned = mainJob(video)?.qualities != null;
  const status = video.status === 'processing' ? 'queued' : video.status;
  for (const name of isPlanned ? [] : (video.qualities ?? []))
    qualities[name] = { status, progress: 0, segments_ready: 0, segments_total: 0 };
  for (const job of video.jobs) Object.assign(qualities, await progressOfJob(platform, video, job));
  const eta = video.jobs.find(({ status }) => status === 'processing')?.etaSeconds ?? null;
  return {
    upload_id: video.id,
    status: video.status,
    progress: videoProgress(video),
    eta_seconds: eta,
    qualities,
    error: video.error,
  };
}

const STATUSES: Readonly<Record<JobStatus, VideoStatus>> = {
  queued: 'queued',
  processing: 'processing',
  paused: 'stopped',
  completed: 'ready',
  failed: 'failed',
  canceled: 'stopped',
};

async function progressOfJob(
  platform: Platform,
  { projectId }: Video,
  { jobId }: VideoJob,
): Promise<Record<string, QualityProgress>> {
  const ref = { projectId, jobId };
  const { db } = platform.database;
  const [job, tasks] = await Promise.all([findJob(db, ref, platform.sealer), listPlayableParts(db, ref)]);
  if (!job?.plan) return {};
  const ready = new Map<string, Set<number>>();
  for (const { parts } of tasks)
    for (const { rendition, segments } of parts) {
      const known = ready.get(rendition) ?? new Set();
      for (const { index } of segments) known.add(index);
      ready.set(rendition, known);
    }
  const found = job.plan.video.map(({ id, name, timeline }): [string, QualityProgress] => {
    const total = segmentsOf(job.plan, timeline);
    const segments = ready.get(id)?.size ?? 0;
    const isWhole = total > 0 && segments >= total;
    return [
      name,
      {
        status: isWhole ? 'ready' : STATUSES[job.status],
        progress: total === 0 ? 0 : Math.min(100, Math.round((1000 * segments) / total) / 10),
        segments_ready: segments,
        segments_total: total,
      },
    ];
  });
  return Object.fromEntries(found);
}

const segmentsOf = (plan: Plan | null, timeline: number): number =>
  Math.max(0, (plan?.timelines[timeline]?.boundaries.length ?? 1) - 1);
