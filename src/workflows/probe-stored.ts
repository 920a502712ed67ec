// Finds out what a stored source is, with its index held open for the segments that will be cut out of it. Called by run-job.ts and finish-upload.ts.
import type { Job } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { probeSource } from '#media/probe.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';

/** @throws PlatformError what storage fails with, and what probeSource refuses */
export async function probeStored(
  platform: Platform,
  job: Pick<Job, 'source' | 'sourceKey'>,
  signal: AbortSignal,
): Promise<SourceFacts> {
  const { input, check, close } = await openInput(platform, job, signal);
  try {
    const options = { tool: platform.tool, input, limits: platform.limits, signal };
    // An original that stays is read by its index again and again: it is opened once.
    if (job.source.kind !== 'managed' || job.sourceKey === null) return await probeSource(options);
    return await platform.originals.use(job.sourceKey, (index) => probeSource({ ...options, index }));
  } finally {
    await close();
    // What storage failed with explains what FFmpeg said better than FFmpeg does.
    check();
  }
}
