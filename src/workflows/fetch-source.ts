// Brings a job's source to where FFmpeg can read it: in place where that can be, else into managed storage. Called by run-job.ts.
import { type Readable, Transform } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import type { OpenedSource } from '#storage/open.ts';
import { sourceKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';

export type FetchOptions = {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Bytes so far, and of how many; null where the server does not say. */
  readonly onProgress: (bytes: number, total: number | null) => void;
  /** Ranges of it are enough: an object of S3 stays where it is. */
  readonly inPlace?: boolean;
};

/**
 * The key in managed storage that the source lies under from now on; null for a local file or an object of S3 that is read where it is.
 * A transfer that breaks off is resumed by range where the server can; one that a dead worker had finished is not repeated.
 * @throws PlatformError `source_*`, `storage_failed`, `disk_full`
 */
export async function fetchSource(platform: Platform, job: Job, options: FetchOptions): Promise<string | null> {
  if (job.sourceKey !== null) return job.sourceKey;
  const source = await platform.locations.openSource(job.source);
  try {
    if (job.source.kind === 'managed' || job.source.kind === 'upload') return source.key;
    if (source.store.localPath(source.key) !== null) {
      checkSize(platform, (await source.store.stat(source.key, options.signal)).size);
      return null;
    }
    if (options.inPlace && (await isReadableInPlace(platform, source, options))) return null;
    return await transfer(platform, { job, source, ...options });
  } finally {
    await source.store.close();
  }
}

/** Whether FFmpeg can read it through our range reader as well as from a disk. */
async function isReadableInPlace(
  platform: Platform,
  { store, key, name }: OpenedSource,
  { signal, log }: FetchOptions,
): Promise<boolean> {
  if (store.kind !== 's3' || !store.abilities.ranges) return false;
  const { size } = await store.stat(key, signal);
  checkSize(platform, size);
  if (size === 0) throw new PlatformError('empty_source', `${name} is empty: it has no bytes`);
  if (size !== null) log(`fetch: ${name}, ${size} bytes, is read where it is, in ranges`);
  return size !== null;
}

type Transfer = FetchOptions & { readonly job: Job; readonly source: OpenedSource };

async function transfer(platform: Platform, { job, source, signal, log, onProgress }: Transfer): Promise<string> {
  const { storage } = platform;
  const key = sourceKey(job.uuid);
  const { size } = await source.store.stat(source.key, signal);
  checkSize(platform, size);
  if (size !== null && (await sizeOf(platform, key)) === size) {
    log(`fetch: ${source.name} had been fetched already`);
    return key;
  }
  log(`fetch: ${source.name}, ${size ?? 'unknown'} bytes, from ${job.source.kind}`);
  const body = await source.store.read(source.key, { signal });
  const limited = limitBytes(body, platform.config.MAX_SOURCE_BYTES);
  const written = await storage.write(key, limited, {
    signal,
    ...(size === null ? {} : { size }),
    onProgress: (bytes) => onProgress(bytes, size),
  });
  if (written === 0) throw new PlatformError('empty_source', `${source.name} is empty: it has no bytes`);
  if (size !== null && written !== size) {
    await storage.remove(key);
    throw new PlatformError('source_truncated', `${source.name} has ${size} bytes, but ${written} came`);
  }
  return key;
}

async function sizeOf({ storage }: Platform, key: string): Promise<number | null> {
  try {
    return (await storage.stat(key)).size;
  } catch (error) {
    // Not there, most likely; if the storage is down, writing to it will say so.
    if (error instanceof PlatformError) return null;
    throw error;
  }
}

function checkSize({ config }: Platform, size: number | null): void {
  if (size !== null && size > config.MAX_SOURCE_BYTES) throw tooLarge(config.MAX_SOURCE_BYTES);
}

/** Fails as soon as more comes than is allowed: servers lie about sizes, or do not tell them. */
export function limitBytes(
  body: Readable,
  limit: number,
  error: () => PlatformError = () => tooLarge(limit),
): Readable {
  let bytes = 0;
  const counter = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > limit ? error() : null, chunk);
    },
  });
  body.on('error', (error) => counter.destroy(error));
  counter.on('close', () => body.destroy());
  return body.pipe(counter);
}

const tooLarge = (limit: number): PlatformError =>
  new PlatformError('source_too_large', `The source is larger than ${limit} bytes (MAX_SOURCE_BYTES)`);
