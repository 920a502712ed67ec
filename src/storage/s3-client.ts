// The S3 client of one store and what its errors mean. The SDK is loaded at first use: start-up and idle memory stay small. Used by s3.ts.
import type { S3Client } from '@aws-sdk/client-s3';
import { PlatformError } from '#domain/error.ts';
import type { Guard } from '#storage/egress.ts';
import { retryAfterSeconds, type StorageFault, storageError, transportError } from '#storage/storage-error.ts';
import type { StoreRole } from '#storage/store.ts';

export type S3Credentials = {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly sessionToken: string | null;
};

export type S3Options = {
  readonly bucket: string;
  /** Put before every key as it is; `folder/` or nothing. */
  readonly prefix: string;
  /** null: us-east-1, which S3-compatible servers take too */
  readonly region: string | null;
  /** null: Amazon's own */
  readonly endpoint: string | null;
  /** null: path style where there is an endpoint */
  readonly forcePathStyle: boolean | null;
  /** null: the SDK's chain: shared credentials file, then the role of the machine */
  readonly credentials: S3Credentials | null;
  readonly role: StoreRole;
  /** Canned ACL of what is written: `public-read`. */
  readonly acl: string | null;
  /** null where the operator named the endpoint: the guard is for what callers name. */
  readonly guard: Guard | null;
  /** milliseconds a connection may be silent */
  readonly stallTimeout?: number;
};

const CONNECT_TIMEOUT_MS = 10_000;
export const STALL_TIMEOUT_MS = 30_000;
/** Tries of one request, made by the SDK for 5xx, throttling and broken connections. */
const ATTEMPTS = 3;

/** Checks what a caller wrote. @throws PlatformError `invalid_request`, `*_refused_address` */
export function checkS3Options({ bucket, region, endpoint, credentials, guard }: S3Options): void {
  if (!/^(arn:[\w:/.-]+|[a-z0-9][\w.-]{1,254})$/i.test(bucket)) {
    throw new PlatformError('invalid_request', `${JSON.stringify(bucket)} is not the name of a bucket.`);
  }
  // The region becomes part of a host name.
  if (region !== null && !/^[a-z0-9-]{1,64}$/i.test(region)) {
    throw new PlatformError('invalid_request', `${JSON.stringify(region)} is not the name of an S3 region.`);
  }
  if (credentials && (credentials.accessKeyId === '' || credentials.accessKeySecret === '')) {
    throw new PlatformError('invalid_request', 'S3 credentials need both the access key id and its secret.');
  }
  if (endpoint === null) return;
  if (guard) guard.checkUrl(endpoint);
  else if (!URL.parse(endpoint)?.protocol.startsWith('http')) {
    throw new PlatformError('invalid_setting', `S3_ENDPOINT ${JSON.stringify(endpoint)} is not an http or https URL.`);
  }
}

/** Connects nothing yet; loads the SDK. */
export async function createS3Client(options: S3Options): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const { endpoint, credentials, guard } = options;
  return new S3Client({
    region: options.region ?? 'us-east-1',
    ...(endpoint !== null && { endpoint }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== null,
    followRegionRedirects: endpoint === null,
    // S3-compatible servers reject or corrupt the streaming checksums that newer SDKs send by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: ATTEMPTS,
    ...(credentials && {
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.accessKeySecret,
        ...(credentials.sessionToken !== null && { sessionToken: credentials.sessionToken }),
      },
    }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: options.stallTimeout ?? STALL_TIMEOUT_MS,
      ...(guard && { httpAgent: guard.agents.http, httpsAgent: guard.agents.https }),
    },
  });
}

const DENIED = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'AuthorizationHeaderMalformed',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'CredentialsProviderError',
]);
const MISSING = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload']);

/** What the SDK threw, as a PlatformError; `where` is shown to the user: `s3://bucket/key`. */
export function s3Error(where: string, role: StoreRole, thrown: unknown): Error {
  if (thrown instanceof PlatformError || !(thrown instanceof Error)) return transportError(where, role, thrown);
  const { name } = thrown;
  const status = httpStatus(thrown);
  const fail = (fault: StorageFault, message: string, retryable?: boolean) =>
    storageError(message, { role, fault, cause: thrown, ...(retryable !== undefined && { retryable }) });
  if (name === 'NoSuchBucket') {
    return role === 'managed'
      ? new PlatformError('storage_failed', `The bucket of ${where} does not exist.`, { cause: thrown })
      : fail('not_found', `The bucket of ${where} does not exist.`);
  }
  if (MISSING.has(name) || status === 404) return fail('not_found', `There is no object ${where}.`);
  if (name === 'CredentialsProviderError') {
    return fail(
      'denied',
      `There are no S3 credentials for ${where}: give them with the job, or set AWS_ACCESS_KEY_ID.`,
    );
  }
  if (DENIED.has(name) || status === 401 || status === 403)
    return fail('denied', `S3 denies access to ${where}: ${name}.`);
  if (name === 'PreconditionFailed' || status === 412) {
    return fail('truncated', `${where} was changed while it was being read.`, false);
  }
  if (status === 301 || status === 307) return fail('refused', `${where} is in another region; name it.`, false);
  if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return fail('refused', `S3 refused ${where}: ${name} (${status}).`, false);
  }
  if (status !== undefined && status >= 300) {
    const retryAfter = retryAfterSeconds(header(thrown, 'retry-after'));
    return storageError(`S3 cannot serve ${where} now: ${name} (${status}).`, {
      role,
      fault: 'refused',
      retryable: true,
      cause: thrown,
      ...(retryAfter !== undefined && { retryAfter }),
    });
  }
  return transportError(where, role, thrown);
}

/** The status of the answer that an SDK error stands for; undefined where none came. */
export function httpStatus(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('$metadata' in thrown)) return undefined;
  const { $metadata: metadata } = thrown;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function header(thrown: Error, name: string): string | undefined {
  if (!('$response' in thrown)) return undefined;
  const response = thrown.$response;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const headers = response.headers;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : undefined;
}
