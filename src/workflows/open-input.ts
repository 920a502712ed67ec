// Gives FFmpeg a way to a job's source: a path, or a loopback address that serves ranges of it. Called by run-job.ts, run-task.ts and plan-job.ts.
import { findUpload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import { uploadIdOf } from '#domain/video.ts';
import type { MediaInput } from '#media/tool.ts';
import type { Platform } from '#workflows/platform.ts';
import { type ArrivedObject, findArrived } from '#workflows/uploads/arrived-object.ts';
import { isGrowingKey } from '#workflows/uploads/upload-storage.ts';

export type OpenedInput = {
  readonly input: MediaInput;
  /** FFmpeg takes a transfer that broke off for the end of the file: ask whenever it ends. @throws what storage failed with */
  check(): void;
  close(): Promise<void>;
};

/** The source, and what was found out about it before. */
export type KnownSource = Pick<Job, 'source' | 'sourceKey'> & Partial<Pick<Job, 'projectId' | 'facts'>>;

/** @throws PlatformError `source_*`, `storage_failed` */
export async function openInput(platform: Platform, job: KnownSource, signal: AbortSignal): Promise<OpenedInput> {
  if (job.sourceKey === null) return openInPlace(platform, job, signal);
  const path = platform.storage.localPath(job.sourceKey);
  if (path !== null) return localInput(path);
  if (isGrowingKey(job.sourceKey)) return openArrived(platform, job, signal);
  const { size } = await platform.storage.stat(job.sourceKey, signal);
  if (size === null) throw new PlatformError('storage_failed', 'The storage does not tell the size of the source');
  return served(platform, { store: platform.storage, key: job.sourceKey, size, signal });
}

/** What has come of an upload that lies in pieces. */
async function openArrived(
  platform: Platform,
  { sourceKey, projectId = '' }: KnownSource,
  signal: AbortSignal,
): Promise<OpenedInput> {
  const id = uploadIdOf(sourceKey ?? '') ?? '';
  const upload = await findUpload(platform.database.db, { projectId, id });
  if (!upload) throw new PlatformError('source_not_found', `Upload ${id} was given up`);
  return served(platform, { ...(await findArrived(platform, upload)), signal });
}

/** A file under FILE_ROOTS, looked up anew every time: what is allowed may have changed; or an object of S3, by ranges. */
async function openInPlace(
  platform: Platform,
  { source, facts }: KnownSource,
  signal: AbortSignal,
): Promise<OpenedInput> {
  const { store, key, name } = await platform.locations.openSource(source);
  const path = store.localPath(key);
  try {
    const { size } = await store.stat(key, signal);
    if (path !== null) {
      await store.close();
      return localInput(path);
    }
    if (size === null || !store.abilities.ranges)
      throw new PlatformError('internal', `A source of kind ${source.kind} was not fetched`);
    if (facts && facts.size !== size)
      throw new PlatformError('source_truncated', `${name} was changed while it was being encoded`, {
        retryable: false,
      });
    const opened = served(platform, { store, key, size, signal });
    return { ...opened, close: async () => void (await Promise.all([opened.close(), store.close()])) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Served = ArrivedObject & { readonly signal: AbortSignal };

function served({ ranges }: Platform, { store, key, size, signal }: Served): OpenedInput {
  const object = ranges.serve(store, key, { size, signal });
  return {
    input: { kind: 'loopback', url: object.url },
    check: () => {
      if (object.lastError) throw object.lastError;
    },
    close: async () => object.close(),
  };
}

const localInput = (path: string): OpenedInput => ({
  input: { kind: 'file', path },
  check: () => undefined,
  close: async () => undefined,
});

/** For work that reads no source. */
export const noInput: OpenedInput = localInput('');
