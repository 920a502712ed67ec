// Gives FFmpeg a way to a job's source: a path, or a loopback address that serves ranges of it. Called by run-job.ts, run-task.ts and plan-job.ts.
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import type { MediaInput } from '#media/tool.ts';
import type { Platform } from '#workflows/platform.ts';

export type OpenedInput = {
  readonly input: MediaInput;
  /** FFmpeg takes a transfer that broke off for the end of the file: ask whenever it ends. @throws what storage failed with */
  check(): void;
  close(): Promise<void>;
};

/** @throws PlatformError `source_*`, `storage_failed` */
export async function openInput(
  platform: Platform,
  job: Pick<Job, 'source' | 'sourceKey'>,
  signal: AbortSignal,
): Promise<OpenedInput> {
  if (job.sourceKey === null) return openInPlace(platform, job.source);
  const path = platform.storage.localPath(job.sourceKey);
  if (path !== null) return localInput(path);
  const { size } = await platform.storage.stat(job.sourceKey, signal);
  if (size === null) throw new PlatformError('storage_failed', 'The storage does not tell the size of the source');
  const served = platform.ranges.serve(platform.storage, job.sourceKey, { size, signal });
  return {
    input: { kind: 'loopback', url: served.url },
    check: () => {
      if (served.lastError) throw served.lastError;
    },
    close: async () => served.close(),
  };
}

/** A file under FILE_ROOTS, looked up anew every time: what is allowed may have changed. */
async function openInPlace(platform: Platform, source: Job['source']): Promise<OpenedInput> {
  const { store, key } = await platform.locations.openSource(source);
  const path = store.localPath(key);
  await store.stat(key);
  await store.close();
  if (path === null) throw new PlatformError('internal', `A source of kind ${source.kind} was not fetched`);
  return localInput(path);
}

const localInput = (path: string): OpenedInput => ({
  input: { kind: 'file', path },
  check: () => undefined,
  close: async () => undefined,
});
