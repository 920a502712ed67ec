// Opens the places that jobs name: a store and a key in it. Made by platform.ts, called by the workflows.
import { PlatformError } from '#domain/error.ts';
import type { FileLocation, FtpLocation, InlineLocation, Location, S3Location } from '#domain/location.ts';
import type { Cloudinary } from '#storage/cloudinary.ts';
import type { Egress, EgressRole } from '#storage/egress.ts';
import { findRoot, openFileLocation } from '#storage/file-location.ts';
import { openFtp } from '#storage/ftp.ts';
import { openHttp } from '#storage/http.ts';
import { openInline } from '#storage/inline.ts';
import { checkKey, isPlatformsOwn, nameOfKey, splitPath } from '#storage/key.ts';
import type { ManagedBucket, S3Settings } from '#storage/managed.ts';
import { openS3 } from '#storage/s3.ts';
import { storageError } from '#storage/storage-error.ts';
import type { Store } from '#storage/store.ts';

export type OpenedSource = {
  readonly store: Store;
  readonly key: string;
  /** File name for display; never used as a path. */
  readonly name: string;
};

export type OpenedDestination = {
  readonly store: Store;
  /** Of the one file, or of the folder that files go below: put together with joinKey. Empty for the root of a bucket or server. */
  readonly key: string;
};

/** Whoever opens a place closes its store; the managed store survives that. */
export type LocationOpener = {
  /** @throws PlatformError `invalid_request`, `source_*`, `not_found` (upload) */
  openSource(location: Location): Promise<OpenedSource>;
  /** @throws PlatformError `invalid_request`, `destination_*` */
  openDestination(location: Location): Promise<OpenedDestination>;
  /** What is known of a place without looking into it: a file lies under FILE_ROOTS. @throws PlatformError `*_denied` */
  checkPlace(location: Location, role: EgressRole): Promise<void>;
  close(): Promise<void>;
};

export type OpenerOptions = {
  readonly managed: Store;
  readonly egress: Egress;
  /** FILE_ROOTS */
  readonly fileRoots: readonly string[];
  readonly s3: S3Settings;
  /** Where managed storage is a bucket; else null. */
  readonly managedBucket?: ManagedBucket | null;
  /** The storage key of a finished upload. */
  readonly uploads: (uploadId: string) => Promise<string>;
  /** null where USE_CLOUDINARY is off. */
  readonly cloudinary?: Cloudinary | null;
  /** MAX_INLINE_BYTES */
  readonly maxInlineBytes: number;
};

type Opened = OpenedSource;

export function createLocationOpener(options: OpenerOptions): LocationOpener {
  return {
    openSource: async (location) => {
      if (location.kind === 'upload') {
        const key = await options.uploads(location.uploadId);
        return { store: keptOpen(options.managed), key, name: nameOfKey(key) };
      }
      const opened = await open(options, location, 'source');
      if (opened.key !== '') return opened;
      await opened.store.close();
      throw new PlatformError('invalid_request', 'The source names no file: its path is empty.');
    },
    openDestination: async (location) => {
      if (location.kind === 'inline' || location.kind === 'upload') {
        throw new PlatformError('invalid_request', `A destination cannot be of kind ${location.kind}.`);
      }
      const { store, key } = await open(options, location, 'destination');
      return { store, key };
    },
    checkPlace: async (location, role) => {
      if (location.kind !== 'file') return;
      try {
        await findRoot(location.path, options.fileRoots, role);
      } catch (error) {
        // What the disk of this machine said is no reason: a worker's own may say otherwise.
        if (!(error instanceof PlatformError) || error.cause === undefined) throw error;
      }
    },
    close: async () => undefined,
  };
}

