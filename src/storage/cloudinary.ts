// The operator's Cloudinary account as a destination, through its own SDK: put, remove, address, ping. Opened by platform.ts where USE_CLOUDINARY is on.
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UploadApiOptions, UploadApiResponse } from 'cloudinary';
import { PlatformError } from '#domain/error.ts';
import type { CloudinaryLocation } from '#domain/location.ts';
import { storageError } from '#storage/storage-error.ts';
import type { Store, WriteOptions } from '#storage/store.ts';
import { writeBody } from '#storage/write-body.ts';

export type CloudinarySettings = {
  readonly cloudName: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** `https://api.cloudinary.com` */
  readonly apiUrl: string;
};

export type Asset = Pick<CloudinaryLocation, 'resourceType' | 'path'>;

export type Cloudinary = {
  /** A destination whose keys are public ids. It is only written to and removed from. */
  store(resourceType: Asset['resourceType']): Store;
  /** Where anybody who knows it can download the asset under its own name. */
  urlOf(asset: Asset, format: string): string;
  /** Missing is fine. */
  remove(asset: Asset): Promise<void>;
  /** @throws PlatformError where the account cannot be used now */
  check(): Promise<void>;
};

/** Larger files are sent in pieces: the service takes at most 100 MB at once. */
const WHOLE_BYTES = 60 * 1024 ** 2;
const PIECE_BYTES = 20 * 1024 ** 2;
/** Milliseconds without an answer. */
const PATIENCE_MS = 60_000;
const CHECK_PATIENCE_MS = 3000;

export async function openCloudinary(settings: CloudinarySettings): Promise<Cloudinary> {
  const account = {
    cloud_name: settings.cloudName,
    api_key: settings.apiKey,
    api_secret: settings.apiSecret,
    upload_prefix: settings.apiUrl.replace(/\/+$/, ''),
    secure: true,
  };
  // Before the rest of the SDK is loaded: it decides then, by this address, between http and https.
  const configure = createRequire(import.meta.url)('cloudinary/lib/config.js') as (values: object) => void;
  configure(account);
  const { v2: sdk } = (await import('cloudinary')).default;

  const upload = (key: string, resourceType: string, size: number | undefined) => {
    const { promise, resolve, reject } = Promise.withResolvers<UploadApiResponse>();
    const options: UploadApiOptions = {
      ...account,
      public_id: key,
      resource_type: resourceType as 'image' | 'video',
      overwrite: true,
      invalidate: true,
      timeout: PATIENCE_MS,
      chunk_size: PIECE_BYTES,
    };
    const answered = (error: unknown, answer?: UploadApiResponse) => {
      if (error) reject(explain(error));
      else if (answer?.public_id) resolve(answer);
    };
    const inPieces = size === undefined || size > WHOLE_BYTES;
    const stream: Writable = inPieces
      ? sdk.uploader.upload_chunked_stream(options, answered)
      : sdk.uploader.upload_stream(options, answered);
    return { stream, answer: promise };
  };

  const removal = (resourceType: Asset['resourceType']) => {
    const options = { ...account, resource_type: resourceType, invalidate: true, timeout: PATIENCE_MS };
    return options;
  };

  return {
    store: (resourceType) => ({
      kind: 'cloudinary',
      abilities: { ranges: false, list: false, write: true, remove: true },
      write: async (key, body, options: WriteOptions = {}) => {
        const sent = writeBody(body, options);
        const { stream, answer } = upload(key, resourceType, options.size);
        const { promise: aborted, reject } = Promise.withResolvers<never>();
        const abort = () => reject(options.signal?.reason);
        options.signal?.addEventListener('abort', abort, { once: true });
        try {
          await Promise.race([aborted, Promise.all([pipeline(sent.stream, stream), answer])]);
          return sent.bytes();
        } catch (error) {
          stream.destroy();
          throw sent.failure() ?? error;
        } finally {
          options.signal?.removeEventListener('abort', abort);
        }
      },
      remove: async (key) => {
        await call(() => sdk.uploader.destroy(key, removal(resourceType)));
      },
      stat: () => onlyWritten(),
      read: () => onlyWritten(),
      removeAll: () => onlyWritten(),
      list: () => {
        throw unable();
      },
      localPath: () => null,
      adopt: () => onlyWritten(),
      close: async () => undefined,
    }),
    urlOf: ({ resourceType, path }, format) =>
      sdk.url(path, { ...account, resource_type: resourceType, format, flags: 'attachment', analytics: false }),
    remove: async ({ resourceType, path }) => {
      await call(() => sdk.uploader.destroy(path, removal(resourceType)));
    },
    check: async () => {
      await call(() => sdk.api.ping({ ...account, timeout: CHECK_PATIENCE_MS }));
    },
  };
}

const unable = (): PlatformError => new PlatformError('internal', 'Cloudinary is only written to and removed from');
const onlyWritten = async (): Promise<never> => {
  throw unable();
};

async function call<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explain(error);
  }
}

/** What the SDK throws is no Error: `{message, http_code}`, on its own or as `error`. */
function explain(thrown: unknown): PlatformError {
  const inner = typeof thrown === 'object' && thrown !== null && 'error' in thrown ? thrown.error : thrown;
  const { message = String(inner), http_code: status } = (inner ?? {}) as { message?: string; http_code?: number };
  const options = { role: 'destination', cause: thrown } as const;
  if (status === 401 || status === 403)
    return storageError(`Cloudinary refuses the account: ${message}`, { ...options, fault: 'denied' });
  // 499 is the SDK's own code for no answer in time, 420 the service's for too many calls.
  if (status === undefined || status >= 499 || status === 420 || status === 429)
    return storageError(`Cloudinary could not be reached: ${message}`, { ...options, fault: 'unreachable' });
  return storageError(`Cloudinary refused the file: ${message}`, { ...options, fault: 'refused', retryable: false });
}
