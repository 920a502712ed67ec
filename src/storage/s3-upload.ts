// Writing one object: in one request when small, in parts when not, with bounded memory, and aborted cleanly. Used by s3.ts.

import type { Readable } from 'node:stream';
import type { AbortMultipartUploadCommand, ObjectCannedACL, S3Client } from '@aws-sdk/client-s3';
import type { WriteOptions } from '#storage/store.ts';
import { abortReason, writeBody } from '#storage/write-body.ts';

export type S3Upload = {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly acl: string | null;
  readonly body: Readable | Uint8Array;
  readonly options: WriteOptions;
  /** What the SDK threw, in the store's words. */
  readonly toError: (cause: unknown) => Error;
};

const MIB = 1024 * 1024;
const PART = 8 * MIB;
/** Without a size: 10,000 parts (S3's limit) of these make 117 GiB. */
const PART_OF_UNKNOWN = 12 * MIB;
const MOST_PARTS = 9000;
/** Parts under way at once. As many again are being filled or cut, so memory is about four parts. */
const PARTS_AT_ONCE = 2;

/** Resolves with the bytes written. Rejects with the caller's own error where its body failed or its signal aborted. */
export async function uploadToS3({ client, bucket, key, acl, body, options, toError }: S3Upload): Promise<number> {
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { stream, bytes, failure } = writeBody(body, options);
  const control = new AbortController();
  let cause: Error | undefined;
  // A failing body ends the parts under way; a failing part ends the body.
  const end = (reason: Error) => {
    if (control.signal.aborted) return;
    cause = reason;
    control.abort(reason);
    stream.destroy();
  };
  const fail = (error: unknown) => end(failure() ?? toError(error));
  stream.once('error', fail);
  // A small body has long been read while its request still waits for an answer.
  const { signal } = options;
  const abort = () => end(abortReason(signal));
  signal?.addEventListener('abort', abort, { once: true });
  const upload = new Upload({
    client: endingWith(client, { control, fail, always: AbortMultipartUploadCommand }),
    params: {
      Bucket: bucket,
      Key: key,
      Body: stream,
      ...(options.contentType && { ContentType: options.contentType }),
      ...(options.cacheControl && { CacheControl: options.cacheControl }),
      ...(acl !== null && { ACL: acl as ObjectCannedACL }),
    },
    partSize: partSize(options.size),
    queueSize: PARTS_AT_ONCE,
  });
  try {
    await upload.done();
    return bytes();
  } catch (error) {
    fail(error);
    throw cause ?? toError(error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function partSize(size: number | undefined): number {
  if (size === undefined) return PART_OF_UNKNOWN;
  return Math.max(PART, Math.ceil(size / MOST_PARTS / MIB) * MIB);
}

type Ending = {
  readonly control: AbortController;
  readonly fail: (error: unknown) => void;
  /** The command that clears up and is sent even when everything else has ended. */
  readonly always: typeof AbortMultipartUploadCommand;
};

/**
 * The client for one upload. lib-storage neither ends the other parts when one fails nor those under way when it is
 * aborted: it would read a body of many gigabytes to its end before it failed.
 */
function endingWith(client: S3Client, { control, fail, always }: Ending): S3Client {
  const send = async (command: Parameters<S3Client['send']>[0]) => {
    if (command instanceof always) return await client.send(command);
    try {
      return await client.send(command, { abortSignal: control.signal });
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  return new Proxy(client, {
    get: (target, name) => (name === 'send' ? send : Reflect.get(target, name)),
  });
}
