// Objects in a bucket of S3 or anything that speaks its language. Opened by managed.ts and open.ts.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { PlatformError } from '#domain/error.ts';
import { wantedRange } from '#storage/byte-range.ts';
import { checkKey, checkPrefix } from '#storage/key.ts';
import type { PiecewiseStorage } from '#storage/piecewise.ts';
import { type ReadAttempt, resumingRead } from '#storage/resuming-read.ts';
import {
  checkS3Options,
  createS3Client,
  httpStatus,
  type S3Options,
  STALL_TIMEOUT_MS,
  s3Error,
} from '#storage/s3-client.ts';
import { abortStaleMultiparts, listStaleMultiparts, type StaleMultipart } from '#storage/s3-multipart.ts';
import { directUploads, joinInS3 } from '#storage/s3-piecewise.ts';
import { uploadToS3 } from '#storage/s3-upload.ts';
import { storageError } from '#storage/storage-error.ts';
import type { ObjectInfo, ReadOptions, Store, WriteOptions } from '#storage/store.ts';
import { STREAM_BUFFER } from '#storage/write-body.ts';

export type S3Store = Store &
  PiecewiseStorage & {
    readonly kind: 's3';
    /** See ManagedStore. */
    presign(key: string, options: { readonly seconds: number; readonly mediaType: string }): Promise<string>;
    /** Multipart uploads below the prefix begun before `olderThan`: each is billed until it is aborted. */
    listStaleMultiparts(olderThan: Date): AsyncIterable<StaleMultipart>;
    /** Resolves with how many were aborted. */
    abortStaleMultiparts(olderThan: Date): Promise<number>;
    /** The janitor's name for the same. */
    sweep(olderThan: Date): Promise<number>;
    /** @throws PlatformError where the bucket cannot be read with the credentials there are */
    check(signal: AbortSignal): Promise<void>;
  };

/** Deletions under way at once: one by one, as DeleteObjects wants a Content-MD5 that not every server agrees on. */
const DELETES_AT_ONCE = 8;

type Connection = { readonly options: S3Options; client(): Promise<S3Client> };

/** Opens a bucket. Nothing is connected before the first call. @throws PlatformError `invalid_request`, `*_refused_address` */
export function openS3(options: S3Options): S3Store {
  checkS3Options(options);
  let opened: Promise<S3Client> | undefined;
  const connection: Connection = {
    options,
    client: () => {
      opened ??= createS3Client(options);
      return opened;
    },
  };
  const call = async <T>(key: string, work: (client: S3Client) => Promise<T>): Promise<T> => {
    try {
      return await work(await connection.client());
    } catch (error) {
      throw s3Error(where(options, key), options.role, error);
    }
  };
  const sweep = (olderThan: Date) => call('', (client) => abortStaleMultiparts(client, options, olderThan));
  const write = (key: string, body: Readable | Uint8Array, writing: WriteOptions = {}) =>
    writeObject(connection, checkKey(key), { body, writing });

  return {
    kind: 's3',
    abilities: { ranges: true, list: true, write: true, remove: true },
    stat: (key, signal) => call(checkKey(key), (client) => statObject(client, options, { key, signal })),
    read: (key, reading = {}) => readObject(connection, checkKey(key), reading),
    write,
    remove: (key) => call(checkKey(key), (client) => deleteObject(client, options.bucket, options.prefix + key)),
    removeAll: (prefix) => call(prefix, (client) => removeAll(client, options, prefix)),
    list: (prefix) => list(connection, checkPrefix(prefix)),
    localPath: () => null,
    growing: null,
    direct: directUploads(options, call),
    presign: (key, asked) => call(checkKey(key), (client) => presign(client, options, { key, ...asked })),
    join: (key, parts, signal) =>
      call(checkKey(key), (client) =>
        joinInS3(client, options, { key, parts, signal, read: (part, range) => readObject(connection, part, range) }),
      ),
    adopt: async (path, key, writing = {}) => {
      const { size } = await stat(path);
      return write(key, createReadStream(path, { highWaterMark: STREAM_BUFFER }), { ...writing, size });
    },
    listStaleMultiparts: async function* (olderThan) {
      yield* listStaleMultiparts(await connection.client(), options, olderThan);
    },
    abortStaleMultiparts: sweep,
    sweep,
    check: (signal) => call('', (client) => checkBucket(client, options, signal)),
    close: async () => {
      // Sockets of a guard belong to the guard.
      if (!options.guard) (await opened)?.destroy();
    },
  };
}

function where({ bucket, prefix }: S3Options, key: string): string {
  return `s3://${bucket}/${prefix}${key}`;
}

type Asked = { readonly key: string; readonly signal: AbortSignal | undefined };

