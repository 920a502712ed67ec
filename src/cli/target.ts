// The place that `encode` delivers to: a folder or a bucket, with a name for every output in it. Used by encode.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '#cli/command.ts';
import { type Config, isPlace } from '#config/settings.ts';
import { CONTAINER_FACTS, type Container } from '#domain/codec.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { type Location, ownBucket } from '#domain/location.ts';
import type { OutputSpec } from '#domain/output.ts';
import { s3Settings } from '#platform.ts';
import { openManagedStorage } from '#storage/managed.ts';

export type Target = {
  /** The folder; null for a bucket. */
  readonly folder: string | null;
  /** A folder on the same disk, to work in; null for a bucket. */
  readonly beside: string | null;
  readonly destination: (container: Container) => Location;
  /** Name below the target of what says that an output is there. */
  readonly entry: (container: Container) => string;
  /** How a result's place is shown. */
  readonly show: (url: string) => string;
  /** Makes the folder; the answer takes back what was made and delivered, unless it had been there before. */
  readonly prepare: () => Promise<() => Promise<void>>;
};

const isStream = (container: Container): boolean => CONTAINER_FACTS[container].kind === 'adaptive';

/** @param name of files: `film` becomes film.mp4 @throws UsageError for another kind of place */
export function openTarget(to: string, name: string): Target {
  const entry = (container: Container) =>
    isStream(container) ? (container === 'dash' ? 'manifest.mpd' : 'master.m3u8') : `${name}.${container}`;
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(to)?.[1]?.toLowerCase();
  if (scheme === 's3') return openBucket(to, { name, entry });
  if (scheme !== undefined) throw new UsageError(`--to takes a folder or s3://bucket/prefix, not ${scheme}://`);
  const folder = path.resolve(to);
  return {
    folder,
    beside: folder,
    entry,
    destination: (container) => ({
      kind: 'file',
      path: isStream(container) ? folder : path.join(folder, `${name}.${container}`),
    }),
    show: (url) => path.relative(process.cwd(), url) || url,
    prepare: () => prepareFolder(folder),
  };
}

function openBucket(to: string, { name, entry }: { readonly name: string; readonly entry: Target['entry'] }): Target {
  const place = /^s3:\/\/([^/?#]+)\/?([^?#]*)$/i.exec(to);
  if (!place) throw new UsageError(`--to ${to}: a bucket is written s3://bucket/prefix`);
  const prefix = (place[2] ?? '').replace(/\/+$/, '');
  return {
    folder: null,
    beside: null,
    entry,
    destination: (container) =>
      ownBucket(
        place[1] ?? '',
        isStream(container) ? prefix : [prefix, `${name}.${container}`].filter(Boolean).join('/'),
      ),
    show: (url) => url,
    prepare: async () => async () => undefined,
  };
}

async function prepareFolder(folder: string): Promise<() => Promise<void>> {
  if (!isPlace(folder)) throw new PlatformError('destination_denied', `In ${folder} no file can be made`);
  try {
    const made = await mkdir(folder, { recursive: true });
    return async () => {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
    };
  } catch (error) {
    const reason =
      isNodeError(error) && error.code === 'EACCES'
        ? 'may not be written'
        : error instanceof Error
          ? error.message
          : String(error);
    throw new PlatformError('destination_denied', `The folder ${folder} ${reason}`, { cause: error });
  }
}

/** @throws PlatformError `conflict` where something would be overwritten */
export async function requireFree(config: Config, target: Target, outputs: readonly OutputSpec[]): Promise<void> {
  const there =
    target.folder === null ? await inBucket(config, target, outputs) : await inFolder(target, target.folder, outputs);
  if (there !== null)
    throw new PlatformError('conflict', `${there} is there already; --force overwrites it, --to names another place`);
}

async function inFolder(target: Target, folder: string, outputs: readonly OutputSpec[]): Promise<string | null> {
  for (const { container } of outputs) {
    // Segments of another stream under the same names would be mixed with ours.
    if (isStream(container) && (await isFull(folder))) return folder;
    const file = path.join(folder, target.entry(container));
    if (await exists(file)) return file;
  }
  return null;
}

async function inBucket(config: Config, target: Target, outputs: readonly OutputSpec[]): Promise<string | null> {
  for (const { container } of outputs) {
    const location = target.destination(container);
    if (location.kind !== 's3') continue;
    const store = await openManagedStorage(`s3://${location.bucket}`, {
      dataDir: config.DATA_DIR,
      s3: s3Settings(config),
    });
    const key = isStream(container)
      ? [location.path, target.entry(container)].filter(Boolean).join('/')
      : location.path;
    try {
      await store.stat(key);
      return `s3://${location.bucket}/${key}`;
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== 'not_found') throw error;
    } finally {
      await store.close();
    }
  }
  return null;
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false;
    throw error;
  }
}

async function isFull(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return false;
    if (isNodeError(error) && error.code === 'ENOTDIR')
      throw new PlatformError('conflict', `${folder} is a file; --to names a folder`, { cause: error });
    throw error;
  }
}
