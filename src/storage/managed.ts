// The platform's own storage: a folder by default, a bucket when there are several machines. Opened by platform.ts.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlatformError } from '#domain/error.ts';
import { openDisk } from '#storage/disk.ts';
import type { PiecewiseStorage } from '#storage/piecewise.ts';
import { openS3 } from '#storage/s3.ts';
import type { S3Credentials } from '#storage/s3-client.ts';
import type { Store } from '#storage/store.ts';

/** The S3 settings of the server: S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and their companions. */
export type S3Settings = {
  readonly endpoint: string | null;
  readonly region: string | null;
  /** null where the settings have none; then the SDK looks in the shared credentials file and asks for the machine's role. */
  readonly credentials: S3Credentials | null;
};

/** A store that the janitor can tidy. */
export type ManagedStore = Store &
  PiecewiseStorage & {
    /** Ends what writers that died left half written before `olderThan`: temporary files, multipart uploads. Resolves with how many. */
    sweep(olderThan: Date): Promise<number>;
    /** An address that gives out one object to whoever has it, for so long; of a bucket. */
    readonly presign?: (
      key: string,
      options: { readonly seconds: number; readonly mediaType: string },
    ) => Promise<string>;
    /** @throws PlatformError where it cannot be worked with now */
    check(signal: AbortSignal): Promise<void>;
  };

/** The bucket of STORAGE_URL; the prefix ends with a slash, or is empty. */
export type ManagedBucket = { readonly bucket: string; readonly prefix: string };

export type ManagedOptions = { readonly dataDir: string; readonly s3: S3Settings };

/**
 * Opens STORAGE_URL: a directory, a `file:` URL, `s3://bucket/prefix`; left out, the folder `storage` of DATA_DIR.
 * @throws PlatformError `invalid_setting`, `storage_failed`
 */
export async function openManagedStorage(
  url: string | undefined,
  { dataDir, s3 }: ManagedOptions,
): Promise<ManagedStore> {
  if (url === undefined) return openDisk(path.join(dataDir, 'storage'));
  // A drive letter (C:\media) looks like a scheme of one letter.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return openFolder(url);
  if (scheme === 'file') return openFolder(fileURLToPath(url));
  const place = managedBucket(url);
  if (!place) {
    throw new PlatformError(
      'invalid_setting',
      `STORAGE_URL ${JSON.stringify(url)} is neither a directory nor s3://bucket/prefix.`,
    );
  }
  return openS3({
    ...place,
    region: s3.region,
    endpoint: s3.endpoint,
    forcePathStyle: null,
    credentials: s3.credentials,
    role: 'managed',
    acl: null,
    guard: null,
  });
}

/** The bucket that STORAGE_URL names; null where it names none. */
export function managedBucket(url: string | undefined): ManagedBucket | null {
  const [, bucket, rest = ''] = /^s3:\/\/([^/?#]+)(?:\/([^?#]*))?$/i.exec(url ?? '') ?? [];
  const prefix = rest.replace(/^\/+|\/+$/g, '');
  return bucket === undefined ? null : { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

async function openFolder(folder: string): Promise<ManagedStore> {
  try {
    return await openDisk(folder);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PlatformError(error.code, `STORAGE_URL: ${error.message}`, { cause: error });
  }
}
