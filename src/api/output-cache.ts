// Outputs as they are served, kept between requests: made anew when a job has changed. Used by output-routes.ts.
import type { Api } from '#api/context.ts';
import { forgetChanged } from '#api/forget-changed.ts';
import type { Job } from '#domain/job.ts';
import { nameOfLocation } from '#domain/view-location.ts';
import type { Platform } from '#workflows/platform.ts';
import { readPackage, type ServedOutput } from '#workflows/read-package.ts';

/** Milliseconds that a growing output is served as it was; players ask for playlists every few seconds. */
const GROWING_MS = 1000;
/** Should a notification be lost, an old state is served no longer than this. */
const SETTLED_MS = 30_000;
const MOST_OUTPUTS = 500;

export type FoundOutput = { readonly output: ServedOutput; readonly name: string | null };
type Kept = { readonly jobId: number; readonly until: number; readonly found: Promise<FoundOutput | null> };
export type OutputWish = { readonly projectId: string; readonly id: string; readonly index: number };
export type OutputCache = { find(wish: OutputWish, findJob: () => Promise<Job>): Promise<FoundOutput | null> };

export function createOutputCache(app: Api, platform: Platform): OutputCache {
  const kept = new Map<string, Kept>();
  forgetChanged(app, platform, (jobId) => {
    for (const [key, entry] of kept) if (jobId === null || entry.jobId === jobId) kept.delete(key);
  });
  return {
    find: async ({ projectId, id, index }, findJob) => {
      const key = `${projectId} ${id.toLowerCase()} ${index}`;
      const entry = kept.get(key);
      if (entry && entry.until > performance.now()) return entry.found;
      const job = await findJob();
      const ref = { projectId, jobId: job.id, index };
      const found = readPackage(platform, ref).then((output) => output && { output, name: filenameOf(job) });
      for (const old of kept.keys()) {
        if (kept.size < MOST_OUTPUTS) break;
        kept.delete(old);
      }
      kept.delete(key);
      kept.set(key, { jobId: job.id, until: performance.now() + GROWING_MS, found });
      try {
        const read = await found;
        const settled = read?.output.settled === true;
        if (settled && kept.get(key)?.found === found)
          kept.set(key, { jobId: job.id, until: performance.now() + SETTLED_MS, found });
        return read;
      } catch (error) {
        kept.delete(key);
        throw error;
      }
    },
  };
}

const filenameOf = (job: Job): string | null =>
  typeof job.metadata.filename === 'string' ? job.metadata.filename : nameOfLocation(job.source);
