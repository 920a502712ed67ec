// What has come of a file that is read from the front, while the rest arrives: what it is, and how far it reaches. Called by encode-arriving.ts.
import { listOutputs } from '#database/outputs.ts';
import type { Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { probeGrowing } from '#media/growing-source.ts';
import { makePlan } from '#media/plan.ts';
import { openTasks } from '#workflows/open-tasks.ts';
import { planOptions } from '#workflows/plan-options.ts';
import type { Platform } from '#workflows/platform.ts';
import { growingKey } from '#workflows/uploads/upload-storage.ts';

/** Looking reads all that has come: not before there is so much more of it. */
const MORE = 1.05;
/** bytes: less is no film worth a look */
const LEAST = 256 * 1024;
/** Bytes that an upload had when it was looked at in vain. */
const seen = new Map<string, number>();
const MOST_SEEN = 1000;

export type Grown = {
  readonly upload: Upload;
  /** bytes from the beginning */
  readonly arrived: number;
};

/** Null where there is too little, or not so much more than there was the last time. */
export async function lookAtGrowing(platform: Platform, { upload, arrived }: Grown): Promise<SourceFacts | null> {
  if (arrived < Math.max(LEAST, (seen.get(upload.id) ?? 0) * MORE)) return null;
  if (seen.size >= MOST_SEEN) seen.clear();
  seen.set(upload.id, arrived);
  // Served with an end: a file that is written in any order has holes, and more behind them.
  const served = platform.ranges.serve(platform.storage, growingKey(upload.id), { size: arrived });
  try {
    const { tool, limits } = platform;
    const input = { kind: 'loopback', url: served.url } as const;
    return await probeGrowing({ tool, limits, input }, { arrived, total: totalBytes(upload) });
  } catch (error) {
    // Of a beginning it may well be that nothing can be told.
    if (error instanceof PlatformError && error.fault === 'media') return null;
    throw error;
  } finally {
    served.close();
  }
}

function totalBytes({ expectedSize, totalChunks, chunkSize }: Upload): number | null {
  return expectedSize ?? (totalChunks !== null && chunkSize !== null ? totalChunks * chunkSize : null);
}

/** Plans the job for as far as its source reaches by now; false where there is not enough new. */
export async function growJob(platform: Platform, job: Job, grown: Grown): Promise<boolean> {
  if (grown.arrived < (job.facts?.size ?? 0) * MORE) return false;
  const facts = await lookAtGrowing(platform, grown);
  if (!facts) return false;
  const ref = { projectId: job.projectId, jobId: job.id };
  const outputs = await listOutputs(platform.database.db, ref, platform.sealer);
  const options = { ...planOptions(platform), evenChunks: true, keepsOriginal: true };
  const plan: Plan = makePlan({ facts, outputs: outputs.map(({ spec }) => spec), options });
  await openTasks(platform, { job, sourceKey: job.sourceKey, facts, plan });
  return true;
}