async function open(
  options: OpenerOptions,
  location: Exclude<Location, { kind: 'upload' }>,
  role: EgressRole,
): Promise<Opened> {
  const guard = options.egress.as(role);
  switch (location.kind) {
    case 'http':
    case 'https':
      return openHttp({ url: location.url, headers: location.headers, method: location.method, guard });
    case 's3':
      return openS3Location(options, location, role);
    case 'ftp':
    case 'ftps':
      return openFtpLocation(options, location, role);
    case 'inline':
      return openInlineLocation(options, location);
    case 'file':
      return openFile(options, location, role);
    case 'cloudinary':
      if (!options.cloudinary)
        throw new PlatformError('destination_not_found', 'There is no Cloudinary account: USE_CLOUDINARY is off.');
      return { store: options.cloudinary.store(location.resourceType), key: location.path, name: location.path };
    case 'managed':
      return { store: keptOpen(options.managed), key: checkKey(location.key), name: nameOfKey(location.key) };
  }
}

function openS3Location({ s3, managedBucket, egress }: OpenerOptions, location: S3Location, role: EgressRole): Opened {
  const { accessKeyId, accessKeySecret, sessionToken } = location;
  if ((accessKeyId === null) !== (accessKeySecret === null)) {
    throw new PlatformError('invalid_request', 'S3 credentials need both the access key id and its secret.');
  }
  const own = accessKeyId !== null && accessKeySecret !== null ? { accessKeyId, accessKeySecret, sessionToken } : null;
  // "/folder/file" is what people write for the key folder/file.
  const { folder, name } = splitPath(location.path.replace(/^\//, ''));
  const isOperators = location.endpoint === null || isSame(location.endpoint, s3.endpoint);
  const endpoint = isOperators ? s3.endpoint : location.endpoint;
  // Else whoever names an endpoint is sent what the operator's keys have signed, and the session token with it.
  if (!isOperators && own === null)
    throw new PlatformError(
      'invalid_request',
      'An S3 endpoint of your own needs credentials of your own: access_key_id and access_key_secret.',
    );
  // The operator's keys open all of managed storage, where every project's media lies.
  if (own === null && managedBucket?.bucket === location.bucket && holdsOurs(managedBucket.prefix, location.path))
    throw storageError(`"${location.path}" of the bucket ${location.bucket} is the platform's own storage.`, {
      role,
      fault: 'denied',
    });
  const store = openS3({
    bucket: location.bucket,
    prefix: folder,
    region: location.region ?? s3.region,
    endpoint,
    forcePathStyle: location.forcePathStyle,
    credentials: own ?? s3.credentials,
    role,
    acl: location.acl,
    // What the operator set as S3_ENDPOINT may well lie in the private network.
    guard: endpoint !== null && isOperators ? null : egress.as(role),
  });
  return { store, key: name, name };
}

const holdsOurs = (prefix: string, asked: string): boolean => {
  const path = asked.replace(/^\//, '');
  return path.startsWith(prefix) && isPlatformsOwn(path.slice(prefix.length));
};

const isSame = (endpoint: string, operators: string | null): boolean =>
  operators !== null && URL.parse(endpoint)?.href === URL.parse(operators)?.href;

function openFtpLocation({ egress }: OpenerOptions, location: FtpLocation, role: EgressRole): Opened {
  const { host, port, user, password } = location;
  const { folder, name } = splitPath(location.path);
  const store = openFtp({
    host,
    port,
    user,
    password,
    secure: location.kind === 'ftps',
    prefix: folder,
    guard: egress.as(role),
  });
  return { store, key: name, name };
}

function openInlineLocation({ maxInlineBytes }: OpenerOptions, { data, filename }: InlineLocation): Opened {
  // The name is only shown: whatever it is, the key is ours.
  const name = splitPath((filename ?? '').replaceAll('\\', '/')).name || 'inline';
  return { store: openInline({ data, key: 'inline', maxBytes: maxInlineBytes }), key: 'inline', name };
}

async function openFile({ fileRoots }: OpenerOptions, { path }: FileLocation, role: EgressRole): Promise<Opened> {
  const opened = await openFileLocation(path, fileRoots, role);
  return { ...opened, name: nameOfKey(opened.key) };
}

/** The managed store as a place of a job: closing the place does not close the store. */
function keptOpen(store: Store): Store {
  return { ...store, close: async () => undefined };
}