async function statObject(
  client: S3Client,
  { bucket, prefix }: S3Options,
  { key, signal }: Asked,
): Promise<ObjectInfo> {
  const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: prefix + key }), {
    ...(signal && { abortSignal: signal }),
  });
  return {
    key,
    size: head.ContentLength ?? null,
    contentType: head.ContentType ?? null,
    etag: head.ETag ?? null,
    modifiedAt: head.LastModified ?? null,
  };
}

/** Looks for what never exists: unlike asking for an object, which need not be there, this fails where the bucket is not. */
async function checkBucket(client: S3Client, { bucket, prefix }: S3Options, signal: AbortSignal): Promise<void> {
  const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
  const nothing = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}health/nothing`, MaxKeys: 1 });
  await client.send(nothing, { abortSignal: signal });
}

async function readObject(connection: Connection, key: string, reading: ReadOptions): Promise<Readable> {
  const { options } = connection;
  const { start, end } = wantedRange(key, reading, null);
  const place = where(options, key);
  const toError = (cause: unknown) => s3Error(place, options.role, cause);
  let etag: string | undefined;
  /** Exclusive end of what is read, once the first answer has said how long the object is. */
  let wantedEnd = end;

  const open = async (offset: number, signal: AbortSignal): Promise<ReadAttempt> => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await connection.client();
    const ranged = offset > 0 || wantedEnd !== null;
    const last = wantedEnd === null ? '' : String(wantedEnd - 1);
    try {
      const answer = await client.send(
        new GetObjectCommand({
          Bucket: options.bucket,
          Key: options.prefix + key,
          ...(ranged && { Range: `bytes=${offset}-${last}` }),
          ...(etag !== undefined && { IfMatch: etag }),
        }),
        { abortSignal: signal },
      );
      etag ??= answer.ETag;
      const { Body: body, ContentLength: length } = answer;
      if (!(body instanceof Readable)) throw new Error('the answer has no body');
      wantedEnd = length === undefined ? wantedEnd : offset + length;
      return { body, end: wantedEnd, resumable: etag !== undefined };
    } catch (error) {
      if (httpStatus(error) !== 416) throw toError(error);
      // Every range of an empty object is beyond its end; reading it from the start is fine all the same.
      if (offset === 0) return { body: Readable.from([]), end: 0, resumable: false };
      throw new PlatformError('invalid_request', `The range begins behind the end of ${place}.`, { cause: error });
    }
  };
  return resumingRead({
    open,
    start,
    signal: reading.signal,
    stallTimeout: options.stallTimeout ?? STALL_TIMEOUT_MS,
    toError,
    toTruncated: (got, wanted) =>
      storageError(`${place} ended after ${got} of ${wanted} bytes.`, { role: options.role, fault: 'truncated' }),
  });
}

type Writing = { readonly body: Readable | Uint8Array; readonly writing: WriteOptions };

async function writeObject({ options, client }: Connection, key: string, { body, writing }: Writing): Promise<number> {
  writing.signal?.throwIfAborted();
  return uploadToS3({
    client: await client(),
    bucket: options.bucket,
    key: options.prefix + key,
    acl: options.acl,
    body,
    options: writing,
    toError: (cause) => s3Error(where(options, key), options.role, cause),
  });
}

async function deleteObject(client: S3Client, bucket: string, key: string): Promise<void> {
  const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
  try {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NoSuchKey') throw error;
  }
}

async function removeAll(client: S3Client, options: S3Options, prefix: string): Promise<void> {
  if (prefix === '') throw new PlatformError('invalid_request', 'Removing everything of a store needs a prefix.');
  const found = listRaw(client, options, checkPrefix(prefix));
  const worker = async () => {
    for await (const { Key: key } of found) if (key !== undefined) await deleteObject(client, options.bucket, key);
  };
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, worker));
}

async function* list(connection: Connection, prefix: string): AsyncGenerator<ObjectInfo> {
  const { options } = connection;
  try {
    for await (const found of listRaw(await connection.client(), options, prefix)) {
      // Consoles keep empty objects named like folders; they are no files of anybody.
      if (found.Key === undefined || found.Key.endsWith('/')) continue;
      yield {
        key: found.Key.slice(options.prefix.length),
        size: found.Size ?? null,
        contentType: null,
        etag: found.ETag ?? null,
        modifiedAt: found.LastModified ?? null,
      };
    }
  } catch (error) {
    throw s3Error(where(options, prefix), options.role, error);
  }
}

async function* listRaw(client: S3Client, { bucket, prefix }: S3Options, below: string) {
  const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix + below,
        ...(token !== undefined && { ContinuationToken: token }),
      }),
    );
    yield* page.Contents ?? [];
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

type Presigning = { readonly key: string; readonly seconds: number; readonly mediaType: string };

async function presign(client: S3Client, options: S3Options, { key, seconds, mediaType }: Presigning): Promise<string> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const { bucket, prefix } = options;
  const command = new GetObjectCommand({ Bucket: bucket, Key: prefix + key, ResponseContentType: mediaType });
  return getSignedUrl(client, command, { expiresIn: seconds });
}
